use sqlx::PgConnection;

/// The tables that hold tenants' data: each must have forced row level security.
const TENANT_TABLES: [&str; 22] = [
    "users",
    "user_events",
    "user_search",
    "user_search_queue",
    "user_search_taken",
    "welcome_mails",
    "operations",
    "operation_blocks",
    "operation_rows",
    "operation_files",
    "operation_parts",
    "mail_batches",
    "idempotency_keys",
    "webhook_endpoints",
    "webhook_deliveries",
    "schedules",
    "partner_clients",
    "partner_signatures",
    "partner_events",
    "tasks",
    "task_settings",
    "reminder_mails",
];

/// Why it would be unsafe, or impossible, to serve.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// Row level security would not bind this role.
    #[error(
        "the database role \"{role}\" {why}; connect as a member of muster_service that owns no table (DATABASE_URL)"
    )]
    Role {
        /// The role that `DATABASE_URL` names.
        role: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A table would show every tenant's rows.
    #[error("row level security is off or not forced on table \"{0}\"; run `muster migrate`, or switch it on again")]
    Table(String),
    /// The schema is older than this program.
    #[error("the database has no table \"{0}\"; run `muster migrate` as the owner (ADMIN_DATABASE_URL)")]
    Missing(String),
    /// The database does not answer: nothing is known yet.
    #[error("the database is not available")]
    Unavailable(#[from] sqlx::Error),
}

impl GuardError {
    /// Whether waiting may help: the database is down, or not migrated yet.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Missing(_))
    }
}

/// What binds the role of a connection, and what does not.
pub(super) struct Facts {
    /// The role that `DATABASE_URL` names.
    pub(super) role: String,
    superuser: bool,
    bypasses: bool,
    tables: Vec<Table>,
}

struct Table {
    name: String,
    forced: bool,
    owned: bool,
}

impl Facts {
    /// Reads what the database says of the role of this connection and of the tables.
    pub(super) async fn read(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let role = sqlx::query!(
            r#"select
               current_user::text as "name!"
             , rolsuper as "superuser!"
             , rolbypassrls as "bypasses!"
           from pg_roles
           where rolname = current_user"#
        )
        .fetch_one(&mut *connection)
        .await?;
        let tables = sqlx::query_as!(
            Table,
            r#"select
               c.relname::text as "name!"
             , (c.relrowsecurity and c.relforcerowsecurity) as "forced!"
             , pg_has_role(current_user, c.relowner, 'member') as "owned!"
           from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           where n.nspname = current_schema() and c.relkind = 'r'"#
        )
        .fetch_all(&mut *connection)
        .await?;
        Ok(Self { role: role.name, superuser: role.superuser, bypasses: role.bypasses, tables })
    }

    /// Why row level security does not bind the role.
    pub(super) fn unbound(&self) -> Option<&'static str> {
        if self.superuser {
            Some("is a superuser, whom row level security does not bind")
        } else if self.bypasses {
            Some("bypasses row level security")
        } else if self.tenant_tables().any(|(_, table)| table.is_some_and(|table| table.owned)) {
            Some("owns the tables, and could switch row level security off")
        } else {
            None
        }
    }

    /// Tenant tables that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = &'static str> {
        self.tenant_tables().filter(|(_, table)| table.is_none()).map(|(name, _)| name)
    }

    /// Tenant tables that would show every tenant's rows.
    pub(super) fn unforced(&self) -> impl Iterator<Item = &'static str> {
        self.tenant_tables().filter(|(_, table)| table.is_some_and(|table| !table.forced)).map(|(name, _)| name)
    }

    fn tenant_tables(&self) -> impl Iterator<Item = (&'static str, Option<&Table>)> {
        TENANT_TABLES.into_iter().map(|name| (name, self.tables.iter().find(|table| table.name == name)))
    }
}

/// Checks that row level security binds the role of this connection, on every tenant table.
///
/// # Errors
/// What is unsafe, and how to mend it.
pub async fn check_role(connection: &mut PgConnection) -> Result<(), GuardError> {
    let facts = Facts::read(connection).await?;
    if let Some(why) = facts.unbound() {
        return Err(GuardError::Role { role: facts.role, why });
    }
    if let Some(name) = facts.missing().next() {
        return Err(GuardError::Missing(name.to_owned()));
    }
    match facts.unforced().next() {
        Some(name) => Err(GuardError::Table(name.to_owned())),
        None => Ok(()),
    }
}
