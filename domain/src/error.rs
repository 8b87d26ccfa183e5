use std::borrow::Cow;

/// A value that breaks a rule. Never contains the value: it may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct FieldError {
    /// Name of the field as clients know it.
    pub field: &'static str,
    /// Stable code, such as `missing` or `too_long`.
    pub code: &'static str,
    /// One sentence: what is wrong and what would be right.
    pub detail: Cow<'static, str>,
}

impl FieldError {
    /// Makes an error about `field`.
    pub fn new(field: &'static str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { field, code, detail: detail.into() }
    }
}

/// Why storage could not do what was asked. Closed, so that each caller can decide.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A unique rule was broken; the field comes from the constraint's name, never from message text.
    #[error("{field} is already taken")]
    Conflict {
        /// The field whose value is taken.
        field: &'static str,
    },
    /// Storage cannot be reached, or asks to try again (deadlock, serialisation, shutdown).
    #[error("storage is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else: a defect of ours or of the stored data.
    #[error("storage failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}
