package main

// shop is the page to look at first: whether customers are served, how fast, by what, and whether anything stale was
// answered.
func shop() dashboard {
	return dashboard{
		uid: "shop", title: "The shop",
		what: "Whether customers are served, how fast, from which layer, and whether anything stale was ever answered.",
		rows: []row{
			{"Now", []panel{
				figure(8, "Stale answers, of those checked", "locale",
					query{`ceil(sum(increase(woody_observer_stale_total{job="observer"}[$__range])))`, "stale"},
					query{`round(sum(increase(woody_observer_checked_total{job="observer"}[$__range])))`, beside}).
					shows("Answers that the observer got and that were older than a write acknowledged before it "+
						"asked, and all "+
						"that it held against what had been acknowledged, over the time that is shown.").
					redFrom(1, "the cache broke its promise: runbook StaleAnswer."),
				figure(4, "Alerts", "none", query{orZero(`count(ALERTS{alertstate="firing"})`), "firing"}).
					shows("Alerts that are firing.").
					redFrom(1, "docs/runbook.md has a section for each; scripts/status lists them."),
				figure(4, "Calls within the objective", "percentunit",
					query{`1 - woody:bad_calls:ratio1h`, "in the last hour"}).
					shows("Calls without a simulated delay that were answered within 250 ms and without a 5xx.").
					redBelow(0.999, "runbook ErrorBudgetBurning; errors and latency below show where."),
				figure(4, "Replicas", "none", query{orZero(`count(up{job="api"} == 1)`), "answer"}).
					shows("Replicas that answer Prometheus.").
					redBelow(1, "runbook ContainerDown."),
				figure(4, "Targets missing", "none",
					query{orZero(`sum(clamp_min(woody_expected_targets - on (job)` +
						` (count by (job) (up == 1) or woody_expected_targets * 0), 0))`), "of all jobs"}).
					shows("Containers that should answer Prometheus, and do not.").
					redFrom(1, "runbook ContainerDown."),
			}},
			{"What customers get", []panel{
				chart(8, "Calls", "reqps",
					query{rateBy("status", `woody_http_request_duration_seconds_count{job="api"}`), "{{status}}"}).
					stack().shows("Calls that the replicas answered, by status.").
					redFrom(20_000, "it is more than was ever measured on two cores: scripts/scale, or RATE_LIMIT."),
				chart(8, "Errors", "reqps",
					query{orZero(rate(`woody_http_request_duration_seconds_count{job="api", status=~"5.."}`)),
						"5xx by a replica"},
					query{`woody:refused_calls:rate1m`, "5xx by the proxy itself"},
					query{rate(`haproxy_frontend_http_responses_total{job="proxy", proxy="public", code="4xx"}`),
						"4xx"}).
					shows("Answers that are errors, by who gave them.").
					redFrom(1, "by a replica: its log. By the proxy itself: nobody was there to ask, runbook "+
						"ProxyWithoutServers."),
				chart(8, "Answer times", "s",
					query{quantile(0.5, "", "woody_http_request_duration_seconds", prompt), "half within"},
					query{quantile(0.99, "", "woody_http_request_duration_seconds", prompt), "99% within"},
					query{quantile(0.999, "", "woody_http_request_duration_seconds", prompt), "99.9% within"}).
					shows("How long calls without a simulated delay took, at the replicas.").
					redFrom(0.25, "runbook SlowAnswers."),
				chart(12, "Answer times by route, 99%", "s",
					query{quantile(0.99, "route", "woody_http_request_duration_seconds", `job="api"`), "{{route}}"}).
					shows("How long the slowest hundredth of the calls took. The lab's heavy and last wait on "+
						"purpose.").
					redFrom(20, "even a simulated delay and its queue are over: slots and connections below say "+
						"what is waited for."),
				chart(12, "Answer times by replica, 99%", "s",
					query{quantile(0.99, "instance", "woody_http_request_duration_seconds", prompt), "{{instance}}"}).
					shows("The same for each replica, without the calls that wait on purpose.").
					redFrom(0.25, "if it is one replica, replace it: docker service update --force woody_api."),
			}},
			{"Who answered, and how soon it is fresh", []panel{
				chart(8, "Answered by", "reqps",
					query{rate(`woody_cache_near_hits_total{job="api"}`), "a replica's memory"},
					query{rate(`woody_cache_redis_hits_total{job="api"}`), "Redis"},
					query{loaded, "the database"},
					query{rate(`varnish_main_cache_hit{job="edge"}`), "the edge"}).
					stack().shows("Reads that may be kept, by the layer that answered; assets for the edge.").
					redFrom(20_000, "it is more than was ever measured on two cores: scripts/scale, or RATE_LIMIT."),
				chart(8, "From a write to fresh everywhere", "s",
					query{quantile(0.5, "path", "woody_observer_fresh_seconds", `job="observer"`),
						"half within, by {{path}}"},
					query{quantile(0.99, "path", "woody_observer_fresh_seconds", `job="observer"`),
						"99% within, by {{path}}"}).
					shows("From the acknowledgement of a write until every replica, or the proxy, answered it.").
					redFrom(1, "a replica is slow to hear: bus lag on The cache, and processors on The stores and "+
						"the machine."),
				chart(8, "What the observer does", "reqps",
					query{rateBy("path", `woody_observer_checked_total{job="observer"}`),
						"answers checked, by {{path}}"},
					query{rate(`woody_observer_writes_total{job="observer"}`), "writes"},
					query{rate(`woody_observer_write_failures_total{job="observer"}`) + " + " +
						rate(`woody_observer_read_failures_total{job="observer"}`), "failures"}).
					shows("The load of the observer, and what it could not do.").
					redBelow(0.1, "it checks nothing: runbook ObserverSilent."),
			}},
			{"What is waited for", []panel{
				chart(6, "Orders waiting", "none", query{`max(woody_orders_pending{job="api"})`, "orders"}).
					shows("Orders that wait for their validation, in the database.").
					redFrom(1000, "the workers do not keep up: more replicas, or WOODY_ORDER_WORKERS."),
				chart(6, "The oldest order", "s", query{`max(woody_orders_oldest_seconds{job="api"})`, "waits"}).
					shows("How long the oldest of them has been waiting.").
					redFrom(60, "no worker takes orders: the replicas' logs say why; runbook DatabaseDown."),
				chart(6, "Callers waiting", "none",
					query{`sum(woody_db_slots_waiting{job="api"})`, "for a connection"},
					query{`sum(woody_heavy_slots_waiting{job="api"})`, "for a heavy slot"},
					query{`sum(woody_additions_waiting{job="api"})`, "to be stored together"},
					query{`sum(woody_reservations_waiting{job="api"})`, "for their turn in a sale"},
					query{`sum(woody_reads_waiting{job="api"})`, "to be read together"}).
					shows("Callers that wait for what a replica has few of.").
					redFrom(100, "for a connection: WOODY_DB_POOL, or slow queries. For a slot: scripts/scale."),
				chart(6, "Under way", "none",
					query{`sum by (instance) (woody_http_in_flight{job="api"})`, "{{instance}}"},
					query{`sum(haproxy_backend_current_queue{job="proxy", proxy=~"api|api_unchecked"})`,
						"queued by the proxy"}).
					shows("Calls that are being answered, by replica, and those that the proxy holds back.").
					redFrom(256, "a replica has as many as the proxy gives it: scripts/scale api=N."),
			}},
		},
	}
}
