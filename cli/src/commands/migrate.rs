use anyhow::Context;
use clap::Args;

/// `muster migrate`
#[derive(Args)]
pub(crate) struct Migrate {
    /// The database, as the role that owns the tables
    #[arg(long, env = "ADMIN_DATABASE_URL", hide_env_values = true)]
    admin_database_url: String,
}

impl Migrate {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        super::block_on(async {
            muster_bootstrap::migrate(&self.admin_database_url)
                .await
                .context("the migration failed; what had run stays")
        })?;
        println!("the database is up to date");
        Ok(())
    }
}
