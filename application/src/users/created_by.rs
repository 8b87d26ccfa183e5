use muster_domain::operations::Operation;
use muster_domain::users::User;

use crate::{App, AppError, Context};

impl App {
    /// The living users that an import made, in the order of its rows, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn users_created_by(
        &self,
        ctx: &Context,
        operation: &Operation,
        limit: u32,
    ) -> Result<Vec<User>, AppError> {
        let ids = operation.row_ids();
        let last = u32::try_from(operation.progress.rows_total).unwrap_or(u32::MAX);
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut users, mut first) = (Vec::new(), 1);
        let mut uow = self.begin(ctx).await?;
        while first <= last && users.len() < wanted {
            let page = uow.users().range(ids.id(first), ids.id(last), limit).await?;
            let through = page.last().filter(|_| page.len() == wanted).map(|user| ids.rows_through(user.id));
            // Others that were made in the same millisecond have their ids in between.
            users.extend(page.into_iter().filter(|user| ids.row(user.id).is_some()));
            let Some(through) = through else { break };
            first = through.saturating_add(1);
        }
        users.truncate(wanted);
        Ok(users)
    }
}
