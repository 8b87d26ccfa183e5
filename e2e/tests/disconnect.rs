//! An upload that never ends leaves nothing, whoever goes away.

use std::time::Duration;

use anyhow::{Result, ensure};
use muster_e2e::{
    Client, Upload, World, rows,
    world::{count, nothing_stored, test, wait_for_sql},
};
use muster_testkit::{process::Program, stack::Stack, tools::wait_until};

/// Two sweeps and some.
const SWEPT: Duration = Duration::from_secs(30);

/// Half of an upload, with two blocks of it stored.
fn half(stack: &Stack, client: &Client) -> Result<Upload> {
    let mut upload = Upload::begin(client, "application/x-ndjson", &[("Idempotency-Key", "half")])?;
    upload.send(&rows::ndjson("half", 0, 25_000))?;
    wait_for_sql(stack, "select count(*) from operation_blocks", "2", Duration::from_secs(20))?;
    ensure!(count(stack, "select count(*) from idempotency_keys")? == 1);
    Ok(upload)
}

fn wait_for_nothing(stack: &Stack, patience: Duration) -> Result<()> {
    wait_until("the upload to be removed", patience, || Ok(nothing_stored(stack)?.then_some(())))
}

#[test]
fn a_client_that_goes_away_in_mid_upload_leaves_nothing() {
    test("disconnect", |stack| {
        let world = World::start_with(stack, &[], None)?;
        half(stack, &world.client)?.cut();
        wait_for_nothing(stack, Duration::from_secs(10))?;
        // The key is free again.
        let upload = half(stack, &world.client)?;
        let (status, text) = upload.finish()?;
        ensure!(status == 202, "{text}");
        Ok(())
    });
}

#[test]
fn an_upload_whose_api_was_killed_is_swept_away() {
    test("half-upload", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let upload = half(stack, &world.client)?;
        world.api.kill_hard()?;
        ensure!(upload.finish().is_err(), "the killed API has answered");
        ensure!(!nothing_stored(stack)?, "there is nothing to sweep");
        let _worker = stack.spawn_ready(Program::Worker, "worker", &[("UPLOAD_ABANDONED_AFTER_SECONDS", "1")])?;
        wait_for_nothing(stack, SWEPT)?;

        // One that only stands still is taken for dead as well, and says so when it goes on.
        world.replace_api(stack)?;
        let mut upload = half(stack, &world.client)?;
        wait_for_nothing(stack, SWEPT)?;
        upload.send(&rows::ndjson("half", 25_000, 40_000))?;
        let (status, text) = upload.finish()?;
        ensure!(status == 409 && text.contains("UPLOAD_ABANDONED"), "{text}");
        wait_for_nothing(stack, SWEPT)
    });
}
