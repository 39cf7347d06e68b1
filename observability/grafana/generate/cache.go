package main

// cache is what the cache's protocol does.
func cache() dashboard {
	return dashboard{
		uid: "cache", title: "The cache",
		what: "Sessions, the epoch, the bus, fills and what was refused. docs/cache.md says what each is.",
		rows: []row{
			{"Whether it is used", []panel{
				figure(4, "Replicas with a session", "none",
					query{orZero(`count(woody_cache_lease_seconds{job="api"} > 0)`), "may use it"}).
					shows("Replicas that may answer from their caches.").
					redBelow(1, "runbook ReplicaWithoutSession."),
				figure(4, "Replicas without", "none",
					query{orZero(`count(woody_cache_lease_seconds{job="api"} <= 0)`), "may not"}).
					shows("Replicas that ask the database for everything.").
					redFrom(1, "runbook ReplicaWithoutSession."),
				figure(4, "Reads without the database", "percentunit",
					query{share("("+read+" - ("+loaded+"))", "("+read+")"), "of those that may be kept"}).
					shows("Reads that a cache answered.").
					redBelow(0.5, "runbook CacheHitRatioLow."),
				figure(4, "Breakers open", "none", query{`sum(woody_cache_breaker_open{job="api"})`, "replicas"}).
					shows("Replicas that do not ask Redis, since it did not answer in time.").
					redFrom(1, "runbook RedisDown; else the network between them, or their processors."),
				figure(4, "Epoch", "none", query{`max(woody_cache_epoch{job="api"})`, "raised to"}).
					shows("The generation of all keys. A raise empties every cache.").
					redFrom(1e9, "it never gets there: look at the raises beside it."),
				figure(4, "The outbox's oldest record", "s",
					query{`max(woody_outbox_oldest_seconds{job="api"})`, "waits"}).
					shows("How long an invalidation has waited that was committed and that nobody has carried out.").
					redFrom(60, "runbook OutboxGrowing."),
			}},
			{"Sessions and the epoch", []panel{
				chart(8, "Leases", "s", query{`woody_cache_lease_seconds{job="api"}`, "{{instance}}"}).
					shows("How long each replica may answer from its caches without hearing more.").
					redBelow(0.001, "runbook ReplicaWithoutSession."),
				chart(8, "Members", "none", query{`woody_cache_members{job="api"}`, "known to {{instance}}"}).
					shows("Replicas that writers wait for, as each knows them: the same number, that of the replicas.").
					redBelow(1, "a replica is no part of it: its log says why."),
				chart(8, "Sessions and raises", "cpm",
					query{`sum(rate(woody_cache_sessions_total{job="api"}[$__rate_interval])) * 60`, "sessions begun"},
					query{`sum(rate(woody_cache_epochs_raised_total{job="api"}[$__rate_interval])) * 60`,
						"raises for want of Redis"}).
					shows("How often replicas register anew, and how often all caches are emptied, a minute.").
					redFrom(1, "runbook EpochRaisedRepeatedly."),
			}},
			{"Writes and the bus", []panel{
				chart(8, "Writes wait", "s",
					query{quantile(0.5, "", "woody_cache_invalidation_duration_seconds", `job="api"`), "half within"},
					query{quantile(0.99, "", "woody_cache_invalidation_duration_seconds", `job="api"`), "99% within"}).
					shows("How long a write waits until every replica has heard.").
					redFrom(0.25, "a replica does not acknowledge in time: its processor, or the bus."),
				chart(8, "Bus lag", "s",
					query{quantile(0.99, "instance", "woody_cache_bus_lag_seconds", `job="api"`),
						"99% within, {{instance}}"}).
					shows("How long what is published takes to come back to a replica.").
					redFrom(0.1, "Redis or that replica is busy: processors on The stores and the machine."),
				chart(8, "Invalidations", "ops",
					query{rate(`woody_cache_invalidations_sent_total{job="api"}`), "sent"},
					query{rate(`woody_cache_invalidations_acknowledged_total{job="api"}`), "acknowledged"},
					query{rate(`woody_cache_invalidations_timed_out_total{job="api"}`), "not acknowledged in time"},
					query{rate(`woody_cache_invalidations_replayed_total{job="api"}`),
						"carried out for a writer that had not"},
					query{rate(`woody_cache_invalidations_handed_over_total{job="api"}`),
						"handed over for want of Redis"}).
					shows("What writers announce, and what became of it.").
					redFrom(20_000, "it is more than was measured on two cores: who writes so much?"),
				chart(8, "The outbox", "none", query{`max(woody_outbox_records{job="api"})`, "records"}).
					shows("Invalidations that were committed and are not carried out; up to 10,000 are counted.").
					redFrom(1000, "runbook OutboxGrowing."),
				chart(8, "Errors of Redis", "ops",
					query{rate(`woody_cache_redis_errors_total{job="api"}`), "commands not answered, or refused"},
					query{rate(`woody_cache_redis_full_total{job="api"}`), "fills that found no room"}).
					shows("What Redis did not do for the replicas.").
					redFrom(1, "runbook RedisDown; for room, maxmemory-policy: docs/cache.md."),
				chart(8, "Values past their time", "ops",
					query{rate(`woody_cache_stale_total{job="api"}`), "answered, as a load failed or was late"},
					query{rate(`woody_cache_soft_timeouts_total{job="api"}`) + " + " +
						rate(`woody_cache_hard_timeouts_total{job="api"}`), "loads that were left"}).
					shows("Values whose TTL was over, and which no write had made stale, in place of an error.").
					redFrom(1, "loads fail or are late: fills below, and runbook DatabaseDown."),
			}},
			{"What is loaded, and kept", []panel{
				chart(8, "Fills", "ops",
					query{rateBy("loader", `woody_cache_fill_duration_seconds_count{job="api"}`), "{{loader}}"}).
					shows("What was put into a cache, from Redis or the database.").
					redFrom(5000, "the near cache keeps little: refused stores and evictions beside this."),
				chart(8, "Fills take, 99%", "s",
					query{quantile(0.99, "loader", "woody_cache_fill_duration_seconds", `job="api"`), "{{loader}}"}).
					shows("How long the slowest hundredth took. heavy and last wait on purpose.").
					redFrom(20, "the database is slow, or callers wait for a connection: The shop."),
				chart(8, "Not kept", "ops",
					query{rate(`woody_cache_refused_stores_total{job="api"}`), "refused near: written meanwhile"},
					query{rate(`woody_cache_redis_refused_stores_total{job="api"}`),
						"refused by Redis: written meanwhile"},
					query{rate(`woody_cache_failed_fills_total{job="api"}`), "failed"},
					query{rate(`woody_cache_unencoded_total{job="api"}`), "not encoded"}).
					shows("Fills that lost their fence to a write, or failed.").
					redFrom(100, "refused: what is read is written as often. Failed: the replicas' logs."),
				chart(8, "Callers that wait", "none",
					query{`sum(woody_cache_waiting{job="api"})`, "for a fill"},
					query{`sum(woody_cache_lease_waiting{job="api"})`, "for another replica's fill"}).
					shows("Callers of a key that is being filled.").
					redFrom(500, "a load hangs: fills beside this, and the database."),
				chart(8, "Near caches", "bytes", query{`woody_cache_near_bytes{job="api"}`, "{{instance}}"}).
					shows("What each replica keeps in its memory, up to WOODY_NEAR_BYTES.").
					redFrom(64<<20, "it is at the default bound: if it evicts, raise WOODY_NEAR_BYTES."),
				chart(8, "Near caches at work", "ops",
					query{rate(`woody_cache_near_evictions_total{job="api"}`), "evicted"},
					query{rate(`woody_cache_joined_total{job="api"}`), "joined another caller's fill"},
					query{rate(`woody_cache_refreshes_total{job="api"}`), "refreshed ahead of expiry"}).
					shows("What was dropped to keep the bound, and what was saved.").
					redFrom(1000, "evictions: raise WOODY_NEAR_BYTES."),
			}},
		},
	}
}
