use std::fmt;
use std::hash::{BuildHasher, RandomState};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use muster_application::Context;
use muster_application::ports::UnitOfWork;
use muster_domain::operations::{
    BlockPayload, NewOperation, OnError, Operation, OperationKind, OperationOptions, UploadFormat,
};
use muster_domain::users::{
    EmailPolicy, FieldDigest, NewUser, StoredUser, User, UserChanges, UserEvent, UserEventKind, UserFields, UserPatch,
};
use muster_domain::{EventId, OperationId, TenantId, UserId};
use uuid::{Builder, Uuid};

use super::World;

/// What the cases ask for when they queue an operation.
pub(super) const OPTIONS: OperationOptions = OperationOptions::of(OnError::Continue);
const POLICY: EmailPolicy = EmailPolicy { allow_special_use: false };

/// Where a case is tried: a storage, and two tenants of it that nobody has used.
pub struct Arena<'w> {
    /// The storage.
    pub world: &'w dyn World,
    /// The tenant that a case is about.
    pub tenant: TenantId,
    /// Somebody else.
    pub other: TenantId,
}

impl fmt::Debug for Arena<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("tenant", &self.tenant).field("other", &self.other).finish_non_exhaustive()
    }
}

impl<'w> Arena<'w> {
    /// Two fresh tenants of `world`.
    pub fn new(world: &'w dyn World) -> Self {
        Self { world, tenant: fresh_tenant(), other: fresh_tenant() }
    }

    pub(super) async fn begin(&self) -> Result<Box<dyn UnitOfWork>> {
        self.begin_as(self.tenant).await
    }

    pub(super) async fn begin_as(&self, tenant: TenantId) -> Result<Box<dyn UnitOfWork>> {
        Ok(self.world.units().begin(&Context::new(tenant)).await?)
    }

    /// Commits an operation that is receiving since `now`.
    pub(super) async fn receive(&self, id: OperationId, now: DateTime<Utc>) -> Result<()> {
        let mut uow = self.begin().await?;
        uow.operations().insert(&new_operation(id), now).await?;
        Ok(uow.commit().await?)
    }

    /// Commits an operation that is queued since `now`, with blocks of that many rows.
    pub(super) async fn queue(&self, id: OperationId, rows: &[u32], now: DateTime<Utc>) -> Result<()> {
        let mut uow = self.begin().await?;
        queue_in(uow.as_mut(), id, rows, now).await?;
        Ok(uow.commit().await?)
    }

    pub(super) async fn start(&self, id: OperationId, now: DateTime<Utc>) -> Result<()> {
        let mut uow = self.begin().await?;
        uow.operations().start(id, now).await?;
        Ok(uow.commit().await?)
    }

    /// Commits the end of an operation, with no regard to its ledger.
    pub(super) async fn end(&self, id: OperationId, now: DateTime<Utc>) -> Result<()> {
        let mut uow = self.begin().await?;
        let mut operation = uow.operations().lock(id).await?.context("there is no such operation")?;
        operation.finish(now)?;
        uow.operations().end(&operation).await?;
        Ok(uow.commit().await?)
    }

    /// Commits users who must all be free.
    pub(super) async fn insert(&self, users: &[(UserId, NewUser)]) -> Result<()> {
        let mut uow = self.begin().await?;
        anyhow::ensure!(uow.users().insert_free(users, at(0)).await?.is_empty(), "a user was not inserted");
        Ok(uow.commit().await?)
    }

    /// Commits a user who was made alone, with a welcome mail.
    pub(super) async fn make(&self, user: &User) -> Result<()> {
        let mut uow = self.begin().await?;
        let event = event(user, UserEventKind::Created, 0);
        anyhow::ensure!(uow.users().insert(user, &event, true).await?, "the user was not inserted");
        Ok(uow.commit().await?)
    }

    /// Commits what `change` does to a user.
    pub(super) async fn write(
        &self,
        id: UserId,
        kind: UserEventKind,
        change: impl FnOnce(&mut StoredUser),
    ) -> Result<StoredUser> {
        let mut uow = self.begin().await?;
        let mut stored = uow.users().lock(id).await?.context("there is no such user")?;
        change(&mut stored);
        uow.users().store(&stored, &event(&stored.user, kind, stored.user.version)).await?;
        uow.commit().await?;
        Ok(stored)
    }

    pub(super) async fn delete(&self, id: UserId) -> Result<StoredUser> {
        self.write(id, UserEventKind::Deleted, |stored| stored.delete(at(1))).await
    }

    pub(super) async fn operation(&self, id: OperationId) -> Result<Operation> {
        self.world.operations().find(self.tenant, id).await?.context("the reader does not find the operation")
    }
}

pub(super) async fn queue_in(
    uow: &mut dyn UnitOfWork,
    id: OperationId,
    rows: &[u32],
    now: DateTime<Utc>,
) -> Result<()> {
    let blocks = blocks(rows);
    let (count, total) = (u32::try_from(rows.len())?, rows.iter().sum());
    uow.operations().insert(&new_operation(id), now).await?;
    anyhow::ensure!(uow.operations().append_blocks(id, &blocks, now).await?, "no block was appended");
    anyhow::ensure!(uow.operations().queue(id, OPTIONS, &[], total, count, now).await?, "it was not queued");
    Ok(())
}

/// Minutes after a moment in 2030.
pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_900_000_000_123).unwrap_or_default() + TimeDelta::minutes(minutes)
}

pub(super) const fn operation_id(n: u128) -> OperationId {
    OperationId::new(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | n))
}

pub(super) const fn user_id(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(0x0199_1111_0000_7000_8000_0000_0000_0000 | n))
}

pub(super) fn new_operation(id: OperationId) -> NewOperation {
    NewOperation {
        id,
        kind: OperationKind::UsersImport,
        format: UploadFormat::Csv,
        parent: None,
        actor: None,
        created_at: at(-1),
    }
}

/// User `n`, at `{email}@example.com`.
pub(super) fn user(n: u128, email: &str, username: &str) -> Result<(UserId, NewUser)> {
    let email = format!("{email}@example.com");
    let fields = UserFields { email: Some(&email), username: Some(username), full_name: None };
    Ok((user_id(n), new_user(fields)?))
}

/// A user as given.
pub(super) fn new_user(fields: UserFields<'_>) -> Result<NewUser> {
    NewUser::parse(fields, POLICY).map_err(|errors| anyhow!("a user of the suite breaks a rule: {errors:?}"))
}

/// A change as given.
pub(super) fn changes(patch: UserPatch<'_>) -> Result<UserChanges> {
    UserChanges::parse(patch, POLICY).map_err(|errors| anyhow!("a change of the suite breaks a rule: {errors:?}"))
}

/// As `user`, alive since `minute`.
pub(super) fn made(n: u128, name: &str, minute: i64) -> Result<User> {
    let (id, new) = user(n, name, name)?;
    Ok(User::new(id, new, at(minute)))
}

/// A line of a user's history; later ones have a greater `n`.
pub(super) fn event(user: &User, kind: UserEventKind, n: i64) -> UserEvent {
    let digest = FieldDigest { field: "email".to_owned(), before: None, after: Some("0a".to_owned()) };
    let n = u128::from(n.unsigned_abs());
    UserEvent {
        id: EventId::new(Uuid::from_u128((user.id.get().as_u128() << 32) | n)),
        user: user.id,
        kind,
        actor: Some("somebody".into()),
        operation: None,
        fields: vec![digest],
        at: user.updated_at,
    }
}

/// Blocks of that many rows.
pub(super) fn blocks(rows: &[u32]) -> Vec<BlockPayload> {
    let mut first_row = 1_u32;
    let mut blocks = Vec::new();
    for (number, rows) in (0..).zip(rows.iter().copied()) {
        // Any bytes: storage does not look inside.
        let data = Bytes::from([&[0, 0xFF, b'\\'], first_row.to_be_bytes().as_slice()].concat());
        blocks.push(BlockPayload { number, first_row, rows, data });
        first_row += rows;
    }
    blocks
}

/// Random, because the storage may be that of an earlier run.
fn fresh_tenant() -> TenantId {
    let half = |n: u8| RandomState::new().hash_one(n);
    let random = (u128::from(half(0)) << 64) | u128::from(half(1));
    TenantId::new(Builder::from_random_bytes(random.to_be_bytes()).into_uuid())
}
