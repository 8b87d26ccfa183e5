//! Every step of an import is cut once; after a repeat the end is the same.

use anyhow::Result;
use muster_application::ErrorKind;
use muster_domain::EventId;
use muster_domain::operations::OperationOptions;
use muster_testkit::memory::{Fault, TenantState};
use uuid::Uuid;

use crate::world::{ABORT, CONTINUE, Row, SILENT, World, people};

/// Good rows, duplicates within and across blocks and with existing users, and bad ones.
fn mixed() -> Vec<Vec<Row>> {
    let bad = || ("nope".to_owned(), "nope".to_owned());
    let mut first = people("a", 3);
    first.push(bad());
    let mut second = people("a", 2);
    second.extend(people("b", 2));
    let mut third = people("old", 1);
    third.push(bad());
    vec![first, second, third]
}

async fn world() -> Result<World> {
    let world = World::new();
    world.import(&[people("old", 1)], SILENT).await?;
    Ok(world)
}

/// What is stored. A block that was cut has used up an id, so the lines that blocks leave are numbered anew.
fn settled(world: &World) -> TenantState {
    let mut state = world.stored();
    for (n, event) in (0..).zip(&mut state.block_events) {
        event.id = EventId::new(Uuid::from_u128(n));
    }
    state
}

async fn undisturbed(blocks: &[Vec<Row>], options: OperationOptions) -> Result<TenantState> {
    let world = world().await?;
    world.import(blocks, options).await?;
    Ok(settled(&world))
}

async fn cut_at_every(fault: fn(u32) -> Fault, blocks: &[Vec<Row>], options: OperationOptions) -> Result<u32> {
    let expected = undisturbed(blocks, options).await?;
    for step in 1.. {
        let world = world().await?;
        let id = world.queue(blocks, options).await?;
        world.store.fail_next(fault(step));
        let result = world.run(id).await;
        if world.store.heal() {
            result?;
            assert_eq!(settled(&world), expected);
            return Ok(step - 1);
        }
        assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable, "{:?}", fault(step));
        world.run(id).await?;
        assert_eq!(settled(&world), expected, "after {:?}", fault(step));
    }
    Ok(0)
}

async fn cut(fault: fn(u32) -> Fault, at_least: u32) -> Result<()> {
    let clean = || vec![people("a", 3), people("b", 2)];
    for options in [CONTINUE, SILENT, ABORT] {
        for blocks in [mixed(), clean(), vec![mixed().concat()], vec![people("a", 3)]] {
            let steps = cut_at_every(fault, &blocks, options).await?;
            assert!(steps >= at_least, "only {steps} steps were cut");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_import_cut_at_any_call_ends_the_same_when_repeated() -> Result<()> {
    cut(Fault::Call, 10).await
}

#[tokio::test]
async fn an_import_whose_commit_fails_ends_the_same_when_repeated() -> Result<()> {
    cut(Fault::Commit, 2).await
}

#[tokio::test]
async fn an_import_whose_commit_succeeds_unseen_ends_the_same_when_repeated() -> Result<()> {
    cut(Fault::Answer, 2).await
}
