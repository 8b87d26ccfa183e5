use super::Setting;

/// What `api` and `worker` both read.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("APP_ENV", "`development` (also `test`) or `production`. Production: JSON logs, HSTS, no generated keys, special-use e-mail domains refused")
        .value("development")
        .example("production"),
    Setting::new("LOG_LEVEL", "a level, or a filter by module; logs go to stderr")
        .value("info")
        .example("info,sqlx=warn"),
    Setting::new("DATABASE_URL", "Postgres, as a member of `muster_service` that owns no table. The process ends if the role is a superuser, bypasses row level security or owns a table, or if row level security is off or not forced on a table")
        .required()
        .example("postgres://muster_app:secret@db:5432/muster")
        .url(),
    Setting::new("DATABASE_POOL_SIZE", "most connections of this process, and one more for the cache; 2 at least: the API uses one of them to listen")
        .value("10")
        .example("20"),
    Setting::new("REDIS_URL", "Redis 6 or later, which caches users and counts requests for all processes together. It may be down, and it may be emptied at any time. All processes should have the same; one without it makes the others forget what is in theirs whenever it changes a user. Without it `/health` says `not configured`")
        .example("redis://cache:6379")
        .url(),
    Setting::new("CACHE_ENABLED", "`true` or `false`: whether this process reads users through the cache. It tells the others of its writes either way")
        .value("true")
        .example("false"),
    Setting::new("CACHE_TTL", "seconds that a user stays in Redis; 1 to 86400. How old an answer may be does not depend on it: 5 seconds at most ([ADR 14](../adr/0014-cache.md))")
        .value("300")
        .example("3600"),
    Setting::new("TEMPORAL_ADDRESS", "Temporal's frontend, as host and port or as a URL; `https://` is TLS. `TEMPORAL_HOST` is read when it is not set")
        .value("localhost:7233")
        .example("temporal:7233")
        .or("TEMPORAL_HOST"),
    Setting::new("TEMPORAL_NAMESPACE", "the namespace. It must exist; a worker adds the search attributes and the schedules of the sweeper and of reminders")
        .value("default")
        .example("muster"),
    Setting::new("TEMPORAL_TLS", "`true` or `false`: whether Temporal is spoken to over TLS")
        .without("true if the address is `https://`, or there is a key or another `TEMPORAL_TLS_…`")
        .example("true"),
    Setting::new("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "who signs the certificate of Temporal, as a PEM file; read once, when the process starts")
        .without("the authorities that the system trusts")
        .example("/etc/muster/temporal-ca.pem"),
    Setting::new("TEMPORAL_TLS_SERVER_NAME", "the name in the certificate of Temporal")
        .without("that of the address")
        .example("frontend.temporal.internal"),
    Setting::new("TEMPORAL_TLS_CLIENT_CERT_PATH", "a certificate of our own for Temporal, as a PEM file; with `TEMPORAL_TLS_CLIENT_KEY_PATH`. Read once, when the process starts")
        .example("/etc/muster/temporal.pem"),
    Setting::new("TEMPORAL_TLS_CLIENT_KEY_PATH", "its key, as a PEM file")
        .example("/etc/muster/temporal.key"),
    Setting::new("TEMPORAL_API_KEY", "a key that Temporal is sent with each call, such as one of Temporal Cloud; over TLS, unless `TEMPORAL_TLS` is `false`")
        .example_in_words("a key")
        .secret(),
    Setting::new("MUSTER_CODEC_KEYS", "keys by which payloads at Temporal are encrypted, as `id:key` with commas between them; the first encrypts, all decrypt. A key is the base64 of 32 random bytes, an id 1 to 64 letters, digits, dots, dashes or underscores. All processes, `muster ping` and `muster replay` need the same. Without it nothing is encrypted. See [Encrypted payloads](codec.md)")
        .example_in_words("`2026-11:` and the output of `openssl rand -base64 32`")
        .secret(),
    Setting::new("SMTP_URL", "the mail server. `smtp://` is plain (port 25), `smtp://…?tls=required` is STARTTLS (587), `smtps://` is TLS from the first byte (465). User and password in the URL, percent-encoded")
        .value("smtp://localhost:1025")
        .example("smtp://user:secret@mail:587?tls=required")
        .url(),
    Setting::new("SMTP_POOL_SIZE", "connections to the mail server, and mails in flight at once in one group; 1 at least")
        .value("16")
        .example("32"),
    Setting::new("EMAIL_FROM", "sender of the mails; its domain is the right part of each `Message-ID`")
        .value("Muster <no-reply@example.com>")
        .example("Accounts <accounts@example.com>"),
    Setting::new("OPERATION_STALLED_AFTER_SECONDS", "an operation, or its mails, that stands still for so long is looked after by the sweeper")
        .value("15")
        .example("30"),
    Setting::new("UPLOAD_ABANDONED_AFTER_SECONDS", "an upload of which nothing came for so long is removed by the sweeper")
        .value("600")
        .example("1800"),
    Setting::new("TENANT_MAX_OPERATIONS", "how many operations of one tenant may be going on, waiting or paused at a time; more are answered with 429 `TENANT_LIMIT`. Undoing is always allowed. 0 for any number")
        .value("1000")
        .example("50"),
    Setting::new("TENANT_MAX_ROWS_PER_DAY", "how many rows one tenant may send within 24 hours, in the same way; 0 for any number")
        .value("0")
        .example("20000000"),
    Setting::new("UPLOAD_KEEP_DAYS", "how many days the rows of an upload are kept after the end of its operation; 1 to 3650, not more than `RESULT_KEEP_DAYS`. Files of its rows have no values afterwards")
        .value("7")
        .example("30"),
    Setting::new("RESULT_KEEP_DAYS", "how many days an operation, with what became of its rows, is kept after its end; 1 to 3650. Users stay. An operation with an `Idempotency-Key` stays at least as long as the key")
        .value("30")
        .example("365"),
    Setting::new("EXPORT_KEEP_DAYS", "how many days the file of an export can be downloaded after its end; 1 to 3650, not more than `RESULT_KEEP_DAYS`")
        .value("7")
        .example("2"),
    Setting::new("WEBHOOK_ALLOW_NETWORKS", "networks that [webhooks](../webhooks.md) may reach although they are private, and without TLS if the URL has an address in it: addresses and networks with commas between them. All processes should have the same. Whoever may make endpoints can then send requests there")
        .example("10.20.0.0/16, fd12::/16"),
    Setting::new("OTEL_EXPORTER_OTLP_ENDPOINT", "a collector that takes traces by OTLP over gRPC, behind TLS if it is `https://…`. It may be down. Without it traces have ids, in logs and in workflows, and nothing of them is recorded. See [Traces](traces.md)")
        .example("http://collector:4317"),
    Setting::new("OTEL_EXPORTER_OTLP_HEADERS", "headers for the collector, as `name=value` with commas between them; values percent-encoded")
        .example("authorization=Bearer%20secret")
        .secret(),
    Setting::new("OTEL_TRACES_SAMPLER", "which traces are recorded: `always_on`, `always_off`, `traceidratio`, or with `parentbased_` in front, which does as the caller does where there is one")
        .value("parentbased_always_on")
        .example("parentbased_traceidratio"),
    Setting::new("OTEL_TRACES_SAMPLER_ARG", "the share of traces for `traceidratio`; 0 to 1")
        .value("1")
        .example("0.1"),
    Setting::new("OTEL_SERVICE_NAME", "what this process is called in traces")
        .without("`muster-api` or `muster-worker`")
        .example("users-api"),
    Setting::new("OTEL_RESOURCE_ATTRIBUTES", "what else traces say of this process, as `name=value` with commas between them; values percent-encoded")
        .example("region=eu,team=users"),
];
