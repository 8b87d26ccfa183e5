use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::partners::{
    ClientName, DuePartner, FormerPartnerSecret, FoundPartner, NewPartnerEvent, PartnerClient, PartnerEvent,
    PartnerEventPosition, PartnerReader, PartnerRepository, PublicClientId, Received, SealedSecret, SignatureUse,
};
use muster_domain::{Networks, PartnerClientId, PartnerEventId, RepositoryError};
use uuid::Uuid;

use super::doors;
use super::error::{damaged, one_row, repository_error};
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;

struct ClientRow {
    id: Uuid,
    client_id: String,
    name: String,
    secret: Vec<u8>,
    former_secret: Option<Vec<u8>>,
    former_valid_until: Option<DateTime<Utc>>,
    is_active: bool,
    allowed: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ClientRow {
    fn read(self) -> Result<PartnerClient, RepositoryError> {
        let former = self.former_secret.zip(self.former_valid_until);
        // An empty list is no list of nothing: it allows everybody. One that cannot be read must not become it.
        let allowed = if self.allowed.is_empty() {
            Networks::default()
        } else {
            Networks::parse(&self.allowed.join(",")).ok_or_else(|| damaged("network"))?
        };
        Ok(PartnerClient {
            id: PartnerClientId::new(self.id),
            public_id: PublicClientId::parse(&self.client_id).ok_or_else(|| damaged("client id"))?,
            name: ClientName::parse(&self.name).map_err(|_| damaged("name"))?,
            secret: SealedSecret(self.secret),
            former: former
                .map(|(secret, valid_until)| FormerPartnerSecret { secret: SealedSecret(secret), valid_until }),
            is_active: self.is_active,
            allowed,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[async_trait]
impl PartnerRepository for PgUnitOfWork {
    async fn insert_client(&mut self, client: &PartnerClient, at_most: u32) -> Result<bool, RepositoryError> {
        // Two who ask at once count one after the other. The number only keeps this lock apart from others.
        sqlx::query!(
            r#"select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 20)) as "locked!: ()""#,
            self.tenant,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let former = client.former.as_ref();
        let done = sqlx::query!(
            r#"insert into partner_clients (
                   tenant_id, id, client_id, name, secret, former_secret, former_valid_until, is_active, allowed,
                   created_at, updated_at
               )
               select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
               where (select count(*) from partner_clients where tenant_id = $1) < $12"#,
            self.tenant,
            client.id.get(),
            client.public_id.as_str(),
            client.name.as_str(),
            client.secret.0,
            former.map(|former| former.secret.0.as_slice()),
            former.map(|former| former.valid_until),
            client.is_active,
            &client.allowed.names(),
            client.created_at,
            client.updated_at,
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn clients(&mut self) -> Result<Vec<PartnerClient>, RepositoryError> {
        let rows = sqlx::query_as!(
            ClientRow,
            r#"select
                   id
                 , client_id
                 , name
                 , secret
                 , former_secret
                 , former_valid_until
                 , is_active
                 , allowed
                 , created_at
                 , updated_at
               from partner_clients
               where tenant_id = $1
               order by created_at, id"#,
            self.tenant,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(ClientRow::read).collect()
    }

    async fn client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError> {
        let row = sqlx::query_as!(
            ClientRow,
            r#"select
                   id
                 , client_id
                 , name
                 , secret
                 , former_secret
                 , former_valid_until
                 , is_active
                 , allowed
                 , created_at
                 , updated_at
               from partner_clients
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(ClientRow::read).transpose()
    }

    async fn lock_client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from partner_clients where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Read after the lock is held, so that it is what was committed before it.
        self.client(id).await
    }

    async fn store_client(&mut self, client: &PartnerClient) -> Result<(), RepositoryError> {
        let former = client.former.as_ref();
        let done = sqlx::query!(
            r#"update partner_clients
               set secret = $3
                 , former_secret = $4
                 , former_valid_until = $5
                 , is_active = $6
                 , updated_at = $7
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            client.id.get(),
            client.secret.0,
            former.map(|former| former.secret.0.as_slice()),
            former.map(|former| former.valid_until),
            client.is_active,
            client.updated_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn accept(&mut self, signature: &SignatureUse) -> Result<bool, RepositoryError> {
        let done = sqlx::query!(
            r#"insert into partner_signatures (tenant_id, client_id, signature, expires_at)
               values ($1, $2, $3, $4)
               on conflict (tenant_id, client_id, signature) do nothing"#,
            self.tenant,
            signature.client.get(),
            signature.signature.as_slice(),
            signature.expires_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn receive(
        &mut self,
        event: &NewPartnerEvent,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Received, RepositoryError> {
        self.receive_event(event, now, due_at).await
    }

    async fn event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError> {
        self.find_event(id).await
    }

    async fn lock_event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from partner_events where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        self.find_event(id).await
    }

    async fn end_event(&mut self, event: &PartnerEvent) -> Result<(), RepositoryError> {
        self.store_event_end(event).await
    }

    async fn put_off_event(&mut self, id: PartnerEventId, due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update partner_events
               set due_at = $3
               where tenant_id = $1 and id = $2 and state = 'received'"#,
            self.tenant,
            id.get(),
            due_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }

    async fn events(
        &mut self,
        after: Option<PartnerEventPosition>,
        limit: u32,
    ) -> Result<Vec<PartnerEvent>, RepositoryError> {
        self.list_events(after, limit).await
    }

    async fn forget(
        &mut self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        self.forget_lines(now, ended_before, limit).await
    }
}

#[async_trait]
impl PartnerReader for PgReaders {
    async fn find_partner(&self, id: &PublicClientId) -> Result<Option<FoundPartner>, RepositoryError> {
        doors::partner(self.pool(), id).await
    }

    async fn due_partners(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DuePartner>, RepositoryError> {
        doors::due_partners(self.pool(), now, ended_before, limit).await
    }
}
