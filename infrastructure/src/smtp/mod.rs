//! Mail over pooled SMTP: the connections are lettre's, the pool is ours (`docs/adr/0008`).

mod check;
mod mailer;
mod pool;
mod server;

pub use check::check;
pub use mailer::SmtpMailer;
pub use server::SmtpError;
