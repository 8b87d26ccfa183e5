use muster_domain::operations::{IdempotencyEntry, KeyOwner};

use super::errors::{key_reused, still_receiving};
use super::{Submitted, Target};
use crate::{App, AppError, Context};

impl App {
    /// What the first request with a key began, if this one is the same.
    pub(crate) async fn replayed(
        &self,
        ctx: &Context,
        entry: IdempotencyEntry,
        digest: [u8; 32],
    ) -> Result<Submitted, AppError> {
        match entry.digest {
            None => Err(still_receiving()),
            Some(first) if first == digest => {
                let KeyOwner::Operation(first) = entry.owner else { return Err(key_reused()) };
                let operation = self.operation(ctx, first).await?;
                Ok(Submitted { operation, replayed: true })
            }
            Some(_) => Err(key_reused()),
        }
    }
}

/// Where the rows of a request go whose key is taken.
pub(super) fn replay(entry: IdempotencyEntry) -> Result<Target, AppError> {
    if entry.digest.is_none() { Err(still_receiving()) } else { Ok(Target::Replay(entry)) }
}
