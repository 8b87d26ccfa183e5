//! Welcome mails of an operation: one batch for each block that made users.

mod batch;
mod repository;

pub use batch::MailBatch;
pub use repository::MailRepository;
