mod send_welcome_batch;
mod send_welcome_mails;

pub use send_welcome_batch::SendWelcomeBatch;
pub use send_welcome_mails::SendWelcomeMails;
