//! What operators see counted is what was stored: once, however often it is tried.

use anyhow::Result;
use muster_application::ErrorKind;
use muster_application::operations::OnCancel;
use muster_application::ports::Delivery;
use muster_domain::operations::OperationOptions;
use muster_testkit::memory::Fault;

use crate::world::{CONTINUE, SETTINGS, SILENT, World, people};

fn counted<const N: usize>(world: &World, what: [&str; N]) -> [u64; N] {
    what.map(|what| world.tally.count(what))
}

const ROWS: [&str; 4] = ["block users.import", "created users.import", "failed users.import", "skipped users.import"];

#[tokio::test]
async fn rows_count_once_wherever_an_import_is_cut() -> Result<()> {
    let mut rows = people("a", 3);
    rows.push(("nope".to_owned(), "nope".to_owned()));
    for n in 1.. {
        let world = World::new();
        let id = world.queue(&[rows.clone(), people("b", 2)], SILENT).await?;
        world.store.fail_next(Fault::Call(n));
        let was_cut = world.run(id).await.is_err();
        let was_due = !world.store.heal();
        assert_eq!(was_cut, was_due, "call {n}");
        world.run(id).await?;
        world.run(id).await?;
        assert_eq!(counted(&world, ROWS), [2, 5, 1, 0], "cut at call {n}");
        assert_eq!(world.tally.count("ended users.import partially_succeeded"), 1, "cut at call {n}");
        if !was_due {
            assert!(n > 10, "an import of two blocks has more calls than {n}");
            return Ok(());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_that_fails_counts_nothing_and_one_whose_answer_was_lost_is_not_counted_twice() -> Result<()> {
    let world = World::new();
    let id = world.queue(&[people("a", 3)], SILENT).await?;
    // The first commit is that of what is to be done, the second that of the block.
    world.store.fail_next(Fault::Commit(2));
    assert_eq!(world.run(id).await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(counted(&world, ROWS), [0; 4]);
    world.run(id).await?;
    assert_eq!(counted(&world, ROWS), [1, 3, 0, 0]);

    let lost = world.queue(&[people("b", 2)], SILENT).await?;
    world.store.fail_next(Fault::Answer(2));
    world.run(lost).await.unwrap_err();
    world.run(lost).await?;
    // Nobody knows that it was this call: too few are counted, never too many.
    assert_eq!(counted(&world, ROWS), [1, 3, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn a_plan_makes_no_rows() -> Result<()> {
    let world = World::new();
    world.import(&[people("a", 3)], OperationOptions { dry_run: true, ..SILENT }).await?;
    assert_eq!(counted(&world, ROWS), [1, 0, 0, 0]);
    assert_eq!(world.tally.count("ended users.import succeeded"), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_accepted_and_what_is_cancelled_counts_once() -> Result<()> {
    let world = World::new();
    let submitted = world.upload(Some("key"), &people("a", 2), SILENT).await?;
    world.upload(Some("key"), &people("a", 2), SILENT).await?;
    assert_eq!(world.tally.count("accepted users.import"), 1, "a repeat is the same operation");
    for _ in 0..2 {
        world.app.cancel_operation(&world.ctx, submitted.operation.id, OnCancel::Keep).await?;
    }
    assert_eq!(world.tally.count("ended users.import cancelled"), 1);
    Ok(())
}

#[tokio::test]
async fn each_answer_of_the_mail_server_counts() -> Result<()> {
    let world = World::new();
    world.mailer.script("a1@example.com", [Delivery::Deferred]);
    world.mailer.always("a2@example.com", Delivery::Refused);
    let operation = world.import(&[people("a", 3)], CONTINUE).await?;
    world.send(operation.id).await.unwrap_err();
    world.send(operation.id).await?;
    world.send(operation.id).await?;
    let answers = ["welcome Sent", "welcome Deferred", "welcome Refused", "welcome Unreachable", "reminder Sent"];
    assert_eq!(counted(&world, answers), [2, 1, 1, 0, 0]);
    Ok(())
}

#[tokio::test]
async fn an_attempt_at_a_webhook_counts_once_and_a_repeat_of_what_was_recorded_not_at_all() -> Result<()> {
    let world = World::new();
    world.subscribe().await?;
    world.make("ada").await?;
    let id = world.only()?.id;
    for _ in 0..2 {
        world.deliver(id, 1).await?;
    }
    assert_eq!(world.tally.count("webhook Ok(204)"), 1);
    Ok(())
}

#[tokio::test]
async fn a_sweep_says_whether_it_saw_to_everything() -> Result<()> {
    let world = World::new();
    world.queue(&[people("u", 2)], SILENT).await?;
    world.clock.advance(SETTINGS.stalled_after * 2);
    world.gateway.set_down(true);
    world.app.sweep().await.unwrap_err();
    assert_eq!(counted(&world, ["swept all", "swept some", "swept started"]), [0, 1, 0]);
    world.gateway.set_down(false);
    world.clock.advance(SETTINGS.stalled_after * 2);
    world.app.sweep().await?;
    assert_eq!(counted(&world, ["swept all", "swept some", "swept started"]), [1, 1, 1]);
    Ok(())
}
