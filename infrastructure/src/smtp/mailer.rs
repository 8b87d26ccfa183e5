use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use muster_application::ports::{Delivery, Mail, Mailer};
use opentelemetry::KeyValue;

use super::pool::Pool;
use super::server::{Server, SmtpError};
use crate::spans;

/// How long the mail server may take to answer for one mail.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Mail over SMTP with a pool of connections.
#[derive(Clone)]
pub struct SmtpMailer {
    pool: Arc<Pool>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Connects when the first mail is sent.
    ///
    /// # Errors
    /// Which setting cannot be read.
    pub fn new(url: &str, from: &str, max_connections: usize) -> Result<Self, SmtpError> {
        let pool = Arc::new(Pool::new(Server::parse(url)?, max_connections));
        Ok(Self { pool, from: from.parse().map_err(SmtpError::From)? })
    }

    fn message(&self, mail: &Mail) -> Option<Message> {
        let to: Address = mail.to.parse().ok()?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .message_id(Some(format!("<{}@{}>", mail.message_key, self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .ok()
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Delivery {
        // An address that the mail library does not take will never be taken: the same as a refusal.
        let Some(message) = self.message(mail) else { return Delivery::Refused };
        let (envelope, text) = (message.envelope().clone(), message.formatted());
        let sent = self.pool.lend(async move |mut connection| {
            match tokio::time::timeout(TIMEOUT, connection.send(&envelope, &text)).await {
                Ok(Ok(_)) => (Delivery::Sent, Some(connection)),
                // The server lacks what this mail needs, such as SMTPUTF8: no later attempt changes that.
                Ok(Err(error)) if error.is_permanent() || error.is_client() => (Delivery::Refused, None),
                Ok(Err(error)) if error.is_transient() => (Delivery::Deferred, None),
                Ok(Err(_)) | Err(_) => (Delivery::Unreachable, None),
            }
        });
        let sent = async { sent.await.unwrap_or(Delivery::Unreachable) };
        spans::call("SMTP", KeyValue::new("network.protocol.name", "smtp"), sent, |done| failure(*done)).await
    }
}

const fn failure(delivery: Delivery) -> Option<&'static str> {
    match delivery {
        Delivery::Sent => None,
        Delivery::Refused => Some("refused"),
        Delivery::Deferred => Some("put off"),
        Delivery::Unreachable => Some("no answer"),
    }
}
