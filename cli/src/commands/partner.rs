use anyhow::Context as _;
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use muster_bootstrap::partners::{AddPartner, App, ClientName, Context, Networks, PartnerClient, PartnerWithSecret};
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, TenantId};
use uuid::Uuid;

/// Hours in ten years: longer than anybody means.
const MOST_HOURS: u32 = 87_600;

/// `muster partner`
#[derive(Args)]
pub(crate) struct Partner {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a client of a tenant; prints its id and, this once, its secret
    Add(Add),
    /// Give a client a fresh secret and print it, this once; the one before is accepted for a while
    Rotate(Rotate),
    /// Refuse all requests of a client from now on
    Disable(Which),
    /// Accept requests of a client again
    Enable(Which),
    /// List the clients of a tenant, without secrets
    List(List),
}

#[derive(Args)]
struct Add {
    /// For which tenant it acts
    #[arg(long)]
    tenant: Uuid,
    /// Who the partner is, for people; one line
    #[arg(long)]
    name: String,
    /// An address or a network from which it may ask, such as 192.0.2.0/24; may be given several times; anywhere otherwise
    #[arg(long, value_name = "CIDR")]
    allow: Vec<String>,
}

#[derive(Args)]
struct Rotate {
    #[command(flatten)]
    which: Which,
    /// For how many hours the secret before is accepted as well; 0 if it got into wrong hands
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_HOURS)))]
    keep_previous: u32,
}

#[derive(Args)]
struct Which {
    /// The client id, which begins with mpc_
    client_id: String,
}

#[derive(Args)]
struct List {
    /// Whose clients
    #[arg(long)]
    tenant: Uuid,
}

impl Partner {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        super::block_on(async move {
            let app = wire::connect(&Config::load()?, Role::Command)?.app;
            match self.command {
                Command::Add(add) => add.run(&app).await,
                Command::Rotate(rotate) => rotate.run(&app).await,
                Command::Disable(which) => which.set_active(&app, false).await,
                Command::Enable(which) => which.set_active(&app, true).await,
                Command::List(list) => list.run(&app).await,
            }
        })
    }
}

impl Add {
    async fn run(self, app: &App) -> anyhow::Result<()> {
        let name = ClientName::parse(&self.name).map_err(|error| anyhow::anyhow!("--name {}", error.detail))?;
        let right = "--allow must be an address or a network such as 192.0.2.0/24 or 2001:db8::/32";
        let allowed = if self.allow.is_empty() {
            Networks::default()
        } else {
            Networks::parse(&self.allow.join(",")).context(right)?
        };
        let context = Context::new(TenantId::new(self.tenant));
        show(&app.add_partner(&context, AddPartner { name, allowed }).await?);
        Ok(())
    }
}

impl Rotate {
    async fn run(self, app: &App) -> anyhow::Result<()> {
        let keep = TimeDelta::hours(self.keep_previous.into());
        let rotated = app.rotate_partner_secret(&self.which.client_id, keep).await?;
        show(&rotated);
        if let Some(former) = &rotated.client.former {
            println!("the secret before is accepted until {}", former.valid_until.format("%Y-%m-%dT%H:%M:%SZ"));
        }
        Ok(())
    }
}

impl Which {
    async fn set_active(self, app: &App, is_active: bool) -> anyhow::Result<()> {
        let client = app.set_partner_active(&self.client_id, is_active).await?;
        println!("{} is {}", client.public_id, state(&client));
        Ok(())
    }
}

impl List {
    async fn run(self, app: &App) -> anyhow::Result<()> {
        for client in app.partners(&Context::new(TenantId::new(self.tenant))).await? {
            let allowed = if client.allowed.is_empty() { "*".to_owned() } else { client.allowed.names().join(",") };
            println!("{}\t{}\t{}\t{}\t{}", client.public_id, state(&client), allowed, client.id, client.name.as_str());
        }
        Ok(())
    }
}

const fn state(client: &PartnerClient) -> &'static str {
    if client.is_active { "active" } else { "inactive" }
}

fn show(made: &PartnerWithSecret) {
    println!("client id: {}", made.client.public_id);
    println!("secret:    {}", made.secret.expose());
    println!("The secret is not shown again: keep it where secrets are kept.");
}
