//! Users who were written get into the index of searches, in every tenant.

use anyhow::Result;
use muster_application::ErrorKind;
use muster_testkit::memory::Fault;

use crate::world::{SILENT, World, people, person, tenant};

fn waiting(world: &World) -> usize {
    world.store.tenants().values().map(|state| state.unindexed.len()).sum()
}

/// Two tenants with users who wait.
async fn world() -> Result<World> {
    let world = World::new();
    world.import(&[people("u", 3)], SILENT).await?;
    world.create(&tenant(8), &person("ada@example.com", "ada")).await?;
    Ok(world)
}

#[tokio::test]
async fn a_round_indexes_whoever_waits_in_each_tenant() -> Result<()> {
    let world = world().await?;
    assert_eq!(waiting(&world), 4);
    assert_eq!(world.app.index_users().await?, 4);
    assert_eq!(waiting(&world), 0);
    assert_eq!(world.app.index_users().await?, 0);
    Ok(())
}

#[tokio::test]
async fn trouble_in_one_tenant_does_not_keep_the_others_waiting() -> Result<()> {
    // The second call begins the unit of work of the first tenant, the third is its statement.
    for fault in [Fault::Call(2), Fault::Call(3), Fault::Commit(1)] {
        let world = world().await?;
        world.store.fail_next(fault);
        assert_eq!(world.app.index_users().await.unwrap_err().kind, ErrorKind::Unavailable, "{fault:?}");
        assert!((1..4).contains(&waiting(&world)), "{fault:?}: {} wait", waiting(&world));
        world.app.index_users().await?;
        assert_eq!(waiting(&world), 0, "{fault:?}");
    }
    Ok(())
}
