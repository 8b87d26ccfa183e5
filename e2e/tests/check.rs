//! `muster check` on real services: all is well, or what is not is named with how to mend it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{World, test};
use muster_testkit::{mail::Behaviour, stack::Stack, template::DATABASE, tools::wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// What came of a look.
struct Checked {
    code: Option<i32>,
    said: Value,
}

impl Checked {
    fn run(stack: &Stack, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let output =
            stack.muster()?.args(["check", "--json"]).args(arguments).envs(variables.iter().copied()).output()?;
        let text = String::from_utf8(output.stdout)?;
        let said = serde_json::from_str(&text).with_context(|| format!("{text:?} is no JSON"))?;
        Ok(Self { code: output.status.code(), said })
    }

    /// Looks until all is well: a worker that answers may still be making its schedules.
    fn well(stack: &Stack) -> Result<Self> {
        let mut said = Value::Null;
        let all_is_well = wait_until("all to be well", PATIENCE, || {
            let checked = Self::run(stack, &[], &[])?;
            said.clone_from(&checked.said);
            Ok((checked.code == Some(0)).then_some(checked))
        });
        all_is_well.with_context(|| format!("{said:#}"))
    }

    fn checks(&self) -> impl Iterator<Item = (&str, &str, String)> {
        self.said.get("checks").and_then(Value::as_array).into_iter().flatten().map(|check| {
            let text = |name| check.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("check"), text("status"), format!("{} / {}", text("detail"), text("mend")))
        })
    }

    /// Fails unless exactly this look failed, and says all of this.
    fn must_fail(&self, name: &str, says: &[&str]) -> Result<()> {
        let failed: Vec<_> = self.checks().filter(|(_, status, _)| *status == "failed").collect();
        ensure!(self.code == Some(1), "it ended with {:?}: {:#}", self.code, self.said);
        ensure!(
            failed.len() == 1 && failed.iter().all(|(failed, ..)| *failed == name),
            "not {name} alone: {failed:#?}"
        );
        let is_said = |text: &&str| failed.iter().any(|(.., said)| said.contains(*text));
        ensure!(says.iter().all(is_said), "{name} does not say {says:?}: {failed:#?}");
        Ok(())
    }
}

#[test]
fn a_deployment_that_works_is_well() {
    test("check-well", |stack| {
        let _world = World::start(stack)?;
        let checked = Checked::well(stack)?;
        let names: Vec<_> = checked.checks().filter(|(_, status, _)| *status == "ok").map(|(name, ..)| name).collect();
        let wanted = [
            "configuration",
            "database",
            "database role",
            "row level security",
            "migrations",
            "redis",
            "temporal",
            "temporal namespace",
            "temporal search attributes",
            "temporal schedule of the sweeper",
            "temporal schedule of reminders",
            "smtp",
            "mail sender",
            "token key",
            "partner key",
        ];
        ensure!(names == wanted, "{names:?}");
        ensure!(stack.mail.counters().accepted == 0, "a look sends no mail");
        // For people: a line each, without colour in a pipe.
        let output = stack.muster()?.arg("check").output()?;
        let text = String::from_utf8(output.stdout)?;
        ensure!(text.lines().count() == wanted.len() && !text.contains('\u{1b}'), "{text}");
        Ok(())
    });
}

#[test]
fn what_is_wrong_with_the_database_is_named_with_its_mend() {
    test("check-database", |stack| {
        let only = ["--only", "database"];
        let owner = stack.postgres.owner_url(DATABASE);
        Checked::run(stack, &only, &[("DATABASE_URL", &owner)])?
            .must_fail("database role", &["muster_owner", "owns the tables", "DATABASE_URL"])?;
        let admin = stack.postgres.admin_url(DATABASE);
        Checked::run(stack, &only, &[("DATABASE_URL", &admin)])?.must_fail("database role", &["superuser"])?;
        let nowhere = stack.postgres.app_url("nowhere");
        Checked::run(stack, &only, &[("DATABASE_URL", &nowhere)])?.must_fail("database", &["no such database"])?;

        stack.psql("alter table users no force row level security")?;
        Checked::run(stack, &only, &[])?.must_fail("row level security", &["users", "force row level security"])?;
        stack.psql("alter table users force row level security")?;

        // Another text than the one that ran, a later release, and a release before.
        stack.psql("create table kept as select * from _sqlx_migrations")?;
        stack.psql("update _sqlx_migrations set checksum = 'x' where version = 3")?;
        Checked::run(stack, &only, &[])?.must_fail("migrations", &["0003 ran with another text"])?;
        stack.psql("update _sqlx_migrations set version = 9000 where version = 3")?;
        Checked::run(stack, &only, &[])?.must_fail("migrations", &["0003 have not run", "muster migrate"])?;
        stack.psql("truncate _sqlx_migrations; insert into _sqlx_migrations select * from kept")?;
        stack.psql("insert into _sqlx_migrations select 9000, 'later', now(), true, 'x', 1")?;
        Checked::run(stack, &only, &[])?.must_fail("migrations", &["9000 are not of this release"])?;
        stack.psql("drop table _sqlx_migrations")?;
        Checked::run(stack, &only, &[])?.must_fail("migrations", &["none has run", "muster migrate"])
    });
}

#[test]
fn what_is_wrong_around_the_database_is_named_with_its_mend() {
    test("check-around", |stack| {
        let _world = World::start(stack)?;
        Checked::well(stack)?;
        Checked::run(stack, &[], &[("TEMPORAL_NAMESPACE", "nowhere")])?.must_fail(
            "temporal namespace",
            &["there is no namespace \"nowhere\"", "temporal operator namespace create --namespace nowhere"],
        )?;
        stack.temporal.cli(&["schedule", "toggle", "--pause", "-s", "muster-sweeper", "--reason", "test"])?;
        Checked::run(stack, &[], &[])?
            .must_fail("temporal schedule of the sweeper", &["is paused", "temporal schedule toggle --unpause"])?;
        stack.temporal.cli(&["schedule", "delete", "-s", "muster-sweeper"])?;
        Checked::run(stack, &["--only", "temporal"], &[])?
            .must_fail("temporal schedule of the sweeper", &["no schedule muster-sweeper", "start a worker"])?;

        let smtp = stack.mail.smtp_url();
        let wants_tls = format!("{smtp}?tls=required");
        Checked::run(stack, &["--only", "smtp"], &[("SMTP_URL", &wants_tls)])?
            .must_fail("smtp", &["does not offer STARTTLS", "SMTP_URL"])?;
        stack.mail.behave(Behaviour::protected("right-word"));
        let with = |password: &str| smtp.replace("smtp://", &format!("smtp://me:{password}@"));
        let refused = Checked::run(stack, &["--only", "smtp"], &[("SMTP_URL", &with("wrong-word"))])?;
        refused.must_fail("smtp", &["refuses the login", "SMTP_URL"])?;
        ensure!(!refused.said.to_string().contains("wrong-word"), "{:#}", refused.said);
        let taken = Checked::run(stack, &["--only", "smtp"], &[("SMTP_URL", &with("right-word"))])?;
        ensure!(taken.code == Some(0), "{:#}", taken.said);
        stack.mail.behave(Behaviour::accept());

        stack.redis.kill_hard()?;
        Checked::run(stack, &["--only", "redis,database,smtp"], &[])?
            .must_fail("redis", &["does not answer", "REDIS_URL"])?;
        // It takes connections and says nothing.
        stack.redis.start_again()?;
        stack.redis.pause();
        let silent = Checked::run(stack, &["--only", "redis", "--timeout", "1"], &[]);
        stack.redis.resume();
        silent?.must_fail("redis", &["answer"])
    });
}
