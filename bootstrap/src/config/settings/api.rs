use super::Setting;

/// What only `api` needs, and `muster token` of it what begins with `JWT_`.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("HOST", "address to listen on")
        .value("127.0.0.1")
        .in_image("0.0.0.0")
        .example("0.0.0.0"),
    Setting::new("PORT", "port to listen on; 0 takes a free one")
        .value("8000")
        .in_image("8080")
        .example("8080"),
    Setting::new("MAX_CONNECTIONS", "most connections at a time; others wait until one ends; 1 to 1000000. Each needs a file descriptor: the process raises its limit as far as it may, and warns if that is not enough")
        .value("10000")
        .example("2000"),
    Setting::new("KEEP_ALIVE_SECONDS", "how long a connection is kept for a next request; 1 to 3600. Longer than a proxy in front keeps its own, so that it is never the API that closes first")
        .value("75")
        .example("620"),
    Setting::new("SHUTDOWN_DELAY_SECONDS", "how long the API still takes requests after it was asked to end, while `/health/ready` says 503: as long as those who spread requests need to learn of it; up to 300")
        .value("0")
        .example("5"),
    Setting::new("TLS_CERTIFICATE_PATH", "file with the certificate and its chain as PEM; with it the API speaks TLS 1.2 and 1.3, and nothing else, on its port. Read again every 10 seconds: what is replaced holds for new connections, what cannot be used is logged and the old one stays")
        .example("/run/tls/tls.crt"),
    Setting::new("TLS_KEY_PATH", "file with its private key as PEM")
        .example("/run/tls/tls.key"),
    Setting::new("TRUSTED_PROXIES", "proxies in front of the API, as addresses and networks; see [Proxies](#proxies)")
        .example("10.0.0.0/8, fd00::/8"),
    Setting::new("RATE_LIMIT_ENABLED", "`true` or `false`: whether requests are counted; see [Rate limits](#rate-limits)")
        .value("true")
        .example("false"),
    Setting::new("RATE_LIMIT_PER_MINUTE", "requests of one client address for one tenant, and of one without a good token; 1 to 1000000")
        .value("60")
        .example("600"),
    Setting::new("RATE_LIMIT_UPLOADS_PER_MINUTE", "the same for uploads (`POST /api/v1/users/batch`), which are not counted among the others")
        .value("30")
        .example("6"),
    Setting::new("CORS_ORIGINS", "origins whose pages may ask and read answers: a list with commas or a JSON array, or `*` for all; nobody's unless set")
        .example("https://app.example.com"),
    Setting::new("CORS_ALLOW_CREDENTIALS", "`true` or `false`: whether pages may send cookies and the like; not together with `*`")
        .value("false")
        .example("true"),
    Setting::new("CODEC_TOKEN", "what must be known to see payloads of Temporal at `POST /codec/decode`: at least 32 visible ASCII characters. Without it, or without `MUSTER_CODEC_KEYS`, there is no such route. See [Encrypted payloads](codec.md#temporals-ui-and-command-line)")
        .example_in_words("output of `openssl rand -hex 32`")
        .secret(),
    Setting::new("CODEC_CORS_ORIGINS", "origins whose pages may ask for that, with the token: those of Temporal's UI, a list with commas or a JSON array, without `*`")
        .example("https://temporal.example.com"),
    Setting::new("METRICS_PORT", "port on which the API serves `/metrics`; 0 takes a free one; no metrics unless set")
        .example("9464"),
    Setting::new("METRICS_HOST", "address of that port")
        .value("127.0.0.1")
        .example("0.0.0.0"),
    Setting::new("DOCS_URL", "path of the documentation page; empty switches it off, and the pages of error codes at `/problems/…`")
        .value("/docs")
        .example("/help")
        .off_when_empty(),
    Setting::new("OPENAPI_URL", "path of the OpenAPI document; empty switches it off, and the page with it")
        .value("/openapi.json")
        .example("/schema.json")
        .off_when_empty(),
    Setting::new("UPLOAD_MAX_ROWS", "most rows of an NDJSON or CSV upload; 1 to 2000000000")
        .value("5000000")
        .example("1000000"),
    Setting::new("UPLOAD_MAX_BYTES", "most bytes of an NDJSON or CSV upload, after decompression")
        .value("1073741824")
        .example("104857600"),
    Setting::new("IDEMPOTENCY_KEY_HOURS", "how long a key is remembered; 24 to 87600")
        .value("24")
        .example("72"),
    Setting::new("JWT_ALGORITHM", "`ES256`, `ES384`, `HS256`, `HS384` or `HS512`; only tokens of this algorithm are accepted")
        .value("ES256")
        .example("ES384"),
    Setting::new("JWT_PRIVATE_KEY", "base64 of the key: a PKCS#8 PEM, or for HS… the secret of at least 32 bytes")
        .example_in_words("output of `base64 -w0 key.pem`")
        .secret(),
    Setting::new("JWT_PRIVATE_KEY_PATH", "file with the same, not in base64; in development it is made when it is missing (not for ES384)")
        .example("/run/secrets/jwt.pem"),
    Setting::new("JWT_PUBLIC_KEY", "base64 of a public key as PEM; derived from the private key when it is missing")
        .example_in_words("output of `base64 -w0 public.pem`"),
    Setting::new("JWT_PUBLIC_KEY_PATH", "file with the same, not in base64")
        .example("/etc/muster/jwt.pub"),
    Setting::new("JWT_KEY_ID", "`kid` of this key: put into tokens that are issued, and taken for this key in those that come in")
        .example("2026-11"),
    Setting::new("JWT_JWKS_URL", "where another issuer publishes its keys, as a JSON Web Key Set. `https://`, with a certificate from a public authority or one in `JWT_JWKS_CA_PATH`; `http://` only in development, or to this machine; no user or password in it")
        .example("https://id.example.com/.well-known/jwks.json")
        .url(),
    Setting::new("JWT_JWKS_PATH", "file with the same, instead of a URL")
        .example("/etc/muster/jwks.json"),
    Setting::new("JWT_JWKS_CA_PATH", "file with certificates in PEM: of the authorities that are trusted for `JWT_JWKS_URL` instead of the public ones, for a company with an authority of its own. It is read again with the keys")
        .without("public authorities")
        .example("/etc/muster/ca.pem"),
    Setting::new("JWT_JWKS_ALGORITHMS", "what keys of that issuer may be: `ES256`, `ES384`, `RS256`")
        .value("ES256,ES384")
        .example("RS256"),
    Setting::new("JWT_JWKS_REFRESH_SECONDS", "how often its keys are read; 10 to 86400")
        .value("300")
        .example("60"),
    Setting::new("JWT_ISSUER", "what `iss` of that issuer's tokens must be; not asked of ours")
        .without("not checked")
        .example("https://id.example.com"),
    Setting::new("JWT_AUDIENCE", "what `aud` of that issuer's tokens must be or contain; not asked of ours")
        .without("not checked")
        .example("muster"),
];
