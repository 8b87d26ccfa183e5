//! Entities, value objects and rules of Muster.
//!
//! Nothing here does I/O, reads a clock or knows a framework. Time and ids come in as parameters;
//! the repository traits say what storage must guarantee.

mod error;
mod ids;
pub mod mails;
pub mod operations;
pub mod users;

pub use error::{FieldError, RepositoryError};
pub use ids::{EventId, OperationId, TenantId, UserId, WelcomeBatchId};
