//! What the mail server has accepted: files, and a compact list in memory.

use std::{
    collections::VecDeque,
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

/// Ids kept in memory at most; later ones are only counted.
const MAX_IDS: usize = 5_000_000;
/// Whole messages kept for the page.
const SHOWN: usize = 200;

/// One accepted message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Received {
    /// Its `Message-ID`, with the angle brackets; empty when it has none.
    pub message_id: String,
    /// The recipient of the envelope.
    pub recipient: String,
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken.
    pub connections: u64,
    /// Messages accepted, repeats included.
    pub accepted: u64,
    /// Answers with 4xx.
    pub temporary: u64,
    /// Answers with 5xx to a recipient.
    pub refused: u64,
    /// Connections cut on purpose.
    pub cut: u64,
}

/// A message as the page shows it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) number: u64,
    pub(super) recipient: String,
    pub(super) subject: String,
    pub(super) raw: Vec<u8>,
}

#[derive(Debug, Default)]
struct Inner {
    counters: Counters,
    // One text and its cuts instead of two small allocations per message: a million mails stay below 100 MB.
    text: String,
    ends: Vec<(usize, usize)>,
    shown: VecDeque<Shown>,
    first: Option<Instant>,
    last: Option<Instant>,
    sequence: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    dir: Option<PathBuf>,
    /// Before the sequence number in file names, so that a restart never writes over older files and sorts after them.
    prefix: String,
    inner: Mutex<Inner>,
}

impl Store {
    pub(super) fn open(dir: Option<PathBuf>) -> Result<Self> {
        let mut inner = Inner::default();
        if let Some(dir) = &dir {
            fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
            let mut files: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
            files.sort();
            for file in files.iter().skip(files.len().saturating_sub(SHOWN)) {
                if let Ok(raw) = fs::read(file) {
                    let recipient = header(&raw, "to").unwrap_or_default();
                    inner.show(&recipient, raw);
                }
            }
        }
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Ok(Self { dir, prefix: format!("{millis:013}"), inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message; once this returns the client may be told so.
    pub(super) fn accept(&self, recipients: &[String], raw: Vec<u8>) -> Result<()> {
        let message_id = header(&raw, "message-id").unwrap_or_default();
        let number = {
            let mut inner = self.lock();
            inner.sequence += 1;
            inner.sequence
        };
        if let Some(dir) = &self.dir {
            let file = dir.join(format!("{}-{number:09}.eml", self.prefix));
            fs::write(&file, &raw).with_context(|| format!("cannot write {}", file.display()))?;
        }
        let now = Instant::now();
        let mut inner = self.lock();
        for recipient in recipients {
            if inner.ends.len() < MAX_IDS {
                inner.text.push_str(&message_id);
                let middle = inner.text.len();
                inner.text.push_str(recipient);
                let end = inner.text.len();
                inner.ends.push((middle, end));
            }
        }
        inner.counters.accepted += 1;
        inner.first.get_or_insert(now);
        inner.last = Some(now);
        inner.show(&recipients.join(", "), raw);
        Ok(())
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    pub(super) fn span(&self) -> Option<(Instant, Instant)> {
        let inner = self.lock();
        inner.first.zip(inner.last)
    }

    pub(super) fn messages(&self) -> Vec<Received> {
        let inner = self.lock();
        let mut from = 0;
        let cut = |from: usize, to: usize| inner.text.get(from..to).unwrap_or_default().to_owned();
        inner
            .ends
            .iter()
            .map(|&(middle, end)| {
                let received = Received { message_id: cut(from, middle), recipient: cut(middle, end) };
                from = end;
                received
            })
            .collect()
    }

    pub(super) fn clear(&self) {
        let mut inner = self.lock();
        let sequence = inner.sequence;
        *inner = Inner { sequence, ..Inner::default() };
    }

    /// The last messages, youngest first.
    pub(super) fn shown(&self) -> Vec<Shown> {
        self.lock().shown.iter().rev().cloned().collect()
    }
}

impl Inner {
    fn show(&mut self, recipient: &str, raw: Vec<u8>) {
        if self.shown.len() == SHOWN {
            self.shown.pop_front();
        }
        let number = self.shown.back().map_or(1, |last| last.number + 1);
        let subject = header(&raw, "subject").unwrap_or_default();
        self.shown.push_back(Shown { number, recipient: recipient.to_owned(), subject, raw });
    }
}

/// The value of a header, folded lines joined.
fn header(raw: &[u8], name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in raw.split(|byte| *byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(found) = &mut value {
            if !line.starts_with([' ', '\t']) {
                break;
            }
            found.push(' ');
            found.push_str(line.trim());
        } else if let Some((key, rest)) = line.split_once(':')
            && key.eq_ignore_ascii_case(name)
        {
            value = Some(rest.trim().to_owned());
        }
    }
    value
}
