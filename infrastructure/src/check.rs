//! What a look at one part of a deployment finds, for operators.

/// What was looked at, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, such as `database role`.
    pub name: &'static str,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a look. No text has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be; what there is.
    Good(String),
    /// It is not.
    Bad {
        /// What is wrong.
        wrong: String,
        /// The command or the variable that mends it.
        mend: String,
    },
    /// Nobody can look, or nobody needs to; why.
    Skipped(String),
}

impl Finding {
    /// It is as it should be.
    pub fn good(name: &'static str, what: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Good(what.into()) }
    }

    /// It is not, and how to mend it.
    pub fn bad(name: &'static str, wrong: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Bad { wrong: wrong.into(), mend: mend.into() } }
    }

    /// Nobody looked, and why.
    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Skipped(why.into()) }
    }
}

/// The root of an error, in one line: what lies above it is in our own words already. The libraries' errors about
/// connections name hosts and ports, never credentials.
pub(crate) fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}
