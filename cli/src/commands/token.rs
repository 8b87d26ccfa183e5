use std::time::Duration;

use clap::Args;
use muster_bootstrap::TenantId;
use muster_bootstrap::config::tokens_from_environment;
use muster_bootstrap::tokens::{TenantTokens, TokenConfig};
use uuid::Uuid;

/// `muster token`
#[derive(Args)]
pub(crate) struct Token {
    /// Whose data the token opens
    #[arg(long)]
    tenant: Uuid,
    /// How long it lives, in seconds; ACCESS_TOKEN_EXPIRE_MINUTES otherwise
    #[arg(long)]
    ttl: Option<u64>,
    /// Who it is given to, for the records; at most 255 characters
    #[arg(long)]
    subject: Option<String>,
}

impl Token {
    #[expect(clippy::disallowed_methods, reason = "a program of its own, with no clock to be moved")]
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // To issue, the keys of other issuers need not be at hand.
        let config = TokenConfig { jwks: None, ..tokens_from_environment()? };
        let lifetime = self.ttl.map_or(config.lifetime, Duration::from_secs);
        let tokens = TenantTokens::new(&config)?;
        let token = tokens.issue(TenantId::new(self.tenant), self.subject.as_deref(), chrono::Utc::now(), lifetime)?;
        println!("{token}");
        Ok(())
    }
}
