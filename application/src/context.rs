use std::sync::Arc;

use muster_domain::TenantId;

/// On whose behalf a use case runs. The tenant is bound here once; everything below takes it from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Whose data is touched.
    pub tenant: TenantId,
    /// Who touches it: the subject of their token; none when it has none, and for the service itself.
    pub actor: Option<Arc<str>>,
}

impl Context {
    /// The context of a tenant, for nobody in particular.
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant, actor: None }
    }

    /// The context of somebody within a tenant.
    pub const fn acting(tenant: TenantId, actor: Option<Arc<str>>) -> Self {
        Self { tenant, actor }
    }
}
