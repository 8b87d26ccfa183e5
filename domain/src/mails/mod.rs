//! Welcome mails: of an operation one batch for each block that made users; of users made one by one those that
//! wait at the same time.

mod batch;
mod repository;
mod welcome;

pub use batch::MailBatch;
pub use repository::MailRepository;
pub use welcome::{DueWelcomes, WelcomeReader, WelcomeRepository};
