use anyhow::Context;
use clap::Args;

/// `muster migrate`
#[derive(Args)]
pub(crate) struct Migrate {
    /// The database, as the role that owns the tables [env: ADMIN_DATABASE_URL or ADMIN_DATABASE_URL_FILE]
    #[arg(long)]
    admin_database_url: Option<String>,
}

impl Migrate {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let url = super::or_setting(self.admin_database_url, "ADMIN_DATABASE_URL")?
            .context("ADMIN_DATABASE_URL is required: postgres://owner:password@host:5432/database")?;
        super::block_on(async {
            muster_bootstrap::migrate(&url).await.context("the migration failed; what had run stays")
        })?;
        println!("the database is up to date");
        Ok(())
    }
}
