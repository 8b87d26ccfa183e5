//! Operations on users who are there: changing them, meeting them in an import, and undoing either.

use anyhow::{Context as _, Result};
use muster_application::ErrorKind;
use muster_application::imports::{ImportRow, NewUpload};
use muster_application::operations::{OperationRow, RowFilter};
use muster_domain::operations::{
    MatchBy, OnConflict, OnError, Operation, OperationKind, OperationOptions, OperationState, Parent, Relation,
    RowStatus, UploadFormat,
};
use muster_domain::users::{FullName, Given, User, UserEventKind, UserFilter, UserPatch};
use muster_domain::{OperationId, UserId};

use crate::world::{ANY, CONTINUE, World, pairs, people, problems};

pub fn by(match_by: MatchBy) -> OperationOptions {
    OperationOptions { send_welcome: false, match_by, ..OperationOptions::of(OnError::Continue) }
}

pub fn of(id: UserId) -> ImportRow<'static> {
    ImportRow { line: 1, id: Some(id.to_string().into()), ..ImportRow::default() }
}

impl World {
    pub async fn change_many(
        &self,
        kind: OperationKind,
        rows: &[ImportRow<'_>],
        options: OperationOptions,
    ) -> Result<Operation> {
        let new = NewUpload { kind, format: UploadFormat::Ndjson, key: None, parent: None };
        let mut upload = self.app.begin_upload(self.ctx.clone(), new).await?;
        for row in rows {
            upload.push(row)?;
        }
        let id = upload.finish(options, &[]).await?.operation.id;
        Ok(self.run(id).await?)
    }

    async fn undo(&self, id: OperationId) -> Result<Operation> {
        let undo = self.app.undo_operation(&self.ctx, id).await?;
        Ok(self.run(undo.operation.id).await?)
    }

    async fn rows_of(&self, id: OperationId) -> Result<Vec<OperationRow>> {
        Ok(self.app.operation_rows(&self.ctx, id, RowFilter::All, 0, 1_000).await?.items)
    }

    async fn statuses(&self, id: OperationId) -> Result<Vec<RowStatus>> {
        Ok(self.rows_of(id).await?.iter().map(|row| row.status).collect())
    }

    async fn named(&self, name: &str) -> Result<User> {
        let email = format!("{name}@example.com");
        let filter = UserFilter { email_exact: Some(email), ..UserFilter::living() };
        let start = muster_domain::users::PageStart::Offset(0);
        let page = self.app.users(&self.ctx, &filter, start, 1).await?;
        page.users.into_iter().next().context("nobody has this address")
    }
}

#[tokio::test]
async fn each_row_changes_its_user_and_what_it_cannot_do_is_reported() -> Result<()> {
    let world = World::new();
    let (ada, bob, cy) = (world.make("ada").await?, world.make("bob").await?, world.make("cyd").await?);
    let rows = [
        ImportRow { full_name: Some("Ada".into()), is_active: Some(false), ..of(ada.id) },
        ImportRow { email: Some("cyd@example.com".into()), ..of(bob.id) },
        ImportRow { username: Some("ada2".into()), ..of(ada.id) },
        ImportRow { id: Some("7".into()), ..ImportRow::default() },
        ImportRow { full_name: Some("x".into()), ..of(UserId::new(uuid::Uuid::nil())) },
        of(cy.id),
        ImportRow::default(),
        ImportRow { email: Some("nobody".into()), ..of(cy.id) },
    ];
    let operation = world.change_many(OperationKind::UsersUpdate, &rows, by(MatchBy::Id)).await?;
    assert_eq!(operation.state, OperationState::PartiallySucceeded);
    assert_eq!((operation.progress.changed, operation.progress.failed, operation.progress.skipped()), (1, 6, 1));
    let found = world.rows_of(operation.id).await?;
    let reported: Vec<_> = found.iter().map(problems).collect();
    assert_eq!(
        reported,
        [
            pairs(&[]),
            pairs(&[("email", "duplicate")]),
            pairs(&[("", "duplicate_in_file")]),
            pairs(&[("id", "invalid_id")]),
            pairs(&[("", "not_found")]),
            pairs(&[]),
            pairs(&[("id", "missing")]),
            pairs(&[("email", "invalid_email")]),
        ]
    );
    assert_eq!(found.first().map(|row| (row.status, row.user)), Some((RowStatus::Updated, Some(ada.id))));
    let changed = world.named("ada").await?;
    assert_eq!((changed.version, changed.is_active, changed.username.as_str()), (2, false, "ada"));
    let history = world.history(ada.id).await?;
    assert_eq!(history.first().map(|event| (event.kind, event.operation)), {
        Some((UserEventKind::Updated, Some(operation.id)))
    });
    assert_eq!(world.named("cyd").await?.version, 1);
    Ok(())
}

#[tokio::test]
async fn users_are_found_by_address_or_name() -> Result<()> {
    let world = World::new();
    world.make("ada").await?;
    world.make("bob").await?;
    let row = |email: &'static str| ImportRow { email: Some(email.into()), ..ImportRow::default() };
    let rows = [row("ADA@example.com"), row("eve@example.com"), row("nobody")];
    let operation = world.change_many(OperationKind::UsersDeactivate, &rows, by(MatchBy::Email)).await?;
    assert_eq!(world.statuses(operation.id).await?, [RowStatus::Updated, RowStatus::Failed, RowStatus::Failed]);
    assert!(!world.named("ada").await?.is_active);

    let rows = [ImportRow { username: Some("BOB".into()), ..ImportRow::default() }];
    let operation = world.change_many(OperationKind::UsersDelete, &rows, by(MatchBy::Username)).await?;
    assert_eq!(operation.state, OperationState::Succeeded);
    assert!(world.named("bob").await.is_err());
    Ok(())
}

#[tokio::test]
async fn all_or_nothing_holds_for_changes_too() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?;
    let rows = [of(ada.id), of(UserId::new(uuid::Uuid::nil()))];
    let options = OperationOptions { on_error: OnError::Abort, ..by(MatchBy::Id) };
    let operation = world.change_many(OperationKind::UsersDelete, &rows, options).await?;
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!(world.statuses(operation.id).await?, [RowStatus::Skipped, RowStatus::Failed]);
    assert_eq!(world.named("ada").await?.version, 1);
    Ok(())
}

#[tokio::test]
async fn a_filter_means_whoever_it_finds_when_it_is_asked() -> Result<()> {
    let world = World::new();
    for name in ["test_1", "test_2", "ada"] {
        world.make(name).await?;
    }
    let gather = async |kind| -> Result<Operation> {
        let new = NewUpload { kind, format: UploadFormat::Json, key: None, parent: None };
        let mut upload = world.app.begin_upload(world.ctx.clone(), new).await?;
        let deleted = kind == OperationKind::UsersRestore;
        let filter = UserFilter { username: Some("test_".to_owned()), deleted, ..UserFilter::living() };
        upload.gather(&filter, &ImportRow::default()).await?;
        let id = upload.finish(by(MatchBy::Id), &[]).await?.operation.id;
        Ok(world.run(id).await?)
    };
    let operation = gather(OperationKind::UsersDelete).await?;
    assert_eq!((operation.progress.rows_total, operation.progress.changed), (2, 2));
    assert_eq!(world.stored().users.len(), 1);
    let operation = gather(OperationKind::UsersRestore).await?;
    assert_eq!(world.statuses(operation.id).await?, [RowStatus::Restored; 2]);
    let operation = gather(OperationKind::UsersErase).await?;
    assert_eq!(world.statuses(operation.id).await?, [RowStatus::Erased; 2]);
    assert_eq!((world.stored().users.len(), world.stored().deleted.len()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn an_import_meets_those_who_are_there_as_it_was_told() -> Result<()> {
    for (policy, statuses, name) in [
        (OnConflict::Fail, [RowStatus::Failed, RowStatus::Created, RowStatus::Failed, RowStatus::Failed], Some("Ada")),
        (
            OnConflict::Skip,
            [RowStatus::Skipped, RowStatus::Created, RowStatus::Skipped, RowStatus::Failed],
            Some("Ada"),
        ),
        (
            OnConflict::Update,
            [RowStatus::Updated, RowStatus::Created, RowStatus::Failed, RowStatus::Failed],
            Some("Ada"),
        ),
        (OnConflict::Replace, [RowStatus::Updated, RowStatus::Created, RowStatus::Failed, RowStatus::Failed], None),
    ] {
        let world = World::new();
        let ada = world.make("ada").await?;
        world.make("bob").await?;
        let patch = UserPatch { full_name: Given::Text("Ada"), ..UserPatch::default() };
        world.change(ada.id, patch).await?;
        let row = |email: &str, username: &str| (format!("{email}@example.com"), username.to_owned());
        // There under another name; new; there again; with a name that somebody else has.
        let rows = vec![row("ada", "ada_new"), row("eve", "eve"), row("ada", "ada_3"), row("new", "bob")];
        let options = OperationOptions { on_conflict: policy, ..CONTINUE };
        let operation = world.import(&[rows], options).await?;
        assert_eq!(world.statuses(operation.id).await?, statuses, "{policy:?}");
        let ada = world.named("ada").await?;
        let expected = if matches!(policy, OnConflict::Update | OnConflict::Replace) { "ada_new" } else { "ada" };
        assert_eq!((ada.username.as_str(), ada.full_name.as_ref().map(FullName::as_str)), (expected, name));
        assert_eq!(world.named("eve").await?.version, 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_import_is_undone_but_for_whom_somebody_changed() -> Result<()> {
    let world = World::new();
    let before = world.make("ada").await?;
    let mut rows = people("p", 4);
    rows.insert(1, ("ada@example.com".to_owned(), "ada_2".to_owned()));
    let options = OperationOptions { on_conflict: OnConflict::Update, ..CONTINUE };
    let import = world.import(&[rows, people("q", 2)], options).await?;
    assert_eq!((import.progress.created, import.progress.changed), (6, 1));
    let changed = world.named("p2").await?;
    world.change(changed.id, UserPatch { is_active: Some(false), ..UserPatch::default() }).await?;
    let gone = world.named("p3").await?;
    world.app.force_delete_user(&world.ctx, gone.id).await?;

    let undo = world.undo(import.id).await?;
    let parent = Parent { id: import.id, relation: Relation::Undo };
    assert_eq!((undo.parent, undo.kind), (Some(parent), OperationKind::Undo));
    assert_eq!(undo.state, OperationState::PartiallySucceeded);
    let statuses = world.statuses(undo.id).await?;
    let (deleted, updated) = (RowStatus::Deleted, RowStatus::Updated);
    assert_eq!(statuses, [deleted, updated, RowStatus::Failed, RowStatus::Skipped, deleted, deleted, deleted]);
    let left: Vec<_> = world.stored().users.keys().copied().collect();
    assert_eq!(left, [before.id, changed.id]);
    assert_eq!(world.named("ada").await?.username, before.username);
    // Not all of it was taken back.
    assert_eq!(world.app.operation(&world.ctx, import.id).await?.state, OperationState::Succeeded);

    // Begun again when the other one is gone, too, it leaves alone what the first one took back.
    world.app.force_delete_user(&world.ctx, changed.id).await?;
    let again = world.undo(import.id).await?;
    assert_eq!((again.state, again.progress.skipped()), (OperationState::Succeeded, 7));
    assert_eq!(world.app.operation(&world.ctx, import.id).await?.state, OperationState::Undone);
    Ok(())
}

#[tokio::test]
async fn a_delete_is_undone_by_restoring_and_the_operation_is_undone_then() -> Result<()> {
    let world = World::new();
    let (ada, bob) = (world.make("ada").await?, world.make("bob").await?);
    let rows = [of(ada.id), of(bob.id)];
    let deleted = world.change_many(OperationKind::UsersDelete, &rows, by(MatchBy::Id)).await?;
    let first = world.app.undo_operation(&world.ctx, deleted.id).await?;
    let again = world.app.undo_operation(&world.ctx, deleted.id).await?;
    assert_eq!((first.replayed, again.replayed, again.operation.id), (false, true, first.operation.id));
    let undo = world.run(first.operation.id).await?;
    assert_eq!((undo.state, undo.progress.changed), (OperationState::Succeeded, 2));
    assert_eq!(world.named("bob").await?.version, 3);
    assert_eq!(world.app.operation(&world.ctx, deleted.id).await?.state, OperationState::Undone);
    // Run twice, as after a crash.
    assert_eq!(world.run(undo.id).await?.progress.changed, 2);
    let again = world.app.undo_operation(&world.ctx, deleted.id).await?;
    assert_eq!((again.replayed, again.operation.id), (true, undo.id));
    Ok(())
}

#[tokio::test]
async fn a_restored_address_that_somebody_took_is_reported() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?;
    let deleted = world.change_many(OperationKind::UsersDelete, &[of(ada.id)], by(MatchBy::Id)).await?;
    world.make("ada").await?;
    let undo = world.undo(deleted.id).await?;
    assert_eq!(undo.state, OperationState::Failed);
    let rows = world.rows_of(undo.id).await?;
    let expected = pairs(&[("email", "duplicate"), ("username", "duplicate")]);
    assert_eq!(rows.iter().map(problems).collect::<Vec<_>>(), [expected]);
    Ok(())
}

#[tokio::test]
async fn what_has_not_ended_or_changed_nothing_or_is_for_good_cannot_be_undone() -> Result<()> {
    let world = World::new();
    let ada = world.make("ada").await?;
    let erased = world.change_many(OperationKind::UsersErase, &[of(ada.id)], by(MatchBy::Id)).await?;
    let nothing = world.change_many(OperationKind::UsersErase, &[of(ada.id)], by(MatchBy::Id)).await?;
    let failed = world.import(&[vec![("x".to_owned(), "y".to_owned())]], CONTINUE).await?;
    let waiting = world.queue(&[people("w", 2)], CONTINUE).await?;
    for id in [erased.id, nothing.id, failed.id, waiting] {
        let error = world.app.undo_operation(&world.ctx, id).await.err().context("it was undone")?;
        assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    }
    let stranger = crate::world::tenant(8);
    let error = world.app.undo_operation(&stranger, erased.id).await.err().context("it was undone")?;
    assert_eq!(error.kind, ErrorKind::NotFound);
    Ok(())
}

#[tokio::test]
async fn a_user_of_an_undo_is_left_alone_once_they_were_deleted_by_hand() -> Result<()> {
    let world = World::new();
    let import = world.import(&[people("p", 2)], CONTINUE).await?;
    let one = world.named("p1").await?;
    world.app.delete_user(&world.ctx, one.id, ANY).await?;
    let undo = world.undo(import.id).await?;
    assert_eq!(world.statuses(undo.id).await?, [RowStatus::Skipped, RowStatus::Deleted]);
    assert_eq!(world.app.operation(&world.ctx, import.id).await?.state, OperationState::Undone);
    Ok(())
}
