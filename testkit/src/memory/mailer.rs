use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_application::ports::{Delivery, Mail, Mailer};

use super::lock;

/// A mail server that takes every mail unless it is told otherwise. Clones are the same server.
#[derive(Debug, Clone, Default)]
pub struct MemoryMailer(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    unreachable: bool,
    scripts: HashMap<String, VecDeque<Delivery>>,
    always: HashMap<String, Delivery>,
    attempts: Vec<(Mail, Delivery)>,
}

impl MemoryMailer {
    /// Gives these answers to the next mails for `address`, one each; after them as before.
    pub fn script(&self, address: &str, answers: impl IntoIterator<Item = Delivery>) {
        lock(&self.0).scripts.entry(address.to_owned()).or_default().extend(answers);
    }

    /// Gives this answer to every mail for `address`.
    pub fn always(&self, address: &str, answer: Delivery) {
        lock(&self.0).always.insert(address.to_owned(), answer);
    }

    /// Stops answering, or answers again.
    pub fn set_unreachable(&self, unreachable: bool) {
        lock(&self.0).unreachable = unreachable;
    }

    /// Every mail that came, with what was answered, in order.
    pub fn attempts(&self) -> Vec<(Mail, Delivery)> {
        lock(&self.0).attempts.clone()
    }

    /// The mails that were taken, in order.
    pub fn taken(&self) -> Vec<Mail> {
        let inner = lock(&self.0);
        let taken = inner.attempts.iter().filter(|(_, answer)| *answer == Delivery::Sent);
        taken.map(|(mail, _)| mail.clone()).collect()
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Delivery {
        let mut inner = lock(&self.0);
        let answer = if inner.unreachable {
            Delivery::Unreachable
        } else if let Some(answer) = inner.scripts.get_mut(&mail.to).and_then(VecDeque::pop_front) {
            answer
        } else {
            inner.always.get(&mail.to).copied().unwrap_or(Delivery::Sent)
        };
        inner.attempts.push((mail.clone(), answer));
        answer
    }
}
