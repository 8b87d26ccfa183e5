//! The doors through which anything is seen of all tenants: functions of the database's owner that give ids
//! of what is due, and nothing else (`migrations/0003_sweeper_door.sql`, `0012_removal.sql`, `0017_exports.sql`,
//! `0018_schedules.sql`, `0020_partners.sql`).

use chrono::{DateTime, Utc};
use muster_domain::operations::{DueOperation, DueReason};
use muster_domain::partners::{DuePartner, DuePartnerReason, FoundPartner, PublicClientId};
use muster_domain::schedules::UnsyncedSchedule;
use muster_domain::{OperationId, PartnerClientId, PartnerEventId, RepositoryError, ScheduleId, TenantId};
use sqlx::PgPool;
use uuid::Uuid;

use super::error::{damaged, repository_error};

struct DueRow {
    tenant_id: Uuid,
    operation_id: Uuid,
    reason: String,
}

impl DueRow {
    fn read(self) -> Result<DueOperation, RepositoryError> {
        let reason = match self.reason.as_str() {
            "start" => DueReason::Start,
            "mails" => DueReason::Mails,
            "abandoned" => DueReason::Abandoned,
            "expired_keys" => DueReason::ExpiredKeys,
            "old_upload" => DueReason::OldUpload,
            "old_results" => DueReason::OldResults,
            "old_file" => DueReason::OldFile,
            _ => return Err(damaged("reason")),
        };
        let (tenant, operation) = (TenantId::new(self.tenant_id), OperationId::new(self.operation_id));
        Ok(DueOperation { tenant, operation, reason })
    }
}

/// What stands still: the times are those of `OperationReader::due`, in order.
pub(super) async fn due(
    pool: &PgPool,
    [stalled_before, abandoned_before, now]: [DateTime<Utc>; 3],
    limit: u32,
) -> Result<Vec<DueOperation>, RepositoryError> {
    let rows = sqlx::query_as!(
        DueRow,
        r#"select
               tenant_id as "tenant_id!"
             , operation_id as "operation_id!"
             , reason as "reason!"
           from muster_due($1, $2, $3, $4)"#,
        stalled_before,
        abandoned_before,
        now,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    rows.into_iter().map(DueRow::read).collect()
}

/// What is to be removed.
pub(super) async fn outdated(
    pool: &PgPool,
    uploads_before: DateTime<Utc>,
    results_before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<DueOperation>, RepositoryError> {
    let rows = sqlx::query_as!(
        DueRow,
        r#"select
               tenant_id as "tenant_id!"
             , operation_id as "operation_id!"
             , reason as "reason!"
           from muster_outdated($1, $2, $3)"#,
        uploads_before,
        results_before,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    rows.into_iter().map(DueRow::read).collect()
}

/// Operations with parts of files that nobody will read.
pub(super) async fn outdated_files(
    pool: &PgPool,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<DueOperation>, RepositoryError> {
    let rows = sqlx::query_as!(
        DueRow,
        r#"select
               tenant_id as "tenant_id!"
             , operation_id as "operation_id!"
             , reason as "reason!"
           from muster_outdated_files($1, $2)"#,
        now,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    rows.into_iter().map(DueRow::read).collect()
}

/// Schedules that Temporal does not have as they are.
pub(super) async fn unsynced_schedules(
    pool: &PgPool,
    changed_before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<UnsyncedSchedule>, RepositoryError> {
    let rows = sqlx::query!(
        r#"select
               tenant_id as "tenant_id!"
             , schedule_id as "schedule_id!"
           from muster_unsynced_schedules($1, $2)"#,
        changed_before,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    let unsynced =
        |tenant, schedule| UnsyncedSchedule { tenant: TenantId::new(tenant), schedule: ScheduleId::new(schedule) };
    Ok(rows.into_iter().map(|row| unsynced(row.tenant_id, row.schedule_id)).collect())
}

/// Whose client has a public id.
pub(super) async fn partner(pool: &PgPool, id: &PublicClientId) -> Result<Option<FoundPartner>, RepositoryError> {
    let row = sqlx::query!(
        r#"select
               tenant_id as "tenant_id!"
             , client_id as "client_id!"
           from muster_partner_client($1)"#,
        id.as_str(),
    )
    .fetch_optional(pool)
    .await
    .map_err(repository_error)?;
    let found = |tenant, client| FoundPartner { tenant: TenantId::new(tenant), client: PartnerClientId::new(client) };
    Ok(row.map(|row| found(row.tenant_id, row.client_id)))
}

/// What is to be looked at of partners.
pub(super) async fn due_partners(
    pool: &PgPool,
    now: DateTime<Utc>,
    ended_before: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<DuePartner>, RepositoryError> {
    let rows = sqlx::query!(
        r#"select
               tenant_id as "tenant_id!"
             , event_id
           from muster_due_partners($1, $2, $3)"#,
        now,
        ended_before,
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    let reason = |event: Option<Uuid>| {
        event.map_or(DuePartnerReason::Outdated, |id| DuePartnerReason::Event(PartnerEventId::new(id)))
    };
    Ok(rows
        .into_iter()
        .map(|row| DuePartner { tenant: TenantId::new(row.tenant_id), reason: reason(row.event_id) })
        .collect())
}
