use std::collections::HashSet;

use muster_domain::UserId;
use muster_domain::operations::{BlockPayload, Operation, RowStatus, StoredRow};
use muster_domain::users::{UserEvent, UserEventKind};

use crate::imports::{ImportRow, RowProblem, decode_block, failed_row, is_reported};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

impl App {
    /// Leaves a line in the history of each living user whom the rows of a block name, but for those that are `reported`.
    /// The users stay as they are.
    pub(crate) async fn sync_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
        reported: &[StoredRow],
    ) -> Result<BlockWork, AppError> {
        let text = decode_block(payload)?;
        let (mut named, mut rows) = (Vec::new(), Vec::new());
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (number, line) in (payload.first_row..).zip(lines) {
            if is_reported(reported, number) {
                continue;
            }
            let row: ImportRow<'_> = serde_json::from_slice(line).map_err(AppError::internal)?;
            match row.id.as_deref().and_then(UserId::parse) {
                _ if !row.problems.is_empty() => rows.push(failed_row(number, row.line, &row.problems)?),
                Some(id) => named.push((number, row.line, id)),
                None => rows.push(failed_row(number, row.line, &[unknown()])?),
            }
        }
        let ids: Vec<_> = named.iter().map(|(_, _, id)| *id).collect();
        // Locked, so that nobody is noted who is being removed.
        let locked = uow.users().lock_all(&ids).await?;
        let living: HashSet<_> =
            locked.iter().filter(|stored| stored.deleted_at.is_none()).map(|stored| stored.user.id).collect();
        let (mut seen, mut events) = (HashSet::new(), Vec::new());
        for (number, line, id) in named {
            let mut row = match (living.contains(&id), seen.insert(id)) {
                (false, _) => failed_row(number, line, &[unknown()])?,
                (true, false) => StoredRow::new(number, line, RowStatus::Skipped),
                (true, true) => {
                    events.push(self.synced(operation, id));
                    StoredRow::new(number, line, RowStatus::Synced)
                }
            };
            row.user = Some(id);
            rows.push(row);
        }
        if !events.is_empty() {
            uow.users().note_all(&events).await?;
        }
        Ok(BlockWork { created: 0, rows })
    }

    fn synced(&self, operation: &Operation, user: UserId) -> UserEvent {
        let now = self.ports.clock.now();
        let event = self.user_event(operation.actor.clone(), user, UserEventKind::Synced, &[], now);
        UserEvent { operation: Some(operation.id), ..event }
    }
}

fn unknown() -> RowProblem {
    RowProblem::of("id", "ENTITY_NOT_FOUND", "there is no such living user")
}
