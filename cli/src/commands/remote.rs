use anyhow::Context;
use clap::Args;
use ureq::Agent;

use super::watch::Watch;

/// Where the API is, and who asks it.
#[derive(Args)]
pub(crate) struct Remote {
    /// Where the API is, http://localhost:8000 otherwise [env: API_URL]
    #[arg(long)]
    api_url: Option<String>,
    /// The tenant's token [env: TENANT_TOKEN or TENANT_TOKEN_FILE]
    #[arg(long)]
    tenant_token: Option<String>,
}

/// What requests are made with.
pub(super) struct Connection {
    pub(super) agent: Agent,
    pub(super) api_url: String,
    pub(super) token: String,
}

impl Remote {
    /// Reads what the arguments leave open from the environment.
    pub(super) fn connection(&self) -> anyhow::Result<Connection> {
        let api_url = super::or_setting(self.api_url.clone(), "API_URL")?;
        let api_url = api_url.unwrap_or_else(|| "http://localhost:8000".to_owned());
        let api_url = api_url.trim_end_matches('/').to_owned();
        let token = super::or_setting(self.tenant_token.clone(), "TENANT_TOKEN")?
            .context("TENANT_TOKEN is required: a tenant's token, as `muster token` prints it")?;
        Ok(Connection { agent: Agent::config_builder().http_status_as_error(false).build().into(), api_url, token })
    }
}

impl Connection {
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch { agent: &self.agent, api_url: &self.api_url, token: &self.token }
    }
}
