//! How the mail server misbehaves.

use std::time::Duration;

/// What it does with commands and messages. The default accepts everything at once.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Answers 4xx ("try again later").
    pub temporary: Refusal,
    /// Answers RCPT with 550 when the recipient holds one of these texts.
    pub refuse_recipients: Vec<String>,
    /// Waits this long before every answer.
    pub delay: Duration,
    /// Cuts the connection.
    pub cut: Cut,
    /// Only every nth message is cut; 0 and 1 mean every one.
    pub cut_every: u64,
    /// Offers AUTH PLAIN, and takes this password only.
    pub password: Option<String>,
}

impl Behaviour {
    /// Accepts everything.
    pub fn accept() -> Self {
        Self::default()
    }

    /// Answers 4xx as told.
    pub fn temporary(refusal: Refusal) -> Self {
        Self { temporary: refusal, ..Self::default() }
    }

    /// Refuses for good the recipients that hold `text`.
    pub fn refusing(text: &str) -> Self {
        Self { refuse_recipients: vec![text.to_owned()], ..Self::default() }
    }

    /// Waits before every answer.
    pub fn slow(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Wants a password.
    pub fn protected(password: &str) -> Self {
        Self { password: Some(password.to_owned()), ..Self::default() }
    }

    /// Cuts the connection as told.
    pub fn cutting(cut: Cut) -> Self {
        Self { cut, ..Self::default() }
    }
}

/// Which commands get a 4xx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusal {
    /// None.
    #[default]
    Never,
    /// Every RCPT.
    Always,
    /// Every nth RCPT, counted over all connections.
    EveryNthRcpt(u64),
    /// Every nth message, after its body, counted over all connections.
    EveryNthData(u64),
}

/// When the connection is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// Never.
    #[default]
    Never,
    /// As soon as a client connects: the server is as good as down.
    OnConnect,
    /// After the body, and the message is not kept.
    BeforeAccept,
    /// After the body; the message is kept, but the client never hears of it.
    AfterAccept,
}
