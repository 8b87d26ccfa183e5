use std::time::Instant;

use muster_domain::operations::Operation;

use super::attempt::{Attempt, Begun};
use super::writer::FileWriter;
use crate::operations::{BlockDone, go_on};
use crate::ports::Heartbeat;
use crate::{App, AppError, Context};

/// Users that are read at once.
const PAGE: u32 = 1_000;

impl App {
    /// Writes the file of an export: all users whom it means, as they are at one moment. What `run_block` is for rows, but of
    /// many transactions, because a file is larger than one of them should be: the last one makes the file and ends the operation,
    /// exactly once, and before it nobody sees anything. None when the operation is not going on.
    pub(crate) async fn export_users(
        &self,
        ctx: &Context,
        operation: &Operation,
        block: u32,
        beat: &dyn Heartbeat,
    ) -> Result<Option<BlockDone>, AppError> {
        let begun = Instant::now();
        let (attempt, filter) = match Attempt::begin(self, ctx, operation, block).await? {
            Begun::Attempt(attempt, filter) => (attempt, filter),
            Begun::Done(outcome) => return Ok(Some(BlockDone { outcome, ended: None })),
            Begun::Stopped => return Ok(None),
        };
        let mut users = self.ports.user_list.snapshot(ctx.tenant, &filter).await?;
        let mut writer = FileWriter::new(operation.format);
        let mut goes_on = true;
        while goes_on {
            go_on(beat)?;
            let page = users.next(PAGE).await?;
            if page.is_empty() {
                break;
            }
            for user in &page {
                writer.push(user)?;
            }
            if writer.is_full() {
                goes_on = store_part(&attempt, &mut writer).await?;
            }
        }
        // Before the last part: a snapshot that is held keeps the database from tidying up.
        drop(users);
        let done = if goes_on && store_part(&attempt, &mut writer).await? {
            attempt.finish(writer.end(), begun.elapsed(), self.ports.clock.now()).await?
        } else {
            None
        };
        if done.is_none() {
            attempt.drop_parts().await?;
        }
        Ok(done)
    }
}

/// Stores what was written since the last part, if anything was.
async fn store_part(attempt: &Attempt<'_>, writer: &mut FileWriter) -> Result<bool, AppError> {
    match writer.cut()? {
        Some(part) => attempt.store(&part, writer.rows()).await,
        None => Ok(true),
    }
}
