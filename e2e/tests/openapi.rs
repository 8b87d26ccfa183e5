//! The API does what its document says: schemathesis asks it thousands of things, valid and not.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{World, test, world::count};
use muster_testkit::{
    provision::{self, workspace_dir},
    stack::Stack,
    tools::output_of,
};

/// Requests for each operation in each phase, not seconds: a run must not depend on how busy the machine is. A minute in
/// every `cargo xtask test`, and many with `--full`.
const FEW: &str = "100";
const MANY: &str = "1000";

#[test]
fn no_answer_contradicts_the_document() {
    test("openapi", |stack| {
        let world = World::start_with(stack, &[("RATE_LIMIT_ENABLED", "false")], Some(&[]))?;
        let is_full = std::env::var_os("MUSTER_TEST_FULL").is_some();
        compare(stack, &world, if is_full { MANY } else { FEW })
    });
}

fn compare(stack: &Stack, world: &World, examples: &str) -> Result<()> {
    let program = provision::schemathesis()?;
    let settings = workspace_dir()?.join("e2e/schemathesis");
    let made =
        output_of(stack.muster()?.args(["partner", "add", "--name", "Schemathesis", "--tenant", &world.tenant]))?;
    let of = |name: &str| {
        let line = made.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).with_context(|| format!("no {name} in {made}"))
    };
    let mut command = Command::new(program);
    command.env("PARTNER_CLIENT_ID", of("client id:")?).env("PARTNER_SECRET", of("secret:")?);
    command.env("PARTNER_SIGNATURE", workspace_dir()?.join("docs")).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", settings.join("hooks.py"));
    command.arg("--config-file").arg(settings.join("schemathesis.toml"));
    command.args(["run", "--checks", "all", "--max-examples", examples, "--report-dir"]).arg(stack.home().join("log"));
    command.arg(format!("{}/openapi.json", world.client.base()));
    // Its cache of examples stays out of the sources.
    command.current_dir(stack.home()).env("TENANT_TOKEN", world.client.token()).env("NO_COLOR", "1");
    let output = command.output().context("schemathesis cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    // It would also be content with an API that refuses everything.
    for table in [
        "users",
        "user_events",
        "operations",
        "operation_rows",
        "idempotency_keys",
        "partner_events",
        "partner_signatures",
    ] {
        let rows = count(stack, &format!("select count(*) from {table}"))?;
        ensure!(rows > 0, "nothing of all that was asked has led to {table}");
    }
    Ok(())
}
