//! Rows that have what a row of an earlier block of their upload has.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use muster_domain::operations::{MatchBy, OnConflict, Operation, OperationKind, StoredRow, UploadedBlock};
use muster_domain::users::{EmailAddress, Username};

use super::problems::Holders;
use super::{BlockRows, ImportRow, RowProblem, failed_row};
use crate::busy::busy;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// What no two rows of an upload may have in common, in the form in which storage compares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    field: &'static str,
    value: String,
}

impl Key {
    fn email(email: &EmailAddress) -> Self {
        Self { field: "email", value: email.as_str().to_owned() }
    }

    fn username(username: &Username) -> Self {
        Self { field: "username", value: username.folded() }
    }
}

/// Where a key was seen first.
#[derive(Debug, Clone, Copy)]
struct First {
    block: u32,
    row: u32,
}

/// The keys that an upload has several times. Of the others, and those are nearly all, nothing is held once they were
/// counted, and eight bytes each before.
#[derive(Default)]
pub(crate) struct Repeats {
    hasher: RandomState,
    seen: Vec<u64>,
    /// Hashes of keys that are there several times, and of a few others by chance.
    several: HashSet<u64>,
    first: HashMap<Key, First>,
}

struct Candidate {
    row: u32,
    line: u64,
    keys: Vec<Key>,
}

impl Repeats {
    /// No more keys are to be counted; says whether any is there several times.
    pub(crate) fn counted(&mut self) -> bool {
        let mut seen = std::mem::take(&mut self.seen);
        seen.sort_unstable();
        let pairs = seen.iter().zip(seen.iter().skip(1));
        self.several = pairs.filter(|(one, next)| one == next).map(|(one, _)| *one).collect();
        !self.several.is_empty()
    }

    fn is_several(&self, key: &Key) -> bool {
        self.several.contains(&self.hasher.hash_one(key))
    }
}

impl App {
    /// Counts the keys of a block.
    pub(crate) fn count_keys(
        &self,
        repeats: &mut Repeats,
        operation: &Operation,
        block: UploadedBlock,
    ) -> Result<(), AppError> {
        each_row(block, &mut |_, row| {
            for key in self.keys(operation, row) {
                repeats.seen.push(repeats.hasher.hash_one(&key));
            }
        })
    }

    /// The rows of a block that have what a row of an earlier block has, as failed; blocks are to be given in order. Within
    /// a block its own transaction tells who is first. A row that cannot win, since somebody who is there has what it wants,
    /// takes nothing from later ones.
    pub(crate) async fn repeated_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        repeats: &mut Repeats,
        operation: &Operation,
        block: UploadedBlock,
    ) -> Result<Vec<StoredRow>, AppError> {
        let number = block.number;
        let mut candidates = Vec::new();
        busy(|| {
            each_row(block, &mut |row, read| {
                let keys = self.keys(operation, read);
                if keys.iter().any(|key| repeats.is_several(key)) {
                    candidates.push(Candidate { row, line: read.line, keys });
                }
            })
        })?;
        let holders = holders(uow, operation, &candidates).await?;
        let mut rows = Vec::new();
        for Candidate { row, line, keys } in candidates {
            let firsts: Vec<_> = keys.iter().map(|key| repeats.first.get(key).copied()).collect();
            let problems = keys.iter().zip(&firsts).filter_map(|(key, first)| match first {
                Some(first) => Some(repeated(key, first.row)),
                None => holders.as_ref().and_then(|holders| holders.problem_of(key.field, &key.value)),
            });
            let problems: Vec<_> = problems.collect();
            if firsts.iter().flatten().any(|first| first.block < number) {
                rows.push(failed_row(row, line, &problems)?);
            } else if problems.is_empty() {
                let several: Vec<_> = keys.into_iter().filter(|key| repeats.is_several(key)).collect();
                repeats.first.extend(several.into_iter().map(|key| (key, First { block: number, row })));
            }
        }
        Ok(rows)
    }

    /// What a row has to itself. A row that breaks a rule is reported for that when it is done, and takes nothing from others.
    fn keys(&self, operation: &Operation, row: &ImportRow<'_>) -> Vec<Key> {
        let options = operation.options;
        let id = || row.user_id().ok().flatten().map(|id| Key { field: "id", value: id.to_string() });
        if operation.kind == OperationKind::UsersImport {
            let Ok(user) = self.parse_row(row) else { return Vec::new() };
            let id = options.meets_by_id().then(id).flatten();
            return [Some(Key::email(&user.email)), Some(Key::username(&user.username)), id]
                .into_iter()
                .flatten()
                .collect();
        }
        if !row.problems.is_empty() {
            return Vec::new();
        }
        let (match_by, sets) = (options.match_by, operation.kind == OperationKind::UsersUpdate);
        let wanted = |by| match_by == by || (sets && by != MatchBy::Id);
        let email = row.email.as_deref().filter(|_| wanted(MatchBy::Email));
        let email = email.and_then(|text| EmailAddress::parse(text, self.settings.email_policy).ok());
        let username = row.username.as_deref().filter(|_| wanted(MatchBy::Username));
        let username = username.and_then(|text| Username::parse(text).ok());
        let (email, username) = (email.as_ref().map(Key::email), username.as_ref().map(Key::username));
        [email, username, wanted(MatchBy::Id).then(id).flatten()].into_iter().flatten().collect()
    }
}

fn each_row(block: UploadedBlock, see: &mut dyn FnMut(u32, &ImportRow<'_>)) -> Result<(), AppError> {
    let Some(data) = block.data else { return Ok(()) };
    let mut rows = BlockRows::new(data)?;
    for number in (block.first_row..).take(usize::try_from(block.rows).unwrap_or_default()) {
        see(number, &rows.next_row()?);
    }
    Ok(())
}

/// Who has what these rows want, where that makes them fail.
async fn holders(
    uow: &mut dyn UnitOfWork,
    operation: &Operation,
    candidates: &[Candidate],
) -> Result<Option<Holders>, AppError> {
    let fails = operation.kind == OperationKind::UsersImport && operation.options.on_conflict == OnConflict::Fail;
    if !fails || candidates.is_empty() {
        return Ok(None);
    }
    let of = |field| candidates.iter().flat_map(|candidate| &candidate.keys).filter(move |key| key.field == field);
    let emails: Vec<_> = of("email").map(|key| key.value.as_str()).collect();
    let usernames: Vec<_> = of("username").map(|key| key.value.clone()).collect();
    let found = uow.users().holders(&emails, &usernames).await?;
    Ok(Some(Holders::new(found, operation.row_ids())))
}

fn repeated(key: &Key, first: u32) -> RowProblem {
    RowProblem::of(key.field, "duplicate_in_file", format!("is the same as in row {first} of this operation"))
}
