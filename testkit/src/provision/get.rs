//! Ways to get a missing program. Each says in one line what it does before it does it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use nix::unistd::Uid;

use super::{PostgresPrograms, dev_dir, on_path};
use crate::tools::{announce, output_of};

/// What the package managers call a service.
pub(super) struct Package {
    title: &'static str,
    program: &'static str,
    apt: &'static str,
    dnf: &'static [&'static str],
    brew: &'static str,
}

pub(super) const POSTGRES: Package = Package {
    title: "Postgres",
    program: "initdb",
    apt: "postgresql",
    dnf: &["postgresql-server", "postgresql"],
    brew: "postgresql@16",
};

pub(super) const REDIS: Package =
    Package { title: "Redis", program: "redis-server", apt: "redis-server", dnf: &["redis"], brew: "redis" };

pub(super) const MAKE: Package = Package { title: "make", program: "make", apt: "make", dnf: &["make"], brew: "make" };

pub(super) const PYTHON: Package = Package {
    title: "Python",
    program: "python3 with venv",
    apt: "python3-venv",
    dnf: &["python3", "python3-pip"],
    brew: "python@3",
};

/// The release of the Temporal command line that everything is tried with; later ones refuse `go install`.
const TEMPORAL_VERSION: &str = "v1.5.1";
const TEMPORAL_MODULE: &str = "github.com/temporalio/cli/cmd/temporal";

/// Installs a service with the package manager of this machine.
pub(super) fn package(package: &Package, is_there: impl Fn() -> bool) -> Result<()> {
    // Two test processes may find it missing at once: one installs, the other then finds it installed.
    let _lock = lock("install")?;
    if is_there() {
        return Ok(());
    }
    if on_path("brew").is_some() {
        say(package, "brew");
        output_of(Command::new("brew").args(["install", package.brew]))?;
        return Ok(());
    }
    if on_path("apt-get").is_some() {
        let by_hand = format!("apt-get install -y --no-install-recommends {}", package.apt);
        as_root(package, &by_hand)?;
        let install = |words: &[&str]| output_of(as_root(package, &by_hand)?.args(words));
        say(package, "apt-get");
        let wanted = [
            "env",
            "DEBIAN_FRONTEND=noninteractive",
            "apt-get",
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            package.apt,
        ];
        // The list of packages may be missing or old on a fresh machine: fetch it only when it is needed.
        if install(&wanted).is_err() {
            install(&["apt-get", "update", "-q"])?;
            install(&wanted)?;
        }
        return Ok(());
    }
    if on_path("dnf").is_some() {
        let by_hand = format!("dnf install -y {}", package.dnf.join(" "));
        let mut command = as_root(package, &by_hand)?;
        say(package, "dnf");
        output_of(command.args(["dnf", "install", "-y", "-q"]).args(package.dnf))?;
        return Ok(());
    }
    bail!("{} is missing (no {} on this machine): install it and put it on PATH", package.title, package.program)
}

fn say(package: &Package, manager: &str) {
    announce(&format!("installing {} with {manager} (missing: {})", package.title, package.program));
}

/// A command prefix that runs as root: `env` when we are, `sudo -n` when that works.
fn as_root(package: &Package, by_hand: &str) -> Result<Command> {
    if Uid::effective().is_root() {
        return Ok(Command::new("env"));
    }
    if on_path("sudo").is_some() && output_of(Command::new("sudo").args(["-n", "true"])).is_ok() {
        let mut command = Command::new("sudo");
        command.arg("-n");
        return Ok(command);
    }
    bail!("{} is missing (no {} on this machine): run `sudo {by_hand}`", package.title, package.program)
}

/// Temporal's program into `bin`: the official download, else built by Go.
pub(super) fn temporal(bin: &Path) -> Result<PathBuf> {
    let _lock = lock("install")?;
    let program = bin.join("temporal");
    if program.exists() {
        return Ok(program);
    }
    fs::create_dir_all(bin)?;
    let download = download_temporal(bin);
    if download.is_err() && go().is_some() {
        announce("building Temporal with `go install` (the official download is not reachable; takes about 3 minutes)");
        let go = go().context("no Go")?;
        let module = format!("{TEMPORAL_MODULE}@{TEMPORAL_VERSION}");
        output_of(Command::new(go).args(["install", &module]).env("GOBIN", bin))
            .with_context(|| format!("cannot build Temporal: run `go install {module}`"))?;
    } else {
        download.context(
            "Temporal is missing: put the `temporal` program on PATH (https://docs.temporal.io/cli), or install Go",
        )?;
    }
    Ok(program)
}

/// Go, on `PATH` or where it is usually unpacked.
pub(super) fn go() -> Option<PathBuf> {
    let usual = || Some(PathBuf::from("/usr/local/go/bin/go")).filter(|file| file.exists());
    on_path("go").or_else(usual)
}

fn temporal_url() -> String {
    let platform = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    format!("https://temporal.download/cli/archive/{TEMPORAL_VERSION}?platform={platform}&arch={arch}")
}

fn download_temporal(bin: &Path) -> Result<()> {
    announce(&format!("downloading Temporal {TEMPORAL_VERSION} from temporal.download (missing: temporal)"));
    let archive = bin.join("temporal.tar.gz");
    // Fails soon where it is not reachable or hardly moves: there is another way.
    output_of(
        Command::new("curl")
            .args(["-fsSL", "--connect-timeout", "5", "--speed-limit", "50000", "--speed-time", "10"])
            .args(["--max-time", "300", "-o"])
            .arg(&archive)
            .arg(temporal_url()),
    )?;
    // Unpacked beside its place and moved there whole: a broken download never looks like a program.
    let draft = bin.join("draft");
    fs::create_dir_all(&draft)?;
    output_of(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&draft))?;
    fs::rename(draft.join("temporal"), bin.join("temporal")).context("the download holds no `temporal`")?;
    fs::remove_file(archive)?;
    fs::remove_dir_all(draft)?;
    Ok(())
}

/// Postgres from an archive, when this build has the feature for it.
#[cfg(feature = "embedded-postgres")]
pub(super) fn embedded_postgres(reason: anyhow::Error) -> Result<PostgresPrograms> {
    announce(&format!("downloading Postgres ({reason:#})"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let dir = dev_dir()?.join("bin/postgres");
    let settings = postgresql_embedded::Settings { installation_dir: dir, ..Default::default() };
    let mut embedded = postgresql_embedded::PostgreSQL::new(settings);
    runtime.block_on(embedded.setup()).context("cannot download Postgres: install it and put `initdb` on PATH")?;
    let bin = embedded.settings().binary_dir();
    Ok(PostgresPrograms { psql: bin.join("psql"), bin })
}

/// Without the feature the reason stands as it is, marked so that `xtask` can try again with it.
#[cfg(not(feature = "embedded-postgres"))]
pub(super) fn embedded_postgres(reason: anyhow::Error) -> Result<PostgresPrograms> {
    Err(reason.context(super::PostgresMissing))
}

/// Held while something is being installed; the system lets go of it when we end.
pub(super) fn lock(name: &str) -> Result<File> {
    let dir = dev_dir()?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let file = File::create(dir.join(format!("{name}.lock")))?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_download_is_the_release_that_go_would_build() {
        let url = temporal_url();
        assert!(url.starts_with("https://temporal.download/cli/archive/v1.5.1?platform="), "{url}");
        assert!(url.ends_with("&arch=amd64") || url.ends_with("&arch=arm64"), "{url}");
    }
}
