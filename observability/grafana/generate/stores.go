package main

// stores is what the shop stands on.
func stores() dashboard {
	return dashboard{
		uid: "stores", title: "The stores and the machine",
		what: "The database, Redis, the proxy, the edge and the nodes under them.",
		rows: []row{
			{"The database", []panel{
				figure(4, "Database up", "none", query{`max(mysql_up{job="database"})`, "up"}).
					shows("1 while the database answers its exporter.").
					redBelow(1, "runbook DatabaseDown."),
				figure(4, "Room", "none", query{`max(woody_database_full{job="api"})`, "full"}).
					shows("1 while the database has no room for what is written.").
					redFrom(1, "runbook DatabaseFull."),
				figure(4, "Connections", "percentunit",
					query{`max(mysql_global_status_threads_connected{job="database"}` +
						` / mysql_global_variables_max_connections{job="database"})`, "taken"}).
					shows("How much of max_connections is taken.").
					redFrom(0.8, "runbook DatabaseConnectionsHigh."),
				figure(4, "Rollbacks", "percentunit",
					query{share(rate(`mysql_global_status_commands_total{job="database", command="rollback"}`),
						rate(`mysql_global_status_commands_total{job="database", command=~"commit|rollback"}`)), "of transactions"}).
					shows("How many of the transactions are rolled back.").
					redFrom(0.1, "runbook DatabaseRollbacksMany."),
				figure(4, "Pages from memory", "percentunit",
					query{`1 - sum(mysql_global_status_innodb_buffer_pool_reads{job="database"})` +
						` / sum(mysql_global_status_innodb_buffer_pool_read_requests{job="database"})`, "of those read"}).
					shows("How many of the pages that InnoDB reads are in its buffer pool.").
					redBelow(0.95, "the pool is small for what is read: --innodb-buffer-pool-size in stack.yml."),
				figure(4, "Up since", "s", query{`max(mysql_global_status_uptime{job="database"})`, "runs for"}).
					shows("How long the database has been running.").
					redBelow(60, "it began anew: its log, and docker service ps woody_database, say why."),
				chart(8, "Statements", "ops",
					query{rateBy("command", `mysql_global_status_commands_total{job="database",`+
						` command=~"select|insert|update|delete|commit|rollback"}`), "{{command}}"}).
					shows("Statements that the database carried out.").
					redFrom(20_000, "it is more than was measured on two cores: is the cache used? The cache says."),
				chart(8, "Connections of the replicas", "none",
					query{`sum by (db_name) (go_sql_in_use_connections{job="api"})`, "{{db_name}}, in use"},
					query{`sum by (db_name) (go_sql_open_connections{job="api"})`, "{{db_name}}, open"},
					query{`max(mysql_global_status_threads_running{job="database"})`, "at work in the database"}).
					shows("Connections by what they are for.").
					redFrom(240, "runbook DatabaseConnectionsHigh."),
				chart(8, "Locks and slow queries", "ops",
					query{rate(`mysql_global_status_innodb_row_lock_waits{job="database"}`), "waits for a row"},
					query{rate(`mysql_global_status_innodb_deadlocks{job="database"}`), "deadlocks"},
					query{rate(`mysql_global_status_slow_queries{job="database"}`), "slow queries"}).
					shows("What holds transactions up. The last product's query is slow on purpose.").
					redFrom(10, "writers meet at the same rows: information_schema.INNODB_TRX shows who waits for "+
						"whom."),
			}},
			{"Redis", []panel{
				figure(4, "Redis up", "none", query{`max(redis_up{job="redis"})`, "up"}).
					shows("1 while Redis answers its exporter.").
					redBelow(1, "runbook RedisDown."),
				figure(4, "Clients", "none", query{`sum(redis_connected_clients{job="redis"})`, "connected"}).
					shows("Connections to Redis.").
					redFrom(5000, "somebody opens connections and keeps them: CLIENT LIST."),
				chart(8, "Memory of Redis", "bytes",
					query{`sum(redis_memory_used_bytes{job="redis"})`, "used"},
					query{`sum(redis_memory_max_bytes{job="redis"})`, "maxmemory"}).
					shows("What Redis keeps, and how much it may. It pushes out what was used least when it is full.").
					redFrom(1<<30, "raise the service's memory limit together with REDIS_MEMORY."),
				chart(8, "Commands", "ops",
					query{rate(`redis_commands_processed_total{job="redis"}`), "commands"},
					query{rate(`redis_evicted_keys_total{job="redis"}`), "keys pushed out"},
					query{rate(`redis_expired_keys_total{job="redis"}`), "keys expired"}).
					shows("What Redis does.").
					redFrom(100_000, "it is near what one thread can do: raise the TTLs, or WOODY_NEAR_BYTES."),
			}},
			{"The proxy", []panel{
				chart(8, "Requests at the proxy", "reqps",
					query{rateBy("code", `haproxy_frontend_http_responses_total{job="proxy", proxy="public"}`),
						"{{code}}"}).
					stack().shows("Answers of the proxy, by the first digit of their status.").
					redFrom(20_000, "it is more than was measured on two cores: RATE_LIMIT, or another node."),
				chart(8, "Servers it may use", "none",
					query{`min by (proxy) (haproxy_backend_active_servers{job="proxy", proxy=~"api|front|cdn"})`,
						"{{proxy}}"}).
					shows("Servers that have passed their checks.").
					redBelow(1, "runbook ProxyWithoutServers."),
				chart(8, "Waits and tries", "none",
					query{`sum by (proxy) (haproxy_backend_current_queue{job="proxy", proxy=~"api|front|cdn"})`,
						"queued for {{proxy}}"},
					query{rate(`haproxy_backend_retry_warnings_total{job="proxy"}`), "tried again, a second"},
					query{rate(`haproxy_backend_redispatch_warnings_total{job="proxy"}`),
						"asked of another, a second"}).
					shows("Requests that wait for a server, and those that had to be sent again.").
					redFrom(100, "servers are full or break off: scripts/scale; the tasks' logs."),
			}},
			{"The edge", []panel{
				figure(6, "Answered by the edge", "percentunit",
					query{share(rate(`varnish_main_cache_hit{job="edge"}`),
						"("+rate(`varnish_main_cache_hit{job="edge"}`)+" + "+
							rate(`varnish_main_cache_miss{job="edge"}`)+")"), "of the assets"}).
					shows("Requests for assets that the edge answered from what it keeps.").
					redBelow(0.5, "runbook EdgeHitRatioLow."),
				chart(9, "Requests at the edge", "reqps",
					query{rate(`varnish_main_cache_hit{job="edge"}`), "kept"},
					query{rate(`varnish_main_cache_miss{job="edge"}`), "asked of the front"},
					query{rate(`varnish_main_cache_hitpass{job="edge"}`), "passed on"}).
					shows("What became of the requests.").
					redFrom(20_000, "it is more than was measured on two cores: CDN_REPLICAS."),
				chart(9, "Objects at the edge", "none",
					query{`sum(varnish_main_n_object{job="edge"})`, "kept"},
					query{rate(`varnish_main_n_lru_nuked{job="edge"}`), "pushed out, a second"}).
					shows("What the edge keeps.").
					redFrom(100_000, "somebody asks for ever new addresses: runbook EdgeHitRatioLow."),
			}},
			{"The machine", []panel{
				chart(8, "Processors", "percentunit",
					query{`1 - sum by (instance) (rate(node_cpu_seconds_total{job="node", mode=~"idle|iowait"}[$__rate_interval]))` +
						` / count by (instance) (node_cpu_seconds_total{job="node", mode="idle"})`, "{{instance}}"}).
					shows("How busy each node's processors are.").
					redFrom(0.9, "runbook CPUHigh."),
				chart(8, "Memory taken", "percentunit",
					query{`1 - node_memory_MemAvailable_bytes{job="node"} / node_memory_MemTotal_bytes{job="node"}`,
						"{{instance}}"}).
					shows("How much of each node's memory cannot be had.").
					redFrom(0.9, "runbook MemoryHigh."),
				chart(8, "Disk taken", "percentunit",
					query{`1 - min by (instance, device) (node_filesystem_avail_bytes{job="node", fstype!~"tmpfs|ramfs"}` +
						` / (node_filesystem_size_bytes{job="node", fstype!~"tmpfs|ramfs"} > 0))`, "{{instance}} {{device}}"}).
					shows("How full each disk is that a node's exporter sees.").
					redFrom(0.9, "runbook DiskSpaceLow."),
				chart(8, "Processor time by job", "none",
					query{rateBy("job", `process_cpu_seconds_total`), "{{job}}"}).
					shows("Processors that each job's processes take, of those that say so: exporters speak of "+
						"themselves.").
					redFrom(2, "a profile of the process: /debug/pprof/profile on a replica's admin port."),
				chart(8, "Memory by job", "bytes",
					query{`sum by (job) (process_resident_memory_bytes)`, "{{job}}"}).
					shows("Memory that each job's processes take.").
					redFrom(2<<30, "runbook MemoryHigh; /debug/pprof/heap on a replica's admin port."),
				chart(8, "Watched", "none",
					query{`sum(scrape_samples_post_metric_relabeling)`, "series"},
					query{`max(prometheus_tsdb_head_series{job="prometheus"})`, "series in Prometheus' memory"}).
					shows("How many series there are, with three replicas some 7,000; no more, whatever callers "+
						"send. A target that has more than its sample_limit counts as down.").
					redFrom(20_000, "something makes up series: topk(10, count by (__name__)({__name__=~\".+\"}))."),
			}},
		},
	}
}
