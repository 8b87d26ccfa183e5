use std::collections::HashMap;

use muster_domain::UserId;
use muster_domain::users::{StoredUser, TakenBy};

use crate::imports::RowProblem;

/// Who has which e-mail address and user name, and which rows of a block want one: the first that wants it gets it.
pub(super) struct Claims {
    emails: HashMap<String, Holder>,
    usernames: HashMap<String, Holder>,
}

#[derive(Clone, Copy)]
enum Holder {
    /// A user who is there.
    User(UserId),
    /// The user of an earlier row.
    Row(u32),
}

impl Claims {
    pub(super) fn new(holders: Vec<TakenBy>) -> Self {
        let (mut emails, mut usernames) = (HashMap::new(), HashMap::new());
        for TakenBy { id, email, username } in holders {
            emails.insert(email, Holder::User(id));
            usernames.insert(username, Holder::User(id));
        }
        Self { emails, usernames }
    }

    /// Gives a user what they want to have, or says what of it is not free.
    pub(super) fn claim(&mut self, row: u32, stored: &StoredUser) -> Result<(), Vec<RowProblem>> {
        let (email, username) = (stored.user.email.as_str(), stored.user.username.folded());
        let problems: Vec<_> = [
            problem("email", stored.user.id, self.emails.get(email)),
            problem("username", stored.user.id, self.usernames.get(&username)),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        // What a user has already stays theirs, under the row that kept it.
        self.emails.insert(email.to_owned(), Holder::Row(row));
        self.usernames.insert(username, Holder::Row(row));
        Ok(())
    }
}

fn problem(field: &'static str, user: UserId, holder: Option<&Holder>) -> Option<RowProblem> {
    match *holder? {
        Holder::User(id) if id == user => None,
        Holder::User(_) => Some(RowProblem::of(field, "duplicate", "belongs to an existing user")),
        Holder::Row(row) => {
            Some(RowProblem::of(field, "duplicate_in_file", format!("is the same as in row {row} of this operation")))
        }
    }
}
