use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use muster_application::imports::{BlockBuilder, ImportRow, NewUpload, RowProblem, Submitted};
use muster_application::mails::SendMails;
use muster_application::operations::OperationRow;
use muster_application::operations::{FinishOperation, RangeDone, RunRange};
use muster_application::ports::{Clock as _, Heartbeat, IdSource as _, UnitOfWorkFactory as _};
use muster_application::tasks::CreateTask;
use muster_application::users::{CreateUser, UpdateUser, Versions};
use muster_application::{App, AppError, Context, Ports, Settings, TenantLimits};
use muster_domain::operations::{NewOperation, OnError, Operation, OperationKind, OperationOptions, UploadFormat};
use muster_domain::tasks::{StoredTask, TaskChanges, TaskFields};
use muster_domain::users::{
    EmailAddress, EmailPolicy, Given, NewUser, User, UserEvent, UserEventKind, UserPatch, Username,
};
use muster_domain::{OperationId, ReminderBatchId, TaskId, TenantId, UserId, WelcomeBatchId};
use muster_testkit::memory::{
    MemoryClock, MemoryGateway, MemoryIds, MemoryMailer, MemorySeals, MemorySignatures, MemoryStore, MemoryWatch,
    MemoryWebhooks, NoHeartbeat, TenantState,
};
use uuid::Uuid;

pub const CONTINUE: OperationOptions = OperationOptions::of(OnError::Continue);
pub const ABORT: OperationOptions = OperationOptions::of(OnError::Abort);
pub const SILENT: OperationOptions =
    OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };

pub const SETTINGS: Settings = Settings {
    email_policy: EmailPolicy { allow_special_use: false },
    max_json_rows: 10_000,
    max_rows: 30_000,
    key_lifetime: TimeDelta::hours(24),
    stalled_after: TimeDelta::minutes(1),
    abandoned_after: TimeDelta::minutes(10),
    mail_concurrency: 8,
    max_watchers: 1_000,
    tenant_limits: TenantLimits { rows_a_day: None, operations: None },
    upload_keep: TimeDelta::days(7),
    result_keep: TimeDelta::days(30),
    export_keep: TimeDelta::days(7),
};

/// The use cases of one deployment, everything they reach, and a tenant.
pub struct World {
    pub app: App,
    pub ctx: Context,
    pub store: MemoryStore,
    pub clock: MemoryClock,
    pub gateway: MemoryGateway,
    pub mailer: MemoryMailer,
    pub receiver: MemoryWebhooks,
    pub signatures: MemorySignatures,
    ids: MemoryIds,
}

/// A row as it was uploaded: e-mail address and user name.
pub type Row = (String, String);

/// Any version will do.
pub const ANY: Versions = None;

pub fn tenant(n: u128) -> Context {
    Context::new(TenantId::new(Uuid::from_u128(n)))
}

/// `count` good rows that no other prefix has.
pub fn people(prefix: &str, count: usize) -> Vec<Row> {
    (1..=count).map(|n| (format!("{prefix}{n}@example.com"), format!("{prefix}-{n}"))).collect()
}

/// A row as a reader makes it; `line` is that of the file.
pub fn import_row(line: u64, (email, username): &Row) -> ImportRow<'_> {
    ImportRow { line, email: Some(email.into()), username: Some(username.into()), ..ImportRow::default() }
}

/// One user as a client gives them.
pub fn person<'a>(email: &'a str, username: &'a str) -> ImportRow<'a> {
    ImportRow { email: Some(email.into()), username: Some(username.into()), ..ImportRow::default() }
}

/// Field, code of each problem of a reported row.
pub fn problems(row: &OperationRow) -> Vec<(String, String)> {
    fields(&row.problems)
}

/// Field, code of each problem.
pub fn fields(problems: &[RowProblem]) -> Vec<(String, String)> {
    let pair = |p: &RowProblem| (p.field.as_deref().unwrap_or_default().to_owned(), p.code.clone().into_owned());
    problems.iter().map(pair).collect()
}

/// What `fields` gives.
pub fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

/// Waits until something that runs in the background has happened.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.with_context(|| format!("never happened: {what}"))
}

impl World {
    pub fn new() -> Self {
        Self::with(SETTINGS)
    }

    pub fn with(settings: Settings) -> Self {
        Self::watched(settings, MemoryStore::watch)
    }

    pub fn watched(settings: Settings, watch: impl FnOnce(&MemoryStore) -> MemoryWatch) -> Self {
        let (clock, gateway, mailer) = (MemoryClock::default(), MemoryGateway::default(), MemoryMailer::default());
        let (store, ids) = (MemoryStore::default(), MemoryIds::default());
        let (receiver, signatures) = (MemoryWebhooks::default(), MemorySignatures::default());
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            ids: Arc::new(ids.clone()),
            units: Arc::new(store.clone()),
            user_maker: Arc::new(store.clone()),
            users: Arc::new(store.clone()),
            user_list: Arc::new(store.clone()),
            search_index: Arc::new(store.clone()),
            welcomes: Arc::new(store.clone()),
            webhooks: Arc::new(store.clone()),
            schedules: Arc::new(store.clone()),
            tasks: Arc::new(store.clone()),
            reminders: Arc::new(store.clone()),
            operations: Arc::new(store.clone()),
            workflows: Arc::new(gateway.clone()),
            watch: Arc::new(watch(&store)),
            mailer: Arc::new(mailer.clone()),
            webhook_sender: Arc::new(receiver.clone()),
            partners: Arc::new(store.clone()),
            sealer: Some(Arc::new(MemorySeals)),
            signatures: Arc::new(signatures.clone()),
        };
        Self {
            app: App::new(ports, settings),
            ctx: tenant(7),
            store,
            clock,
            gateway,
            mailer,
            receiver,
            signatures,
            ids,
        }
    }

    /// All that is stored of the tenant.
    pub fn stored(&self) -> TenantState {
        self.store.tenant(self.ctx.tenant)
    }

    /// Makes one user, without a key and without a mail.
    pub async fn create(&self, ctx: &Context, row: &ImportRow<'_>) -> Result<User, AppError> {
        Ok(self.app.create_user(ctx, CreateUser { row, welcome: false, key: None }).await?.user)
    }

    /// As `create`, at `{name}@example.com`.
    pub async fn make(&self, name: &str) -> Result<User, AppError> {
        self.create(&self.ctx, &person(&format!("{name}@example.com"), name)).await
    }

    /// As `make`, with a welcome mail.
    pub async fn welcome(&self, name: &str) -> Result<User, AppError> {
        let email = format!("{name}@example.com");
        let command = CreateUser { row: &person(&email, name), welcome: true, key: None };
        Ok(self.app.create_user(&self.ctx, command).await?.user)
    }

    /// `count` users whose mail waits, at `w1@example.com` and so on, made at once; gives the first and the last.
    pub async fn line_up(&self, count: usize) -> Result<(UserId, UserId)> {
        let now = self.clock.now();
        let mut uow = self.store.begin(&self.ctx).await?;
        let mut ids = Vec::new();
        for (email, username) in people("w", count) {
            let new = NewUser {
                email: EmailAddress::from_stored(email),
                username: Username::from_stored(username),
                full_name: None,
            };
            let user = User::new(self.ids.user_id(), new, now);
            let (id, kind) = (self.ids.event_id(), UserEventKind::Created);
            let event =
                UserEvent { id, user: user.id, kind, actor: None, operation: None, fields: Vec::new(), at: now };
            anyhow::ensure!(uow.users().insert(&user, &event, true).await?, "a user was not inserted");
            ids.push(user.id);
        }
        uow.commit().await?;
        Ok((*ids.first().context("nobody")?, *ids.last().context("nobody")?))
    }

    /// One call of `send_welcomes`.
    pub async fn send_batch(&self, batch: WelcomeBatchId) -> Result<(), AppError> {
        self.app.send_welcomes(&self.ctx, batch, &NoHeartbeat).await
    }

    /// Makes a task.
    pub async fn reminding_task(&self, ctx: &Context, fields: TaskFields<'_>) -> Result<TaskId> {
        let command = CreateTask { fields, problems: Vec::new(), key: None };
        Ok(self.app.create_task(ctx, command).await?.task.id)
    }

    /// `count` tasks of a tenant that remind in an hour, each of a user of its own, at `w1@example.com` and so on.
    pub async fn line_up_tasks(&self, ctx: &Context, count: usize) -> Result<Vec<TaskId>> {
        let now = self.clock.now();
        let mut uow = self.store.begin(ctx).await?;
        let (mut users, mut tasks) = (Vec::new(), Vec::new());
        for (email, username) in people("w", count) {
            let (email, username) = (EmailAddress::from_stored(email), Username::from_stored(username));
            let (user, remind_at) = (self.ids.user_id(), (now + TimeDelta::hours(1)).to_rfc3339());
            users.push((user, NewUser { email, username, full_name: None }));
            let user = user.to_string();
            let fields = TaskFields {
                title: Given::Text("Call Eve"),
                assignee: Given::Text(&user),
                remind_at: Some(vec![&remind_at]),
                ..TaskFields::default()
            };
            let mut said = TaskChanges::parse_new(&fields).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
            let title = said.title.take().context("no title")?;
            tasks.push(StoredTask::new(self.ids.task_id(), title, said, "UTC".parse()?, now)?);
        }
        anyhow::ensure!(uow.users().insert_free(&users, now).await?.is_empty(), "a user was not inserted");
        uow.tasks().insert(&tasks).await?;
        uow.commit().await?;
        Ok(tasks.iter().map(|stored| stored.task.id).collect())
    }

    /// One call of `send_reminders`.
    pub async fn send_reminder_batch(&self, batch: ReminderBatchId) -> Result<(), AppError> {
        self.app.send_reminders(batch, &NoHeartbeat).await
    }

    /// The time of day.
    pub fn clock_text(&self) -> String {
        self.clock.now().format("%H:%M:%S").to_string()
    }

    /// Changes a user, whatever their version.
    pub async fn change(&self, id: UserId, patch: UserPatch<'_>) -> Result<User, AppError> {
        let command = UpdateUser { id, patch, problems: Vec::new(), expected: ANY };
        self.app.update_user(&self.ctx, command).await
    }

    /// The whole history of a user, the latest first.
    pub async fn history(&self, id: UserId) -> Result<Vec<UserEvent>, AppError> {
        Ok(self.app.user_history(&self.ctx, id, None, 1_000).await?.events)
    }

    /// One CSV request with these rows; the digest is taken over the rows.
    pub async fn upload(
        &self,
        key: Option<&str>,
        rows: &[Row],
        options: OperationOptions,
    ) -> Result<Submitted, AppError> {
        let mut upload = self
            .app
            .begin_upload(self.ctx.clone(), NewUpload::import(UploadFormat::Csv, key.map(str::to_owned)))
            .await?;
        for (line, row) in (2..).zip(rows) {
            upload.absorb(format!("{},{}\n", row.0, row.1).as_bytes());
            upload.push(&import_row(line, row))?;
            upload.flush().await?;
        }
        upload.finish(options, &[]).await
    }

    /// A queued operation whose blocks are as small as a test likes.
    pub async fn queue(&self, blocks: &[Vec<Row>], options: OperationOptions) -> Result<OperationId> {
        let id = self.ids.operation_id();
        let now = self.clock.now();
        let mut builder = BlockBuilder::default();
        let mut line = 2;
        for rows in blocks {
            for row in rows {
                builder.push(&import_row(line, row))?;
                line += 1;
            }
            builder.close()?;
        }
        let (kind, format, actor) = (OperationKind::UsersImport, UploadFormat::Csv, self.ctx.actor.clone());
        let operation = NewOperation { id, kind, format, parent: None, actor, created_at: now };
        let mut uow = self.store.begin(&self.ctx).await?;
        uow.operations().insert(&operation, now).await?;
        uow.operations().append_blocks(id, &builder.take_full(), now).await?;
        uow.operations().queue(id, options, &[], builder.rows(), builder.blocks(), now).await?;
        uow.commit().await?;
        Ok(id)
    }

    /// One call of `run_range` over all blocks.
    pub async fn range(&self, id: OperationId, beat: &dyn Heartbeat) -> Result<RangeDone, AppError> {
        let range = RunRange { operation: id, first_block: 0, last_block: u32::MAX };
        self.app.run_range(&self.ctx, range, beat).await
    }

    /// What the workflow does: what concerns all blocks, the blocks, then the end.
    pub async fn run(&self, id: OperationId) -> Result<Operation, AppError> {
        if self.app.operation(&self.ctx, id).await?.needs_preparing() {
            let done = self.app.prepare_operation(&self.ctx, id, &NoHeartbeat).await?;
            if done.ended {
                return self.app.operation(&self.ctx, id).await;
            }
        }
        let done = self.range(id, &NoHeartbeat).await?;
        if !done.ended {
            self.app.finish_operation(&self.ctx, FinishOperation { operation: id, failure: None }).await?;
        }
        self.app.operation(&self.ctx, id).await
    }

    /// Queues blocks and runs them.
    pub async fn import(&self, blocks: &[Vec<Row>], options: OperationOptions) -> Result<Operation> {
        let id = self.queue(blocks, options).await?;
        Ok(self.run(id).await?)
    }

    /// All mail batches of an operation.
    pub fn mails_of(id: OperationId) -> SendMails {
        SendMails { operation: id, first_block: 0, last_block: 9 }
    }

    /// One call of `send_mails` over all blocks.
    pub async fn send(&self, id: OperationId) -> Result<(), AppError> {
        self.app.send_mails(&self.ctx, Self::mails_of(id), &NoHeartbeat).await
    }

    /// E-mail addresses of the living, sorted.
    pub fn emails(&self) -> Vec<String> {
        let mut emails: Vec<_> = self.stored().emails.keys().cloned().collect();
        emails.sort_unstable();
        emails
    }
}
