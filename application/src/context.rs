use muster_domain::TenantId;

/// On whose behalf a use case runs. The tenant is bound here once; everything below takes it from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Whose data is touched.
    pub tenant: TenantId,
}

impl Context {
    /// The context of a tenant.
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant }
    }
}
