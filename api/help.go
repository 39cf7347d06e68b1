package main

// help is the help text of each setting of config, beside those that every program has.
var help = map[string]string{
	"WOODY_ADMIN_ADDR": "Where metrics and profiles are, apart from the API; 'off' for nowhere.",
	"WOODY_DB_DSN": "MariaDB or MySQL, as user:password@tcp(host:3306)/database. " +
		"Without it: SQLite in --data-dir.",
	"WOODY_DB_DSN_FILE": "A file that holds the DSN, for secrets.",
	"WOODY_DB_READ_DSN": "Where reads are made, if elsewhere than at WOODY_DB_DSN: nodes of the same Galera cluster. " +
		"No read is older than what was written before it, on any node; one whose node is away is made at " +
		"WOODY_DB_DSN. WOODY_DB_POOL more connections. (default: as WOODY_DB_DSN)",
	"WOODY_DB_READ_DSN_FILE": "A file that holds that DSN, for secrets.",
	"WOODY_DB_MIGRATE_DSN": "The same database as WOODY_DB_DSN for a user with all rights on it, who changes its " +
		"tables when the shop starts. That of WOODY_DB_DSN needs SELECT, INSERT, UPDATE and DELETE then, and TRIGGER " +
		"if it has made the tables. (default: as WOODY_DB_DSN)",
	"WOODY_DB_MIGRATE_DSN_FILE": "A file that holds that DSN, for secrets.",
	"WOODY_DB_DIRECT": "on: the DSN leads to the one server that takes writes, and not to a proxy, a balancer or a " +
		"cluster. When it refuses connections, nobody can be writing, and what is cached is answered on; elsewhere " +
		"another replica may still reach it. cluster: the DSN leads through a proxy to the nodes of one Galera " +
		"cluster, and so do all others'. When none has responded for five leases, what is cached is answered on.",
	"WOODY_DB_POOL": "Database connections that serve callers.",
	"WOODY_DB_TIMEOUT": "How long the database may take over one piece of work, the simulated slow query not " +
		"counted.",
	"WOODY_AUDIT_LOG": "Where the audit of writes and refusals is streamed, a line of JSON each: the end of a " +
		"file, or '-' for standard output. The database has it too. Needs WOODY_ACCOUNTS=on. (default: -)",
	"WOODY_DATA_DIR": "The folder of the SQLite file. Both are made for their owner alone.",
	"WOODY_SQLITE_SYNC": "What every SQLite write survives: 'normal', the process being killed; 'full', also a " +
		"loss of power.",
	"WOODY_QUEUE_TIMEOUT": "How long a caller waits for a heavy slot or a database connection before it is told " +
		"503.",
	"WOODY_NEAR_CACHE": "Whether answers are kept in memory. With a database server they are kept only where there " +
		"is Redis too, by which replicas keep each other's right.",
	"WOODY_NEAR_BYTES": "What the near cache may hold in memory, such as 64M (M is 1000000).",
	"WOODY_REDIS_ADDR": "Redis: the cache that replicas share, and how they hear of each other's writes. Or a URL: " +
		"redis://host:port/database, rediss:// for TLS. Needs a database server. Without it, replicas on a " +
		"database server cache nothing.",
	"WOODY_REDIS_MASTER": "Where Redis fails over to a copy: what the sentinels call the primary. Instead of " +
		"WOODY_REDIS_ADDR, with WOODY_REDIS_SENTINELS.",
	"WOODY_REDIS_SENTINELS":              "Where the sentinels are who know the primary: all of them.",
	"WOODY_REDIS_USER":                   "The user at Redis (default: Redis' own).",
	"WOODY_REDIS_PASSWORD":               "The password at Redis.",
	"WOODY_REDIS_PASSWORD_FILE":          "A file that holds the password, for secrets.",
	"WOODY_REDIS_SENTINEL_USER":          "The user at the sentinels (default: their own).",
	"WOODY_REDIS_SENTINEL_PASSWORD":      "The password at the sentinels.",
	"WOODY_REDIS_SENTINEL_PASSWORD_FILE": "A file that holds the password at the sentinels, for secrets.",
	"WOODY_REDIS_TLS": "Whether Redis, and the sentinels, are asked over TLS. " +
		"A rediss:// URL is on.",
	"WOODY_REDIS_CA_FILE": "The authorities that their certificates are of, in PEM " +
		"(default: the system's).",
	"WOODY_REDIS_CERT_FILE": "The certificate that they ask of us, in PEM.",
	"WOODY_REDIS_KEY_FILE":  "Its key, in PEM.",
	"WOODY_REDIS_NAMESPACE": "What names in Redis have in them, to tell programs on one Redis apart. Programs with " +
		"databases of their own are told apart without. The same on all replicas.",
	"WOODY_REDIS_TIMEOUT": "How long Redis may take over one command; after a renewal of the lease that took " +
		"longer it is not asked until one comes through.",
	"WOODY_CACHE_LEASE": "How long a replica may answer from a cache without a word from Redis and the database. " +
		"It bounds what a write waits for a replica that is gone, and is what every write waits while Redis is " +
		"away. The same on all replicas.",
	"WOODY_FILL_LEASE": "How long others wait for a replica that died while it filled a key for all.",
	"WOODY_ACK_TIMEOUT": "How long a write waits to hear that a replica knows of it, before that one is taken for " +
		"gone.",
	"WOODY_FRONT": "Whether this process serves the page too; auto: on without a database server.",
	"WOODY_HEAVY_DELAY": "Simulated cost: how long a heavy computation and an order's validation take; " +
		"0 for none.",
	"WOODY_HEAVY_SLOTS":      "How many heavy computations this replica runs at once.",
	"WOODY_SLOW_QUERY_DELAY": "Simulated cost: how long the last product's query holds its connection; 0 for none.",
	"OTEL_EXPORTER_OTLP_ENDPOINT": "Where traces are sent, by OTLP over HTTP, such as http://collector:4318. " +
		"Without it there are none. OpenTelemetry's other variables count then too: OTEL_SERVICE_NAME, " +
		"OTEL_RESOURCE_ATTRIBUTES, " +
		"OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_EXPORTER_OTLP_HEADERS and their like (docs/tracing.md).",
	"WOODY_ACCOUNTS": "Whether the shop has accounts: then products are written by clerks and administrators alone, " +
		"and orders are seen by whose they are. The same on all replicas.",
	"WOODY_TOKEN_KEYS_FILES": "The keys of access tokens, each a private key of the curve P-256 in PEM in a file " +
		"of its own, with commas between the files. The first signs, all verify; they are read when the program " +
		"starts. For another key: add it as the second, deploy, make it the first, deploy, and drop the old one five " +
		"minutes later. The same on all replicas. Required with a database server; without one, a key that ends with " +
		"the process.",
	"WOODY_ADMIN_PASSWORD_FILE": "A file that holds the password of the account admin, an administrator, who is " +
		"made, or given that password, when the shop starts: 10 characters or more. With WOODY_ACCOUNTS=on.",
	"WOODY_TRUSTED_PROXIES": "The networks of the proxies before this replica, such as 10.0.0.0/8, with commas " +
		"between them. With accounts, what they say in X-Forwarded-For and X-Forwarded-Proto is believed: where " +
		"wrong passwords come from, what the audit says, which pages are the shop's own. (default: none, clients " +
		"are where connections come from)",
	"WOODY_RESERVE_FOR": "How long an order keeps what it has reserved; one that is not validated by then lapses, " +
		"and returns it to the stock. Twice WOODY_HEAVY_DELAY at least. The same on all replicas.",
	"WOODY_ORDER_WORKERS": "How many orders this replica validates at once; 0 leaves them to others.",
}
