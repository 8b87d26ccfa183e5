//! Making a cluster: `initdb`, passwords, roles.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result};

use super::Postgres;
use crate::{
    account::Account,
    provision::PostgresPrograms,
    tools::{output_of, random_hex, remove_dir},
};

/// The passwords of a cluster, kept beside its data.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(super) admin: String,
    pub(super) owner: String,
    pub(super) app: String,
}

/// Inside the data folder, so that a copy of the folder is complete.
const FILE: &str = "muster_credentials";

impl Credentials {
    fn random() -> Result<Self> {
        Ok(Self { admin: random_hex(12)?, owner: random_hex(12)?, app: random_hex(12)? })
    }

    fn load(data: &Path) -> Option<Self> {
        let text = fs::read_to_string(data.join(FILE)).ok()?;
        let mut lines = text.lines().map(str::to_owned);
        Some(Self { admin: lines.next()?, owner: lines.next()?, app: lines.next()? })
    }

    pub(super) fn save(&self, data: &Path) -> Result<()> {
        let file = data.join(FILE);
        fs::write(&file, format!("{}\n{}\n{}\n", self.admin, self.owner, self.app))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        Ok(())
    }
}

/// The credentials of the cluster in `data`; it is made if it is not there or was not finished (then `true`).
pub(super) fn open(
    programs: &PostgresPrograms,
    account: Option<Account>,
    data: &Path,
    durable: bool,
) -> Result<(Credentials, bool)> {
    // Written last of all: without it the making was cut short.
    if let Some(credentials) = Credentials::load(data) {
        return Ok((credentials, false));
    }
    remove_dir(data)?;
    fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))?;
    let credentials = Credentials::random()?;
    let password_file = data.with_extension("password");
    fs::write(&password_file, format!("{}\n", credentials.admin))?;
    fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))?;
    if let Some(account) = account {
        account.own(data)?;
        account.own(&password_file)?;
    }
    // SCRAM costs an unoptimised client 0.1 s a connection: too much for tests, whose data is worth nothing.
    let auth = if durable { "scram-sha-256" } else { "md5" };
    let made = ["C.UTF-8", "en_US.UTF-8", "C"].iter().try_fold(None, |_, locale| {
        let mut command = Command::new(programs.bin.join("initdb"));
        command
            .arg("-D")
            .arg(data)
            .args(["-U", "postgres", "--encoding=UTF8", "--no-sync", "--no-instructions"])
            .arg(format!("--locale={locale}"))
            .arg(format!("--auth={auth}"))
            .arg("--pwfile")
            .arg(&password_file)
            .current_dir(data);
        if let Some(account) = account {
            account.apply(&mut command);
        }
        // Not every system has every locale: an error is kept and the next one tried.
        match output_of(&mut command) {
            Ok(_) => Err(()),
            Err(error) => Ok(Some(error)),
        }
    });
    fs::remove_file(&password_file)?;
    match made {
        Ok(Some(error)) => Err(error.context("cannot make a Postgres cluster")),
        _ => Ok((credentials, true)),
    }
}

/// The roles of the service: an owner, a group that policies and grants name, and the login that is in it.
pub(super) fn create_roles(postgres: &Postgres) -> Result<()> {
    let Credentials { owner, app, .. } = &postgres.credentials;
    postgres.psql_script(
        "postgres",
        &[
            format!("create role muster_owner login nosuperuser password '{owner}'"),
            "create role muster_service nologin nosuperuser nobypassrls".to_owned(),
            format!("create role muster_app login nosuperuser nobypassrls in role muster_service password '{app}'"),
        ],
    )?;
    Ok(())
}
