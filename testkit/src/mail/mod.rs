//! An SMTP server for development and tests. It keeps what it accepts and misbehaves when told to.

mod behaviour;
mod page;
mod session;
mod store;

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicU64},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tokio::runtime::Runtime;

use self::store::Store;
pub use self::{
    behaviour::{Behaviour, Cut, Refusal},
    store::{Counters, Received},
};
use crate::tools::wait_until;

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    store: Store,
    behaviour: RwLock<Behaviour>,
    /// Counts RCPT and DATA commands, for answers to every nth.
    commands: AtomicU64,
}

impl Shared {
    fn behaviour(&self) -> Behaviour {
        self.behaviour.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A running mail server; it ends when dropped.
#[derive(Debug)]
pub struct MailServer {
    shared: Arc<Shared>,
    smtp: SocketAddr,
    http: SocketAddr,
    runtime: Option<Runtime>,
}

impl MailServer {
    /// Starts it on free ports. With a folder, every accepted message becomes an `.eml` file there.
    pub fn start(dir: Option<PathBuf>) -> Result<Self> {
        Self::start_on(dir, 0, 0)
    }

    /// Starts it on given ports (0: a free one).
    pub fn start_on(dir: Option<PathBuf>, smtp_port: u16, http_port: u16) -> Result<Self> {
        let shared =
            Arc::new(Shared { store: Store::open(dir)?, behaviour: RwLock::default(), commands: AtomicU64::new(0) });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("mail")
            .enable_all()
            .build()
            .context("cannot start the mail server's threads")?;
        let bind = |port: u16| -> Result<(TcpListener, SocketAddr)> {
            let listener = TcpListener::bind(("127.0.0.1", port))
                .with_context(|| format!("cannot listen on 127.0.0.1:{port}: is the port in use?"))?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (smtp_listener, smtp) = bind(smtp_port)?;
        let (http_listener, http) = bind(http_port)?;
        let guard = runtime.enter();
        let smtp_listener = tokio::net::TcpListener::from_std(smtp_listener)?;
        let http_listener = tokio::net::TcpListener::from_std(http_listener)?;
        drop(guard);
        runtime.spawn(session::serve(smtp_listener, Arc::clone(&shared)));
        runtime.spawn(page::serve(http_listener, Arc::clone(&shared)));
        Ok(Self { shared, smtp, http, runtime: Some(runtime) })
    }

    /// `smtp://127.0.0.1:port`.
    pub fn smtp_url(&self) -> String {
        format!("smtp://{}", self.smtp)
    }

    /// The page that lists the last mails.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Changes what it does, from the next command on.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.shared.behaviour.write().unwrap_or_else(PoisonError::into_inner) = behaviour;
    }

    /// Every accepted message, oldest first: one entry per recipient.
    pub fn messages(&self) -> Vec<Received> {
        self.shared.store.messages()
    }

    /// How often what happened.
    pub fn counters(&self) -> Counters {
        self.shared.store.counters()
    }

    /// Time between the first and the last accepted message.
    pub fn span(&self) -> Option<Duration> {
        let (first, last): (Instant, Instant) = self.shared.store.span()?;
        Some(last.duration_since(first))
    }

    /// Forgets what it has in memory and starts its counters again; files stay.
    pub fn clear(&self) {
        self.shared.store.clear();
    }

    /// Waits until at least `count` messages were accepted.
    pub fn wait_for(&self, count: u64, patience: Duration) -> Result<()> {
        wait_until(&format!("{count} mails"), patience, || Ok((self.counters().accepted >= count).then_some(())))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;
