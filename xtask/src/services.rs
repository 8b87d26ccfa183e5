//! The services of the development stack: those of the environment as they are, the others started by us.

use std::{env, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, bail};
use muster_testkit::{
    child::Managed,
    http,
    ports::free_ports,
    postgres::{Postgres, PostgresOptions},
    process::Surroundings,
    provision,
    redis::Redis,
    template::DATABASE,
    temporal::{Storage, Temporal},
    tools::{announce, wait_until},
};

/// What runs, and how to reach it. Ends with this value unless it is kept.
pub(crate) struct Services {
    postgres: Option<Postgres>,
    redis: Option<Redis>,
    temporal: Option<Temporal>,
    mail: Option<Managed>,
    pub(crate) surroundings: Surroundings,
    pub(crate) temporal_ui_url: String,
    pub(crate) mail_url: String,
}

/// A service's URL from the environment, unless it is that of a stack of ours whose `stack.env` the shell has sourced.
fn given(name: &str) -> Option<String> {
    if env::var_os("MUSTER_STACK").is_some() {
        return None;
    }
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What [`provision()`] could not get and the service does without.
#[derive(Clone, Copy)]
pub(crate) struct Missing {
    redis: bool,
}

/// Gets the programs that are missing, before anything is started.
pub(crate) fn provision() -> Result<Missing> {
    if given("DATABASE_URL").is_none() {
        provision::postgres()?;
    }
    if given("TEMPORAL_ADDRESS").is_none() {
        provision::temporal()?;
    }
    let redis = if given("REDIS_URL").is_none() { provision::redis().err() } else { None };
    if let Some(error) = &redis {
        let why = format!("{error:#}");
        announce(&format!("going on without Redis, which is optional ({})", why.lines().next().unwrap_or_default()));
    }
    Ok(Missing { redis: redis.is_some() })
}

impl Services {
    pub(crate) fn start(home: &Path, missing: Missing) -> Result<Self> {
        let (postgres, database_url, admin_database_url) = match (given("DATABASE_URL"), given("ADMIN_DATABASE_URL")) {
            (Some(database), Some(admin)) => (None, database, admin),
            (Some(_), None) => bail!("DATABASE_URL is set but ADMIN_DATABASE_URL is not: set both, or neither"),
            (None, _) => {
                let postgres = Postgres::start(home, PostgresOptions::DURABLE)?;
                if !postgres.has_database(DATABASE)? {
                    postgres.create_database(DATABASE, None)?;
                }
                let (app, owner) = (postgres.app_url(DATABASE), postgres.owner_url(DATABASE));
                (Some(postgres), app, owner)
            }
        };
        let redis = if given("REDIS_URL").is_none() && !missing.redis { Some(Redis::start(home)?) } else { None };
        let temporal = match given("TEMPORAL_ADDRESS") {
            Some(_) => None,
            None => Some(Temporal::start(home, Storage::File(home.join("temporal.db")))?),
        };
        let (mail, smtp_url, mail_url) = match given("SMTP_URL") {
            Some(url) => (None, url, String::new()),
            None => start_mail(home).map(|(mail, smtp, page)| (Some(mail), smtp, page))?,
        };
        let surroundings = Surroundings {
            database_url,
            admin_database_url,
            redis_url: redis.as_ref().map(Redis::url).or_else(|| given("REDIS_URL")),
            temporal_address: temporal
                .as_ref()
                .map(Temporal::address)
                .or_else(|| given("TEMPORAL_ADDRESS"))
                .unwrap_or_default(),
            smtp_url,
            jwt_private_key: home.join("jwt.pem"),
        };
        let temporal_ui_url =
            temporal.as_ref().map(Temporal::ui_url).or_else(|| given("TEMPORAL_UI_URL")).unwrap_or_default();
        Ok(Self { postgres, redis, temporal, mail, surroundings, temporal_ui_url, mail_url })
    }

    /// Lets everything run on.
    pub(crate) fn keep(&mut self) {
        if let Some(postgres) = &mut self.postgres {
            postgres.keep();
        }
        if let Some(redis) = &mut self.redis {
            redis.keep();
        }
        if let Some(temporal) = &mut self.temporal {
            temporal.keep();
        }
        if let Some(mail) = &mut self.mail {
            mail.keep();
        }
    }
}

/// The mail server as a process, so that it outlives `up --detach`.
fn start_mail(home: &Path) -> Result<(Managed, String, String)> {
    let [smtp, page] = free_ports()?;
    let mut command = Command::new(env::current_exe().context("cannot find our own program")?);
    command.arg("mail-server").arg("--dir").arg(home.join("mail")).args([
        "--smtp-port",
        &smtp.to_string(),
        "--http-port",
        &page.to_string(),
    ]);
    let mut mail = Managed::spawn(home, "mail", command)?;
    wait_until("the mail server", Duration::from_secs(20), || {
        mail.must_run()?;
        Ok(http::get(page, "/").ok())
    })?;
    Ok((mail, format!("smtp://127.0.0.1:{smtp}"), format!("http://127.0.0.1:{page}")))
}
