use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::try_join_all;
use muster_domain::tasks::{
    OpenReminder, QuietHours, ReminderKind, ReminderMail, StoredTask, TaskFields, TaskMove, TaskSettings,
};
use muster_domain::users::Given;
use muster_domain::{ReminderBatchId, ReminderMailId, TaskId, TenantId};
use uuid::Uuid;

use super::Arena;
use super::arena::{at, user, user_id};
use super::tasks::{insert, task, task_id};

/// Other data of the storage may be due as well.
const PLENTY: u32 = 100_000;

/// Batch `n` of the arena: batches are found across tenants, and so are those of others.
fn batch(arena: &Arena<'_>, n: u128) -> ReminderBatchId {
    ReminderBatchId::new(Uuid::from_u128(arena.tenant.get().as_u128() ^ (0x3333_0000 + n)))
}

const fn mail_id(n: u128) -> ReminderMailId {
    ReminderMailId::new(Uuid::from_u128(0x0199_4444_0000_7000_8000_0000_0000_0000 | n))
}

/// Task `n` of user 1, wanted by user 2, that reminds in these minutes and is due in the last.
fn reminding(n: u128, minutes: &[i64]) -> Result<StoredTask> {
    let dates: Vec<_> = minutes.iter().map(|minute| at(*minute).to_rfc3339()).collect();
    let (due, before) = dates.split_last().context("no date")?;
    let (ada, bob) = (user_id(1).to_string(), user_id(2).to_string());
    task(
        n,
        TaskFields {
            assignee: Given::Text(&ada),
            creator: Given::Text(&bob),
            due_at: Given::Text(due),
            remind_at: Some(before.iter().map(String::as_str).collect()),
            ..TaskFields::default()
        },
    )
}

/// A task as it is stored. Its lock ends with the commit: that of a unit of work that is dropped may be there for a moment
/// more, and what is locked is passed over.
async fn stored(arena: &Arena<'_>, n: u128) -> Result<StoredTask> {
    let mut uow = arena.begin().await?;
    let found = uow.tasks().lock(&[task_id(n)]).await?.pop();
    uow.commit().await?;
    found.context("there is no such task")
}

/// Takes what is due as the use case does: mail `1000 * n` and those that follow are of batch `n`; gives the tasks.
async fn take(arena: &Arena<'_>, n: u128, now: DateTime<Utc>, limit: u32) -> Result<Vec<TaskId>> {
    let mut uow = arena.begin().await?;
    let mut tasks = uow.reminders().lock_due(now, limit).await?;
    let mut mails = Vec::new();
    for stored in &mut tasks {
        for reminder in stored.take_reminders(now) {
            let id = mail_id(1000 * n + u128::try_from(mails.len())?);
            mails.push(ReminderMail { id, task: stored.task.id, reminder });
        }
    }
    uow.reminders().store_taken(&tasks).await?;
    uow.reminders().queue(batch(arena, n), &mails, now).await?;
    uow.commit().await?;
    Ok(tasks.iter().map(|stored| stored.task.id).collect())
}

async fn open(arena: &Arena<'_>, n: u128) -> Result<Vec<OpenReminder>> {
    let mut uow = arena.begin().await?;
    Ok(uow.reminders().open(batch(arena, n), None, 99).await?)
}

async fn open_ids(arena: &Arena<'_>, n: u128) -> Result<Vec<ReminderMailId>> {
    Ok(open(arena, n).await?.iter().map(|reminder| reminder.mail.id).collect())
}

async fn is_due(arena: &Arena<'_>, now: DateTime<Utc>) -> Result<bool> {
    Ok(arena.world.reminders().due_reminders(now, None, PLENTY).await?.contains(&arena.tenant))
}

async fn is_stalled(arena: &Arena<'_>, n: u128, before: DateTime<Utc>) -> Result<bool> {
    let stalled = arena.world.reminders().stalled_reminders(before, PLENTY).await?;
    Ok(stalled.contains(&batch(arena, n)))
}

pub(super) async fn each_date_is_taken_once_and_all_else_stays(arena: &Arena<'_>) -> Result<()> {
    let one = reminding(1, &[20, 30])?;
    insert(arena, std::slice::from_ref(&one)).await?;
    ensure!(!is_due(arena, at(19)).await? && take(arena, 1, at(19), 9).await?.is_empty());
    ensure!(is_due(arena, at(20)).await?, "it is due at its very moment");
    ensure!(take(arena, 2, at(20), 9).await? == [task_id(1)]);
    ensure!(!is_due(arena, at(29)).await? && take(arena, 3, at(29), 9).await?.is_empty());
    let mut expected = one.clone();
    expected.take_reminders(at(20));
    ensure!(stored(arena, 1).await? == expected, "version and times stay");
    // The last two are late together: one mail for each of two people.
    ensure!(take(arena, 4, at(500), 9).await? == [task_id(1)]);
    let of = |open: &[OpenReminder]| -> Vec<_> {
        open.iter().map(|reminder| (reminder.mail.reminder.kind, reminder.mail.reminder.to)).collect()
    };
    ensure!(of(&open(arena, 2).await?) == [(ReminderKind::Reminder, user_id(1))]);
    ensure!(of(&open(arena, 4).await?) == [(ReminderKind::Due, user_id(1)), (ReminderKind::Overdue, user_id(2))]);
    let mails = open(arena, 4).await?;
    ensure!(mails.iter().map(|reminder| reminder.mail.reminder.at).collect::<Vec<_>>() == [at(30), at(90)]);
    ensure!(!is_due(arena, at(100_000)).await?);
    Ok(())
}

pub(super) async fn those_that_wait_for_longest_are_taken_first(arena: &Arena<'_>) -> Result<()> {
    let mut over = reminding(4, &[20])?;
    over.go(TaskMove::Cancel, task_id(9), at(10))?;
    insert(arena, &[reminding(1, &[23])?, reminding(2, &[21])?, reminding(3, &[22])?, over]).await?;
    ensure!(take(arena, 1, at(40), 2).await? == [2, 3].map(task_id));
    ensure!(take(arena, 2, at(40), 2).await? == [task_id(1)]);
    Ok(())
}

pub(super) async fn a_write_of_a_task_is_one_of_its_reminders(arena: &Arena<'_>) -> Result<()> {
    let mut one = reminding(1, &[20])?;
    insert(arena, std::slice::from_ref(&one)).await?;
    ensure!(is_due(arena, at(25)).await?);
    one.go(TaskMove::Cancel, task_id(9), at(15))?;
    let mut uow = arena.begin().await?;
    uow.tasks().store(std::slice::from_ref(&one)).await?;
    uow.commit().await?;
    ensure!(!is_due(arena, at(25)).await? && take(arena, 1, at(25), 9).await?.is_empty());
    Ok(())
}

pub(super) async fn of_many_who_take_each_date_goes_to_one(arena: &Arena<'_>) -> Result<()> {
    let tasks: Result<Vec<_>> = (1..=9).map(|n| reminding(n, &[20])).collect();
    insert(arena, &tasks?).await?;
    let mut found = try_join_all((1..=4).map(|n| take(arena, n, at(25), 3))).await?.concat();
    // What was passed over because somebody else was about to take it is left for the next.
    for n in 5.. {
        let taken = take(arena, n, at(25), 1).await?;
        if taken.is_empty() {
            break;
        }
        found.extend(taken);
    }
    found.sort_unstable();
    ensure!(found == (1..=9).map(task_id).collect::<Vec<_>>(), "{found:?}");
    Ok(())
}

pub(super) async fn a_mail_comes_with_what_it_is_about_as_that_is_now(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    insert(arena, &[reminding(1, &[20])?, reminding(2, &[21])?, reminding(3, &[22])?]).await?;
    take(arena, 1, at(25), 9).await?;
    let mut two = stored(arena, 2).await?;
    two.go(TaskMove::Cancel, task_id(9), at(30))?;
    let mut uow = arena.begin().await?;
    uow.tasks().store(std::slice::from_ref(&two)).await?;
    ensure!(uow.tasks().remove(&[task_id(3)]).await? == 1);
    uow.commit().await?;
    let found = open(arena, 1).await?;
    let [first, second, third] = found.as_slice() else { anyhow::bail!("not three: {found:?}") };
    ensure!(first.task.as_ref() == Some(&stored(arena, 1).await?) && first.wanted().is_some(), "{first:?}");
    ensure!(first.user.as_ref().is_some_and(|user| user.username.as_str() == "ada"));
    ensure!(second.task.as_ref() == Some(&two) && second.wanted().is_none());
    ensure!(third.task.is_none() && third.wanted().is_none());
    arena.delete(user_id(1)).await?;
    let found = open(arena, 1).await?;
    ensure!(found.iter().all(|reminder| reminder.user.is_none() && reminder.wanted().is_none()));
    // Page by page.
    let mut uow = arena.begin().await?;
    let page = uow.reminders().open(batch(arena, 1), Some(first.mail.id), 1).await?;
    ensure!(page.iter().map(|reminder| reminder.mail.id).eq([second.mail.id]));
    Ok(())
}

pub(super) async fn what_was_sent_leaves_and_what_was_refused_stays(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[reminding(1, &[20])?, reminding(2, &[21])?, reminding(3, &[22])?]).await?;
    take(arena, 1, at(25), 9).await?;
    let [one, two, three] = [1000, 1001, 1002].map(mail_id);
    let mut uow = arena.begin().await?;
    uow.reminders().done(batch(arena, 1), &[one]).await?;
    uow.reminders().refused(batch(arena, 1), &[two], "mail_refused", at(26)).await?;
    // Another batch has nothing to say about them.
    uow.reminders().done(batch(arena, 2), &[three]).await?;
    uow.reminders().refused(batch(arena, 2), &[three], "mail_refused", at(26)).await?;
    uow.commit().await?;
    ensure!(open_ids(arena, 1).await? == [three]);
    ensure!(is_stalled(arena, 1, at(30)).await?);
    let mut uow = arena.begin().await?;
    // Two who send the same mails at once may be told different things.
    uow.reminders().refused(batch(arena, 1), &[three], "mail_given_up", at(27)).await?;
    uow.reminders().done(batch(arena, 1), &[three]).await?;
    uow.commit().await?;
    ensure!(open_ids(arena, 1).await?.is_empty());
    ensure!(!is_stalled(arena, 1, at(30)).await?, "what was refused does not stand still");
    ensure!(take(arena, 9, at(30), 9).await?.is_empty());
    Ok(())
}

pub(super) async fn what_nobody_looks_after_stands_still(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[reminding(1, &[20])?, reminding(2, &[20])?]).await?;
    take(arena, 1, at(25), 9).await?;
    ensure!(!is_stalled(arena, 1, at(25)).await? && is_stalled(arena, 1, at(26)).await?);
    let mut uow = arena.begin().await?;
    uow.reminders().touch(batch(arena, 1), at(40)).await?;
    uow.commit().await?;
    ensure!(!is_stalled(arena, 1, at(40)).await? && is_stalled(arena, 1, at(41)).await?);
    let stalled = arena.world.reminders().stalled_reminders(at(41), PLENTY).await?;
    ensure!(
        stalled.is_sorted() && stalled.iter().filter(|found| **found == batch(arena, 1)).count() == 1,
        "a batch is one"
    );
    ensure!(arena.world.reminders().stalled_reminders(at(41), 1).await?.len() == 1);
    Ok(())
}

pub(super) async fn a_batch_is_of_all_who_have_mails_in_it(arena: &Arena<'_>) -> Result<()> {
    let tenants = async || arena.world.reminders().tenants_of_reminders(batch(arena, 1)).await;
    ensure!(tenants().await?.is_empty());
    insert(arena, &[reminding(1, &[20])?]).await?;
    take(arena, 1, at(25), 9).await?;
    ensure!(tenants().await? == [arena.tenant]);
    let mail = open(arena, 1).await?.pop().context("nothing was taken")?.mail;
    let mut uow = arena.begin_as(arena.other).await?;
    uow.reminders().queue(batch(arena, 1), &[mail], at(25)).await?;
    uow.commit().await?;
    ensure!(tenants().await? == [arena.tenant.min(arena.other), arena.tenant.max(arena.other)]);
    // Only what is still to be sent counts.
    let mut uow = arena.begin_as(arena.other).await?;
    uow.reminders().refused(batch(arena, 1), &[mail.id], "mail_refused", at(26)).await?;
    uow.commit().await?;
    ensure!(tenants().await? == [arena.tenant]);
    // It stands still as long as somebody's mails do.
    let mut uow = arena.begin().await?;
    uow.reminders().done(batch(arena, 1), &[mail.id]).await?;
    uow.commit().await?;
    ensure!(tenants().await?.is_empty() && !is_stalled(arena, 1, at(100)).await?);
    Ok(())
}

pub(super) async fn who_rests_is_not_due_until_settings_are_stored(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[reminding(1, &[20])?]).await?;
    let quiet = Some(QuietHours::parse("22:00", "07:00")?);
    let night = TaskSettings { zone: Tz::Europe__Berlin, quiet, ..TaskSettings::default() };
    let store = async |settings: &TaskSettings| -> Result<()> {
        let mut uow = arena.begin().await?;
        uow.tasks().store_settings(settings, at(10)).await?;
        Ok(uow.commit().await?)
    };
    let rest = async |settings: &TaskSettings| -> Result<()> {
        let mut uow = arena.begin().await?;
        uow.reminders().rest(settings, at(60)).await?;
        Ok(uow.commit().await?)
    };
    store(&night).await?;
    ensure!(is_due(arena, at(25)).await?);
    // Whoever looked at settings that are others by now.
    for other in [TaskSettings { zone: Tz::Asia__Tokyo, ..night }, TaskSettings { quiet: None, ..night }] {
        rest(&other).await?;
        ensure!(is_due(arena, at(25)).await?, "{other:?}");
    }
    rest(&night).await?;
    ensure!(!is_due(arena, at(59)).await? && is_due(arena, at(60)).await?);
    store(&night).await?;
    ensure!(is_due(arena, at(25)).await?, "they may have been changed in between");
    Ok(())
}

pub(super) async fn tenants_that_are_due_are_found_in_pages(arena: &Arena<'_>) -> Result<()> {
    insert(arena, &[reminding(1, &[20])?, reminding(2, &[90])?]).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    uow.tasks().insert(&[reminding(1, &[30])?]).await?;
    uow.commit().await?;
    let ours = |found: &[TenantId]| -> Vec<TenantId> {
        found.iter().copied().filter(|tenant| [arena.tenant, arena.other].contains(tenant)).collect()
    };
    let due = async |now, after| arena.world.reminders().due_reminders(now, after, PLENTY).await;
    ensure!(ours(&due(at(29), None).await?) == [arena.tenant], "the other's comes later");
    let all = due(at(30), None).await?;
    ensure!(all.is_sorted() && ours(&all).len() == 2);
    let (first, second) = (arena.tenant.min(arena.other), arena.tenant.max(arena.other));
    ensure!(ours(&due(at(30), Some(first)).await?) == [second]);
    ensure!(ours(&due(at(30), Some(second)).await?).is_empty());
    ensure!(due(at(30), Some(TenantId::new(Uuid::max()))).await?.is_empty());
    ensure!(arena.world.reminders().due_reminders(at(30), None, 1).await?.len() == 1);
    Ok(())
}

pub(super) async fn refused_mails_go_with_their_task_or_their_user(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?, user(2, "bob", "bob")?]).await?;
    insert(arena, &[reminding(1, &[20])?, reminding(2, &[20])?]).await?;
    take(arena, 1, at(300), 9).await?;
    let [to_ada, to_bob, of_two, of_two_as_well] = [1000, 1001, 1002, 1003].map(mail_id);
    let mut uow = arena.begin().await?;
    let all = [to_ada, to_bob, of_two, of_two_as_well];
    uow.reminders().refused(batch(arena, 1), &all, "mail_refused", at(301)).await?;
    uow.tasks().remove(&[task_id(2)]).await?;
    uow.commit().await?;
    arena.delete(user_id(1)).await?;
    let mut uow = arena.begin().await?;
    ensure!(uow.users().remove(user_id(1), at(302)).await?);
    uow.commit().await?;
    // Only what is there can be there twice.
    let again = async |id| -> Result<bool> {
        let kind = ReminderKind::Due;
        let reminder = muster_domain::tasks::Reminder { kind, to: user_id(2), at: at(20) };
        let mut uow = arena.begin().await?;
        Ok(uow
            .reminders()
            .queue(batch(arena, 2), &[ReminderMail { id, task: task_id(1), reminder }], at(303))
            .await
            .is_ok())
    };
    ensure!(again(to_ada).await? && again(of_two).await? && again(of_two_as_well).await?);
    ensure!(!again(to_bob).await?, "the other user's is kept");
    Ok(())
}

pub(super) async fn reminders_never_meet(arena: &Arena<'_>) -> Result<()> {
    arena.insert(&[user(1, "ada", "ada")?]).await?;
    insert(arena, &[reminding(1, &[20])?]).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.reminders().lock_due(at(25), 9).await?.is_empty());
    drop(uow);
    take(arena, 1, at(25), 9).await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.reminders().open(batch(arena, 1), None, 9).await?.is_empty());
    uow.reminders().done(batch(arena, 1), &[mail_id(1000)]).await?;
    uow.reminders().refused(batch(arena, 1), &[mail_id(1000)], "mail_refused", at(26)).await?;
    uow.reminders().touch(batch(arena, 1), at(500)).await?;
    uow.commit().await?;
    let mut uow = arena.begin_as(arena.other).await?;
    ensure!(uow.reminders().store_taken(&[reminding(1, &[90])?]).await.is_err(), "it has no such task");
    drop(uow);
    // A mail of another tenant's task and user leads to neither.
    let mails: Vec<_> = open(arena, 1).await?.iter().map(|reminder| reminder.mail).collect();
    let mut uow = arena.begin_as(arena.other).await?;
    uow.reminders().queue(batch(arena, 1), &mails, at(25)).await?;
    let theirs = uow.reminders().open(batch(arena, 1), None, 9).await?;
    ensure!(theirs.len() == 1 && theirs.iter().all(|reminder| reminder.task.is_none() && reminder.user.is_none()));
    drop(uow);
    ensure!(open_ids(arena, 1).await? == [mail_id(1000)] && is_stalled(arena, 1, at(100)).await?);
    Ok(())
}
