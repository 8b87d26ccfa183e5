use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use url::Url;

/// How long the mail server may take to accept a connection and greet.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the mailer cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    /// The URL cannot be read.
    #[error(
        "SMTP_URL must look like smtp://host:25, smtp://user:password@host:587?tls=required or smtps://user:password@host"
    )]
    Url,
    /// The sender cannot be read.
    #[error("EMAIL_FROM must be an e-mail address, such as Muster <no-reply@example.com>")]
    From(#[source] lettre::address::AddressError),
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protection {
    /// Not at all: for development.
    None,
    /// By STARTTLS, and no mail without it.
    StartTls,
    /// From the first byte.
    Tls,
}

/// Where mails are handed over.
pub(super) struct Server {
    host: String,
    port: u16,
    protection: Protection,
    credentials: Option<Credentials>,
    hello: ClientId,
}

pub(super) type ConnectError = Box<dyn std::error::Error + Send + Sync>;

impl Server {
    pub(super) fn parse(url: &str) -> Result<Self, SmtpError> {
        let url: Url = url.parse().map_err(|_| SmtpError::Url)?;
        let start_tls = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        let (protection, port) = match (url.scheme(), start_tls) {
            ("smtp", false) => (Protection::None, 25),
            ("smtp", true) => (Protection::StartTls, 587),
            ("smtps", _) => (Protection::Tls, 465),
            _ => return Err(SmtpError::Url),
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let credentials = url.password().map(|password| Credentials::new(decode(url.username()), decode(password)));
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SmtpError::Url)?.to_owned();
        Ok(Self { host, port: url.port().unwrap_or(port), protection, credentials, hello: ClientId::default() })
    }

    /// A connection that is ready to take mail.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, ConnectError> {
        tokio::time::timeout(TIMEOUT, self.greet()).await?
    }

    async fn greet(&self) -> Result<AsyncSmtpConnection, ConnectError> {
        let mut connection = self.open().await?;
        self.protect(&mut connection).await?;
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    /// Connects and hears the greeting.
    pub(super) async fn open(&self) -> Result<AsyncSmtpConnection, ConnectError> {
        if self.protection == Protection::Tls {
            let address = (self.host.as_str(), self.port);
            let tls = TlsParameters::new(self.host.clone())?;
            let opened = AsyncSmtpConnection::connect_tokio1(address, Some(TIMEOUT), &self.hello, Some(tls), None);
            return Ok(opened.await?);
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        // A mail ends in two small writes; with Nagle's algorithm the second would wait 40 ms for an ACK.
        stream.set_nodelay(true)?;
        Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await?)
    }

    /// Makes a plain connection a safe one, if that is asked for.
    pub(super) async fn protect(&self, connection: &mut AsyncSmtpConnection) -> Result<(), ConnectError> {
        if self.protection == Protection::StartTls {
            connection.starttls(TlsParameters::new(self.host.clone())?, &self.hello).await?;
        }
        Ok(())
    }

    /// Says who we are, if the URL does.
    pub(super) async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), ConnectError> {
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(())
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// How it is spoken to, for people.
    pub(super) fn manner(&self) -> String {
        let protection = match self.protection {
            Protection::None => "plain",
            Protection::StartTls => "STARTTLS",
            Protection::Tls => "TLS",
        };
        let login = if self.credentials.is_some() { "with a password" } else { "without a password" };
        format!("{protection}, {login}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_with_their_defaults() {
        let read = |url| Server::parse(url).map(|server| (server.host, server.port, server.protection)).ok();
        assert_eq!(read("smtp://localhost:1025"), Some(("localhost".to_owned(), 1025, Protection::None)));
        assert_eq!(
            read("smtp://u:p%40@mail.example?tls=required"),
            Some(("mail.example".to_owned(), 587, Protection::StartTls))
        );
        assert_eq!(read("smtps://u:p@mail.example"), Some(("mail.example".to_owned(), 465, Protection::Tls)));
        for wrong in ["", "mail.example", "http://mail.example", "smtp://"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
