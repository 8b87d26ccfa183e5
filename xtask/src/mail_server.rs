//! The mail server of the development stack, as a process of its own.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use muster_testkit::mail::MailServer;

#[derive(Args)]
pub(crate) struct Options {
    /// Where messages are stored.
    #[arg(long)]
    dir: PathBuf,
    /// Port for SMTP.
    #[arg(long)]
    smtp_port: u16,
    /// Port for the page.
    #[arg(long)]
    http_port: u16,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let server = MailServer::start_on(Some(options.dir.clone()), options.smtp_port, options.http_port)?;
    crate::signals::wait_for_end(|| ())?;
    drop(server);
    Ok(())
}
