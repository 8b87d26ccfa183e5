//! `sbom`: what each program is made of, as `CycloneDX`, in `target/sbom`.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::MetadataCommand;
use muster_testkit::{provision::workspace_dir, tools::output_of};
use serde_json::Value;

use crate::{cargo::cargo, tools::CYCLONEDX};

/// Packages and their programs.
const PROGRAMS: [(&str, &str); 3] = [("muster-api", "api"), ("muster-worker", "worker"), ("muster-cli", "muster")];

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = workspace_dir()?;
    let out = workspace.join("target/sbom");
    fs::create_dir_all(&out)?;
    let mut command = CYCLONEDX.command(CYCLONEDX.get()?)?;
    command.args(["--quiet", "--quiet", "--format", "json", "--spec-version", "1.5", "--describe", "binaries"]);
    // The same bill for the same commit.
    output_of(command.env("SOURCE_DATE_EPOCH", commit_time(&workspace)?))?;
    // It writes beside each manifest, for every program of the workspace.
    let metadata = MetadataCommand::new().manifest_path(workspace.join("Cargo.toml")).no_deps().exec()?;
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().context("a manifest stands in no folder")?;
        for target in package.targets.iter().filter(|target| target.is_bin()) {
            let written = folder.join(format!("{}_bin.cdx.json", target.name));
            if PROGRAMS.contains(&(package.name.as_str(), target.name.as_str())) {
                // Where it was written is nobody's business: the folder is called as it is in the image.
                let text = fs::read_to_string(&written).with_context(|| format!("cannot read {written}"))?;
                let text = text.replace(&workspace.display().to_string(), "/src");
                let crates = crates_of(&package.name)?;
                check(&text, &target.name, &crates).with_context(|| format!("the bill of {}", target.name))?;
                let bill = out.join(format!("{}.cdx.json", target.name));
                fs::write(&bill, text)?;
                println!("{} crates in target/sbom/{}.cdx.json", crates.len(), target.name);
            }
            fs::remove_file(&written).with_context(|| format!("cannot remove {written}"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// When the commit was made, in seconds.
fn commit_time(workspace: &Path) -> Result<String> {
    output_of(Command::new("git").current_dir(workspace).args(["log", "-1", "--format=%ct"]))
}

/// The crates that cargo puts into a program, as `name version`, without itself.
fn crates_of(package: &str) -> Result<BTreeSet<String>> {
    let mut command = cargo()?;
    let arguments = ["--edges", "normal", "--prefix", "none", "--format", "{p}", "--no-dedupe", "--locked"];
    let tree = output_of(command.args(["tree", "--package", package]).args(arguments))?;
    Ok(tree.lines().filter_map(named).filter(|name| !name.starts_with(&format!("{package} "))).collect())
}

/// `serde v1.0.0 (…)` as `serde 1.0.0`.
fn named(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some(format!("{name} {version}"))
}

/// A bill is of the program, and names every crate that cargo does, each by a package URL.
fn check(text: &str, program: &str, crates: &BTreeSet<String>) -> Result<()> {
    let bill: Value = serde_json::from_str(text)?;
    let said = |path: &str| bill.pointer(path).and_then(Value::as_str).unwrap_or_default();
    ensure!(said("/bomFormat") == "CycloneDX" && said("/specVersion") == "1.5", "it is not CycloneDX 1.5");
    ensure!(said("/metadata/component/name") == program, "it is of {}", said("/metadata/component/name"));
    let components = bill.get("components").and_then(Value::as_array).context("it has no components")?;
    let mut found = BTreeSet::new();
    for component in components {
        let part = |name: &str| component.get(name).and_then(Value::as_str).unwrap_or_default();
        ensure!(part("purl").starts_with("pkg:cargo/"), "{} has no package URL", part("name"));
        found.insert(format!("{} {}", part("name"), part("version")));
    }
    let missing: Vec<&str> = crates.difference(&found).map(String::as_str).collect();
    if !missing.is_empty() {
        bail!("it lacks {}", missing.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BILL: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"name":"api"}},
        "components":[{"name":"serde","version":"1.0.0","purl":"pkg:cargo/serde@1.0.0"}]}"#;

    fn crates(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_whole_bill_passes() {
        check(BILL, "api", &crates(&["serde 1.0.0"])).unwrap();
    }

    #[test]
    fn a_bill_that_lacks_a_crate_is_refused() {
        let error = check(BILL, "api", &crates(&["serde 1.0.0", "tokio 1.0.0"])).unwrap_err();
        assert_eq!(error.to_string(), "it lacks tokio 1.0.0");
        let error = check(BILL, "api", &crates(&["serde 1.0.1"])).unwrap_err();
        assert_eq!(error.to_string(), "it lacks serde 1.0.1");
    }

    #[test]
    fn a_bill_of_something_else_is_refused() {
        assert_eq!(check(BILL, "worker", &crates(&[])).unwrap_err().to_string(), "it is of api");
        let other = BILL.replace("1.5", "1.3");
        assert_eq!(check(&other, "api", &crates(&[])).unwrap_err().to_string(), "it is not CycloneDX 1.5");
        let other = BILL.replace("pkg:cargo", "cargo");
        assert_eq!(check(&other, "api", &crates(&[])).unwrap_err().to_string(), "serde has no package URL");
    }

    #[test]
    fn lines_of_cargo_tree_are_names_and_versions() {
        assert_eq!(named("serde v1.0.0 (*)").as_deref(), Some("serde 1.0.0"));
        assert_eq!(named("muster-domain v0.1.0 (/src/domain)").as_deref(), Some("muster-domain 0.1.0"));
        assert_eq!(named("[dev-dependencies]"), None);
    }
}
