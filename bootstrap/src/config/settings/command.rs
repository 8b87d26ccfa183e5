use super::{ReadBy, Setting};

/// What only `muster` needs.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("ADMIN_DATABASE_URL", "`muster migrate`: the database as the role that owns the tables. It must be allowed to create in the database: two of its extensions, `pg_trgm` and `btree_gin`, are made")
        .required()
        .example("postgres://muster_owner:secret@db:5432/muster")
        .argument("--admin-database-url")
        .url()
        .read_by(ReadBy::Command),
    Setting::new("ACCESS_TOKEN_EXPIRE_MINUTES", "`muster token`: how long the token lives; 1 to 5256000. The argument is in seconds")
        .value("30")
        .example("1440")
        .argument("--ttl"),
    Setting::new("API_URL", "`muster import`, `export` and `operations`: where the API is")
        .value("http://localhost:8000")
        .example("https://muster.example.com")
        .argument("--api-url")
        .read_by(ReadBy::Command),
    Setting::new("TENANT_TOKEN", "`muster import`, `export` and `operations`: the tenant's token, as `muster token` prints it")
        .required()
        .example_in_words("output of `muster token`")
        .argument("--tenant-token")
        .secret()
        .read_by(ReadBy::Command),
];
