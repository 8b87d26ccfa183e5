//! Postgres refuses to run as root: then an unprivileged account runs it.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use nix::unistd::{Uid, User};

use crate::tools::{announce, fingerprint};

/// An account that is not root.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// `None` when we are not root and need no other account; else `postgres`, else `nobody`.
    pub fn if_root() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name).context("cannot read the list of accounts")? {
                return Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        anyhow::bail!(
            "Postgres refuses to run as root and there is no account `postgres` or `nobody`: add one (useradd postgres)"
        )
    }

    /// Lets a program run under this account.
    pub fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a folder and all in it to this account.
    pub fn own(self, dir: &Path) -> Result<()> {
        chown(dir, Some(self.uid), Some(self.gid)).with_context(|| format!("cannot chown {}", dir.display()))?;
        if dir.is_dir() && !dir.is_symlink() {
            for entry in fs::read_dir(dir)? {
                self.own(&entry?.path())?;
            }
        }
        Ok(())
    }

    /// Whether this account may pass through every folder above `dir`.
    fn reaches(self, dir: &Path) -> bool {
        dir.ancestors().skip(1).all(|parent| {
            fs::metadata(parent).map_or(true, |meta| {
                let mode = meta.mode();
                (mode & 0o001 != 0)
                    || (meta.uid() == self.uid && mode & 0o100 != 0)
                    || (meta.gid() == self.gid && mode & 0o010 != 0)
            })
        })
    }
}

/// Where the data of `wanted` really goes: there, or below `/var/tmp` when the account cannot reach it.
///
/// A folder outside the stack's own is noted in `<home>/elsewhere`, so that removing the stack removes it too.
pub fn reachable(account: Option<Account>, home: &Path, wanted: &Path) -> Result<PathBuf> {
    match account {
        Some(account) if !account.reaches(wanted) => {
            let dir = Path::new("/var/tmp").join(format!("muster-{}", fingerprint(&wanted)));
            if !dir.exists() {
                announce(&format!(
                    "Postgres data goes to {} (the unprivileged account cannot reach {})",
                    dir.display(),
                    wanted.display()
                ));
            }
            fs::write(home.join("elsewhere"), dir.display().to_string())?;
            Ok(dir)
        }
        _ => Ok(wanted.to_owned()),
    }
}

/// Removes a stack's folder, and the one that [`reachable`] noted in it.
pub fn remove_home(home: &Path) -> Result<()> {
    if let Ok(elsewhere) = fs::read_to_string(home.join("elsewhere")) {
        // Only ever a folder of ours: the name is checked before anything is removed.
        if elsewhere.starts_with("/var/tmp/muster-") {
            crate::tools::remove_dir(Path::new(&elsewhere))?;
        }
    }
    crate::tools::remove_dir(home)
}
