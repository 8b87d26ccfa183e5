use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::operations::RowIds;
use muster_domain::users::{FieldDigest, UserEvent, UserEventKind};
use muster_domain::{EventId, OperationId, RepositoryError, TenantId, UserId};
use uuid::Uuid;

use super::error::{damaged, repository_error};
use super::unit_of_work::PgUnitOfWork;

/// Lines of blocks that are looked at for the import that made a user. Only imports that began in the same millisecond
/// can have theirs in between.
const BLOCKS: i64 = 16;

struct EventRow {
    id: Uuid,
    operation_id: Option<Uuid>,
    /// It is of a block, and so of many users.
    is_shared: bool,
    kind: String,
    actor: Option<String>,
    fields: Vec<String>,
    before: Vec<Option<String>>,
    after: Vec<Option<String>>,
    at: DateTime<Utc>,
}

impl EventRow {
    fn read(self, user: UserId) -> Result<UserEvent, RepositoryError> {
        let values = self.before.into_iter().zip(self.after);
        let fields = self.fields.into_iter().zip(values);
        Ok(UserEvent {
            id: EventId::new(self.id),
            user,
            kind: UserEventKind::from_name(&self.kind).ok_or_else(|| damaged("kind of event"))?,
            actor: self.actor.map(Arc::from),
            operation: self.operation_id.map(OperationId::new),
            fields: fields.map(|(field, (before, after))| FieldDigest { field, before, after }).collect(),
            at: self.at,
        })
    }
}

impl PgUnitOfWork {
    pub(super) async fn history(
        &mut self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<UserEvent>>, RepositoryError> {
        let exists = sqlx::query_scalar!(
            r#"select exists(select from users where tenant_id = $1 and id = $2) as "exists!""#,
            self.tenant,
            user.get(),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if !exists {
            return Ok(None);
        }
        let before = before.map_or(Uuid::max(), EventId::get);
        // A union, so that each half uses its own index.
        let rows = sqlx::query_as!(
            EventRow,
            r#"(select
                    id as "id!"
                  , operation_id as "operation_id?"
                  , false as "is_shared!"
                  , kind as "kind!"
                  , actor as "actor?"
                  , fields as "fields!"
                  , before as "before!: Vec<Option<String>>"
                  , after as "after!: Vec<Option<String>>"
                  , at as "at!"
                from user_events
                where tenant_id = $1 and user_id = $2 and last_user_id is null and id < $3
                order by id desc
                limit $4)
               union all
               (select
                    id
                  , operation_id
                  , true
                  , kind
                  , actor
                  , fields
                  , before
                  , after
                  , at
                from user_events
                where tenant_id = $1 and last_user_id >= $2 and user_id <= $2 and id < $3
                order by last_user_id
                limit $5)"#,
            self.tenant,
            user.get(),
            before,
            i64::from(limit),
            BLOCKS,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let is_theirs = |row: &EventRow| !row.is_shared || row.operation_id.is_some_and(|id| self.made_by(id, user));
        let rows = rows.into_iter().filter(is_theirs);
        let mut events = rows.map(|row| row.read(user)).collect::<Result<Vec<_>, _>>()?;
        events.sort_by_key(|event| Reverse(event.id));
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Some(events))
    }

    /// Whether the id is one that the operation gives: the ids of others of the same millisecond are in between.
    fn made_by(&self, operation: Uuid, user: UserId) -> bool {
        let operation = OperationId::new(operation);
        let Some(created_at) = RowIds::created_at(user) else { return false };
        RowIds::new(TenantId::new(self.tenant), operation, created_at).row(user).is_some()
    }
}
