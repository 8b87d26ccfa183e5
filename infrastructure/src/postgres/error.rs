use std::borrow::Borrow;

use muster_domain::RepositoryError;
use sqlx::Error;

/// What became of a statement, for those who must decide: by SQLSTATE and constraint name, never by message text.
pub(super) fn repository_error<E>(error: E) -> RepositoryError
where
    E: Borrow<Error> + Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match error.borrow() {
        Error::PoolTimedOut
        | Error::PoolClosed
        | Error::Io(_)
        | Error::WorkerCrashed
        | Error::Tls(_)
        | Error::Configuration(_)
        | Error::Protocol(_) => RepositoryError::Unavailable(error.into()),
        Error::Database(database) => {
            if let Some(field) = database.constraint().and_then(field_of) {
                return RepositoryError::Conflict { field };
            }
            let code = database.code();
            let retry = matches!(code.as_deref(), Some(code) if is_transient(code));
            if retry { RepositoryError::Unavailable(error.into()) } else { RepositoryError::Internal(error.into()) }
        }
        _ => RepositoryError::Internal(error.into()),
    }
}

fn field_of(constraint: &str) -> Option<&'static str> {
    match constraint {
        "users_email_key" => Some("email"),
        "users_username_key" => Some("username"),
        _ => None,
    }
}

/// Connection trouble, shutdown, too many connections, deadlock, serialisation, out of resources, read-only standby.
fn is_transient(code: &str) -> bool {
    code.starts_with("08")
        || code.starts_with("57P")
        || code.starts_with("53")
        || matches!(code, "40P01" | "40001" | "55P03" | "57014" | "25006")
}

/// A write that must have touched one row.
pub(super) fn one_row(affected: u64) -> Result<(), RepositoryError> {
    if affected == 1 {
        return Ok(());
    }
    Err(RepositoryError::Internal(format!("a write touched {affected} rows instead of one").into()))
}

/// A stored value that cannot be.
pub(super) fn damaged(what: &'static str) -> RepositoryError {
    RepositoryError::Internal(format!("a stored {what} cannot be read").into())
}
