use sqlx::PgConnection;

/// The tables that hold tenants' data: each must have forced row level security.
const TENANT_TABLES: [&str; 21] = [
    "users",
    "user_events",
    "user_search",
    "user_search_queue",
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

/// Checks that row level security binds the role of this connection, on every tenant table.
///
/// # Errors
/// What is unsafe, and how to mend it.
pub async fn check_role(connection: &mut PgConnection) -> Result<(), GuardError> {
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
    let refuse = |why| Err(GuardError::Role { role: role.name.clone(), why });
    if role.superuser {
        return refuse("is a superuser, whom row level security does not bind");
    }
    if role.bypasses {
        return refuse("bypasses row level security");
    }
    let tables = sqlx::query!(
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
    for name in TENANT_TABLES {
        let Some(table) = tables.iter().find(|table| table.name == name) else {
            return Err(GuardError::Missing(name.to_owned()));
        };
        if table.owned {
            return refuse("owns the tables, and could switch row level security off");
        }
        if !table.forced {
            return Err(GuardError::Table(name.to_owned()));
        }
    }
    Ok(())
}
