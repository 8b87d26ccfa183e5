use chrono::TimeDelta;
use muster_domain::operations::{OperationRepository, Usage};

use crate::{App, AppError, ErrorCode, ErrorKind};

impl App {
    /// Refuses an operation of so many rows when its tenant has as much as one may. Of two that begin at the same moment
    /// neither may see the other one, so the limits are of the order of, not a budget to be sold.
    ///
    /// # Errors
    /// `RateLimited` with the limit.
    pub(crate) async fn check_limits(
        &self,
        operations: &mut dyn OperationRepository,
        rows: u32,
        begins: bool,
    ) -> Result<(), AppError> {
        let limits = self.settings.tenant_limits;
        if limits.rows_a_day.is_none() && limits.operations.is_none() {
            return Ok(());
        }
        let Usage { open, rows: sent } = operations.usage(self.ports.clock.now() - TimeDelta::days(1)).await?;
        if let Some(most) = limits.operations.filter(|most| begins && open >= *most) {
            let message = format!(
                "the tenant has {open} operations that have not ended, and may have {most}; try again when one has"
            );
            return Err(AppError::new(ErrorKind::RateLimited, ErrorCode::TenantLimit, message));
        }
        if let Some(most) = limits.rows_a_day.filter(|most| sent.saturating_add(rows.into()) > *most) {
            let message = format!(
                "the tenant may send {most} rows in 24 hours and has sent {sent}; these {rows} are too many; try again later"
            );
            return Err(AppError::new(ErrorKind::RateLimited, ErrorCode::TenantLimit, message));
        }
        Ok(())
    }
}
