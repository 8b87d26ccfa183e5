//! Rows of an import whose user is there already.

use muster_domain::UserId;
use muster_domain::operations::{MatchBy, OnConflict, Operation, RowStatus, StoredRow};
use muster_domain::users::UserChanges;

use super::import_rows::MetRow;
use super::problems::{Holders, failed_row};
use crate::changes::{Change, Wanted};
use crate::ports::UnitOfWork;
use crate::{App, AppError};

impl App {
    /// Skips, updates or replaces those who are found by the key that the operation names; who merely has something that
    /// another one has fails.
    pub(super) async fn meet(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        met: Vec<MetRow>,
        holders: &Holders,
    ) -> Result<Vec<StoredRow>, AppError> {
        let policy = operation.options.on_conflict;
        let (mut rows, mut wanted) = (Vec::new(), Vec::new());
        for met in met {
            let Some(target) = target(&met, operation, holders) else {
                rows.push(failed_row(met.row, met.line, &holders.problems(&met.user))?);
                continue;
            };
            let MetRow { row, line, .. } = met;
            if policy == OnConflict::Skip {
                rows.push(StoredRow { user: Some(target), ..StoredRow::new(row, line, RowStatus::Skipped) });
            } else {
                let change = Change::Set(changes(met, policy));
                wanted.push(Wanted { row, line, target, change, expected: None });
            }
        }
        rows.extend(self.apply_changes(uow, operation, wanted).await?);
        Ok(rows)
    }
}

/// Whom the row is about, unless that is a user whom another row of the same upload made.
fn target(met: &MetRow, operation: &Operation, holders: &Holders) -> Option<UserId> {
    let found = match operation.options.match_by {
        MatchBy::Email => holders.of_email(met.user.email.as_str()),
        MatchBy::Username => holders.of_username(&met.user.username.folded()),
        MatchBy::Id => met.id,
    };
    found.filter(|id| operation.row_ids().row(*id).is_none())
}

fn changes(met: MetRow, policy: OnConflict) -> UserChanges {
    let full_name = match met.user.full_name {
        None if policy == OnConflict::Update => None,
        name => Some(name),
    };
    UserChanges { email: Some(met.user.email), username: Some(met.user.username), full_name, is_active: None }
}
