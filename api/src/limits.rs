//! How often a caller may ask, and how an answer says so: `RateLimit` and `RateLimit-Policy` as in
//! draft-ietf-httpapi-ratelimit-headers.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use muster_application::ports::{Budget, Caller, RateLimiter, Verdict};
use muster_domain::TenantId;

/// Budgets of callers.
#[derive(Clone)]
pub struct RateLimits {
    limiter: Arc<dyn RateLimiter>,
    default: Announced,
    uploads: Announced,
    anonymous: Announced,
    partners: Announced,
}

/// What budgets are called.
pub(crate) const BUDGETS: [&str; 4] = ["default", "uploads", "anonymous", "partners"];

/// What kind of request is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any of a tenant.
    Default,
    /// One that brings files or many rows.
    Upload,
    /// One that a partner of a tenant has signed.
    Partner,
    /// One without a good token, whatever it wants.
    Anonymous,
}

/// A budget, and how answers name it.
#[derive(Debug, Clone)]
struct Announced {
    budget: Budget,
    policy: Option<HeaderValue>,
}

/// A request that was counted.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// What the budget is called.
    pub(crate) budget: &'static str,
    verdict: Verdict,
    limit: Option<HeaderValue>,
    policy: Option<HeaderValue>,
}

impl RateLimits {
    /// As many requests of a tenant, of its partners, and of those without a good token; another number for uploads.
    pub fn new(limiter: Arc<dyn RateLimiter>, per_minute: NonZeroU32, uploads_per_minute: NonZeroU32) -> Self {
        let [default, uploads, anonymous, partners] = BUDGETS;
        Self {
            limiter,
            default: Announced::new(default, per_minute),
            uploads: Announced::new(uploads, uploads_per_minute),
            anonymous: Announced::new(anonymous, per_minute),
            partners: Announced::new(partners, per_minute),
        }
    }

    /// Counts a request.
    pub(crate) async fn count(&self, kind: Kind, tenant: Option<TenantId>, address: Option<IpAddr>) -> Counted {
        let Announced { budget, policy } = match kind {
            Kind::Default => &self.default,
            Kind::Upload => &self.uploads,
            Kind::Anonymous => &self.anonymous,
            Kind::Partner => &self.partners,
        };
        let verdict = self.limiter.count(&Caller { tenant, address }, *budget).await;
        let (left, whole) = (verdict.remaining, seconds(verdict.whole_after));
        let limit = HeaderValue::try_from(format!("\"{}\";r={left};t={whole}", budget.name)).ok();
        Counted { budget: budget.name, verdict, limit, policy: policy.clone() }
    }
}

impl Announced {
    fn new(name: &'static str, per_minute: NonZeroU32) -> Self {
        let policy = HeaderValue::try_from(format!("\"{name}\";q={per_minute};w=60")).ok();
        Self { budget: Budget { name, per_minute }, policy }
    }
}

impl Counted {
    /// Whole seconds after which to ask again; none if the request is let in.
    pub(crate) fn refused_for(&self) -> Option<u64> {
        self.verdict.refused_for.map(seconds)
    }

    /// Says how things stand.
    pub(crate) fn announce(&self, headers: &mut HeaderMap) {
        for (name, value) in [("ratelimit", &self.limit), ("ratelimit-policy", &self.policy)] {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
    }
}

/// Rounded up: who waits for so long has waited enough.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
