use muster_domain::users::{PageStart, User, UserFilter};

use crate::{App, AppError, Context};

/// A page of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users, the latest first.
    pub users: Vec<User>,
    /// Whether there are more behind them.
    pub has_next: bool,
    /// How many there are in all: exact up to 10 000, above that at most five seconds old. Only for a page by offset.
    pub total: Option<u64>,
}

impl App {
    /// Users whom the filter means, a page at a time.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn users(
        &self,
        ctx: &Context,
        filter: &UserFilter,
        start: PageStart,
        limit: u32,
    ) -> Result<UserPage, AppError> {
        if let Some(users) = self.look_up(ctx, filter, start).await? {
            let total = u64::try_from(users.len()).ok().filter(|_| matches!(start, PageStart::Offset(_)));
            return Ok(UserPage { users, has_next: false, total });
        }
        let list = &self.ports.user_list;
        // One more, to see whether there are more.
        let mut users = list.page(ctx.tenant, filter, start, limit.saturating_add(1)).await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = users.len() > most;
        users.truncate(most);
        let total = match start {
            PageStart::After(_) => None,
            // The last page knows by itself.
            PageStart::Offset(skipped) if !has_next && (skipped == 0 || !users.is_empty()) => {
                Some(u64::from(skipped) + u64::try_from(users.len()).unwrap_or(u64::MAX))
            }
            PageStart::Offset(_) => Some(list.total(ctx.tenant, filter).await?),
        };
        Ok(UserPage { users, has_next, total })
    }

    /// The first page of who has exactly this address, or this user name, and no other condition: that is no search but
    /// a look-up, and may come from the cache.
    async fn look_up(
        &self,
        ctx: &Context,
        filter: &UserFilter,
        start: PageStart,
    ) -> Result<Option<Vec<User>>, AppError> {
        if !matches!(start, PageStart::Offset(0) | PageStart::After(None)) {
            return Ok(None);
        }
        let only = |rest: UserFilter| rest == UserFilter::living();
        let (users, tenant) = (&self.ports.users, ctx.tenant);
        let found = match (&filter.email_exact, &filter.username_exact) {
            (Some(email), None) if only(UserFilter { email_exact: None, ..filter.clone() }) => {
                users.find_by_email(tenant, &email.to_lowercase()).await?
            }
            (None, Some(username)) if only(UserFilter { username_exact: None, ..filter.clone() }) => {
                users.find_by_username(tenant, &username.to_ascii_lowercase()).await?
            }
            _ => return Ok(None),
        };
        Ok(Some(found.into_iter().collect()))
    }
}
