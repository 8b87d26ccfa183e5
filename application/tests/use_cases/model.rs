//! Random imports against a model that is too simple to be wrong: two sets of names.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use muster_application::ErrorKind;
use muster_application::operations::RowFilter;
use muster_domain::operations::{OnError, OperationOptions, OperationState};
use muster_testkit::memory::Fault;

use crate::world::{Row, World};

/// Runs the model goes through, each from a seed of its own.
const RUNS: u64 = 12;
/// Imports of a run.
const IMPORTS: u32 = 8;

/// A tiny generator (Knuth's MMIX constants), so that a seed means the same run for ever.
struct Lcg(u64);

impl Lcg {
    /// A number below `below`.
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next(100) < percent
    }
}

/// Living users: e-mail addresses and folded user names.
#[derive(Default)]
struct Model {
    emails: HashSet<String>,
    usernames: HashSet<String>,
}

impl Model {
    /// Which rows are created, by what the issue says.
    fn import(&mut self, rows: &[Row], on_error: OnError) -> Vec<bool> {
        let (emails, usernames) = (self.emails.clone(), self.usernames.clone());
        let mut created = Vec::new();
        for (email, username) in rows {
            let (email, username) = (email.to_lowercase(), username.to_lowercase());
            let good = email.contains('@') && username.len() >= 3;
            let free = good && !self.emails.contains(&email) && !self.usernames.contains(&username);
            if free {
                self.emails.insert(email);
                self.usernames.insert(username);
            }
            created.push(free);
        }
        if on_error == OnError::Abort && created.contains(&false) {
            (self.emails, self.usernames) = (emails, usernames);
            created.fill(false);
        }
        created
    }
}

/// From a pool so small that duplicates are common.
fn random_row(random: &mut Lcg) -> Row {
    let (n, m) = (random.next(90), random.next(90));
    let mut row = (format!("user{n}@example.com"), format!("name-{m}"));
    if random.chance(50) {
        row.1 = format!("name-{n}");
    }
    if random.chance(15) {
        row.0 = row.0.to_uppercase();
    }
    if random.chance(15) {
        row.1 = row.1.to_uppercase();
    }
    if random.chance(8) {
        "nobody".clone_into(&mut row.0);
    }
    if random.chance(5) {
        "x".clone_into(&mut row.1);
    }
    row
}

async fn run(seed: u64) -> Result<()> {
    let mut random = Lcg(seed);
    let (world, mut model) = (World::new(), Model::default());
    for _ in 0..IMPORTS {
        let abort = random.chance(25);
        let count = if abort { 1 } else { 1 + random.next(4) };
        let blocks: Vec<Vec<Row>> =
            (0..count).map(|_| (0..=random.next(9)).map(|_| random_row(&mut random)).collect()).collect();
        let options = OperationOptions {
            send_welcome: random.chance(50),
            ..OperationOptions::of(if abort { OnError::Abort } else { OnError::Continue })
        };
        let id = world.queue(&blocks, options).await?;
        let mut attempts = 0;
        let operation = loop {
            // Storage breaks down somewhere, mostly.
            let step = u32::try_from(1 + random.next(30))?;
            world.store.fail_next(if random.chance(50) { Fault::Call(step) } else { Fault::Answer(1 + step % 5) });
            let result = world.run(id).await;
            world.store.heal();
            attempts += 1;
            match result {
                Ok(operation) => break operation,
                Err(error) => assert_eq!(error.kind, ErrorKind::Unavailable, "attempt {attempts}: {error}"),
            }
            anyhow::ensure!(attempts < 200, "it never ends");
        };

        let rows = blocks.concat();
        let before = model.emails.len();
        let expected = model.import(&rows, options.on_error);
        let created = expected.iter().filter(|created| **created).count();
        assert_eq!(operation.progress.created, u64::try_from(created)?);
        assert_eq!(model.emails.len() - before, created);
        let reported = world.app.operation_rows(&world.ctx, id, RowFilter::Reported, 0, 10_000).await?.items;
        assert_eq!(operation.progress.failed, u64::try_from(reported.len())?);
        assert_eq!(operation.progress.rows_done, u64::try_from(rows.len())?);
        if !abort {
            assert_eq!(created + reported.len(), rows.len(), "created + failed is not all");
            let failed: Vec<_> = (1..).zip(&expected).filter(|(_, made)| !**made).map(|(row, _)| row).collect();
            assert_eq!(reported.iter().map(|row| row.row).collect::<Vec<u32>>(), failed);
        }
        let state = match (created, reported.len()) {
            (_, 0) => OperationState::Succeeded,
            (0, _) => OperationState::Failed,
            _ => OperationState::PartiallySucceeded,
        };
        assert_eq!(operation.state, state);
        let users = world.app.users_created_by(&world.ctx, &operation, 10_000).await?;
        assert_eq!(users.len(), created, "the ledger is not what is there");
        assert_eq!(operation.progress.mails_total, if options.send_welcome { u64::try_from(created)? } else { 0 });

        let stored = world.stored();
        assert_eq!(stored.emails.keys().cloned().collect::<HashSet<_>>(), model.emails);
        assert_eq!(stored.usernames.keys().cloned().collect::<HashSet<_>>(), model.usernames);
    }
    Ok(())
}

#[tokio::test]
async fn random_imports_create_what_a_simple_model_says_and_account_for_every_row() -> Result<()> {
    for seed in 1..=RUNS {
        // Shown when the test fails.
        println!("seed {seed}");
        run(seed).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}
