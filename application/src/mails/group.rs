use futures::StreamExt;
use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{Operation, RowStatus, StoredRow};
use muster_domain::users::User;

use super::welcome::welcome;
use crate::imports::RowProblem;
use crate::ports::{Delivery, Mail, MailKind, UnitOfWork};
use crate::{App, AppError, Context};

/// Mails between two records of progress: what a crash can repeat.
pub(crate) const GROUP: u32 = 100;

/// What came of a group.
pub(super) struct GroupDone {
    pub(super) batch: MailBatch,
    /// The mail server did not answer: stop, and let the engine wait.
    pub(super) unreachable: bool,
}

impl App {
    /// Sends mails over a few connections at once, and gives what became of each, in no order.
    pub(crate) async fn send_all<K: Send>(&self, kind: MailKind, mails: Vec<(K, Mail)>) -> Vec<(K, Delivery)> {
        futures::stream::iter(mails)
            .map(|(key, mail)| async move {
                let delivery = self.ports.mailer.send(&mail).await;
                self.ports.tally.mailed(kind, delivery);
                (key, delivery)
            })
            .buffer_unordered(self.settings.mail_concurrency)
            .collect()
            .await
    }

    /// Sends the next group of a batch and records it. Nothing is locked while mail is sent; if somebody else
    /// recorded the same group meanwhile, their record stands.
    pub(super) async fn send_group(
        &self,
        ctx: &Context,
        operation: &Operation,
        block: u32,
        before: &MailBatch,
        retries: usize,
    ) -> Result<GroupDone, AppError> {
        let (users, mut after) = self.next_group(ctx, operation, before, retries).await?;
        let mails: Result<Vec<_>, AppError> = users
            .iter()
            .map(|(row, user)| Ok((*row, welcome(&format!("welcome.{row}.{}", operation.id), user)?)))
            .collect();
        let results = self.send_all(MailKind::Welcome, mails?).await;
        let rows = |wanted: Delivery| results.iter().filter(move |(_, got)| *got == wanted).map(|(row, _)| *row);
        let refused: Vec<u32> = rows(Delivery::Refused).collect();
        let sent = u32::try_from(rows(Delivery::Sent).count()).unwrap_or(u32::MAX);
        // At the end of the queue: those put off again and again must not starve the others.
        after.deferred.extend(rows(Delivery::Deferred).chain(rows(Delivery::Unreachable)));
        let unreachable = rows(Delivery::Unreachable).next().is_some();

        let mut uow = self.begin(ctx).await?;
        match uow.mails().lock(operation.id, block).await? {
            Some(current) if current == *before => {
                record_refused(uow.as_mut(), operation.id, &refused, "mail_refused").await?;
                let refused = u32::try_from(refused.len()).unwrap_or(u32::MAX);
                uow.mails().record(operation.id, block, &after, sent, refused, self.ports.clock.now()).await?;
                uow.commit().await?;
                Ok(GroupDone { batch: after, unreachable })
            }
            Some(current) => Ok(GroupDone { batch: current, unreachable }),
            None => Err(AppError::internal("a mail batch is gone")),
        }
    }

    /// The users of the next group, and the batch without them: first those never tried, then those put off
    /// for longest, at most `retries`.
    async fn next_group(
        &self,
        ctx: &Context,
        operation: &Operation,
        batch: &MailBatch,
        retries: usize,
    ) -> Result<(Vec<(u32, User)>, MailBatch), AppError> {
        let ids = operation.row_ids();
        let mut after = batch.clone();
        let mut uow = self.begin(ctx).await?;
        let with_row = |users: Vec<User>| -> Vec<(u32, User)> {
            users.into_iter().filter_map(|user| ids.row(user.id).map(|row| (row, user))).collect()
        };
        if batch.has_untried() {
            let users = uow.users().range(ids.id(batch.done_through + 1), ids.id(batch.last_row), GROUP).await?;
            // Judged by all that were found: among them may be others that were made in the same millisecond.
            let whole = u32::try_from(users.len()).unwrap_or(u32::MAX) == GROUP;
            let last = users.last().filter(|_| whole).map(|user| ids.rows_through(user.id));
            after.done_through = last.unwrap_or(batch.last_row);
            return Ok((with_row(users), after));
        }
        let take = batch.deferred.len().min(GROUP as usize).min(retries);
        let mut rows: Vec<u32> = after.deferred.drain(..take).collect();
        rows.sort_unstable();
        let mut users = Vec::new();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            users = with_row(uow.users().range(ids.id(*first), ids.id(*last), u32::MAX).await?);
            users.retain(|(row, _)| rows.binary_search(row).is_ok());
        }
        Ok((users, after))
    }
}

pub(super) async fn record_refused(
    uow: &mut dyn UnitOfWork,
    operation: OperationId,
    rows: &[u32],
    code: &'static str,
) -> Result<(), AppError> {
    if rows.is_empty() {
        return Ok(());
    }
    let detail = if code == "mail_refused" {
        "the mail server refused the welcome mail"
    } else {
        "the welcome mail could not be delivered in time"
    };
    let problem = RowProblem { field: Some("email".into()), code: code.into(), detail: detail.into() };
    let problems = serde_json::to_string(&[problem]).map_err(AppError::internal)?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| StoredRow { problems: problems.clone(), ..StoredRow::new(*row, 0, RowStatus::MailRefused) })
        .collect();
    Ok(uow.operations().insert_rows(operation, &rows).await?)
}
