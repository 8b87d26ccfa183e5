//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use muster_application::App;
use muster_application::ports::Clock;
use muster_bootstrap::config::{Cors, TrustedProxies};
use muster_bootstrap::tokens::TenantTokens;

use crate::codec::CodecEndpoint;
use crate::health::HealthSource;
use crate::limits::RateLimits;
use crate::observe::HttpMetrics;

/// Limits of what a request may send.
#[derive(Debug, Clone, Copy)]
pub struct UploadLimits {
    /// Bytes of a JSON body, after decompression.
    pub json_bytes: u64,
    /// Bytes of an NDJSON or CSV body, after decompression.
    pub file_bytes: u64,
    /// Longest pause between two pieces of a body.
    pub idle: Duration,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self { json_bytes: 64 << 20, file_bytes: 1 << 30, idle: Duration::from_mins(1) }
    }
}

/// What every handler can reach.
#[derive(Clone)]
pub struct ApiState {
    /// The use cases.
    pub app: App,
    /// Who a request acts for.
    pub tokens: Arc<TenantTokens>,
    /// Time, for tokens.
    pub clock: Arc<dyn Clock>,
    /// How the parts are.
    pub health: Arc<dyn HealthSource>,
    /// `development` or `production`, as `/health` shows it.
    pub environment: String,
    /// Limits of uploads.
    pub limits: UploadLimits,
    /// How often callers may ask; none: as often as they like.
    pub rate_limits: Option<RateLimits>,
    /// Who is believed where a request came from.
    pub trusted_proxies: TrustedProxies,
    /// Which pages of other origins may read answers.
    pub cors: Option<Cors>,
    /// Who may see payloads of the engine; none: nobody.
    pub codec: Option<CodecEndpoint>,
    /// What is counted of requests.
    pub metrics: HttpMetrics,
    /// Where the page is; none switches it off.
    pub docs_url: Option<String>,
    /// Where the `OpenAPI` document is; none switches it off.
    pub openapi_url: Option<String>,
}

/// As handlers get it: axum clones the state several times for each request, and this is one count of references.
pub(crate) type Shared = Arc<ApiState>;

impl ApiState {
    /// Whether the pages for people are there.
    pub(crate) fn has_pages(&self) -> bool {
        self.docs_url.is_some()
    }

    /// Whether browsers are told to come back over TLS only.
    pub(crate) fn is_production(&self) -> bool {
        self.environment == "production"
    }
}
