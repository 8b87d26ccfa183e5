use crate::FieldError;

/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 10_000;

/// What a task is called: one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskTitle(String);

impl TaskTitle {
    /// Parses a title; blanks around it are not part of it.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let error = |code, detail: &'static str| Err(FieldError::new("title", code, detail));
        let title = text.trim();
        if title.is_empty() {
            return error("too_short", "must have at least 1 character");
        }
        if title.chars().any(char::is_control) {
            return error("control_character", "must be one line without control characters");
        }
        if text.chars().count() > MAX_TITLE {
            return error("too_long", "must have at most 200 characters");
        }
        Ok(Self(title.to_owned()))
    }

    /// Takes a title that was parsed before it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The title.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is to be done, in as many lines as it takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskDescription(String);

impl TaskDescription {
    /// Parses a description; an empty one is none.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        let error = |code, detail: &'static str| Err(FieldError::new("description", code, detail));
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return error("control_character", "must have no control characters but tabs and ends of lines");
        }
        if text.chars().count() > MAX_DESCRIPTION {
            return error("too_long", "must have at most 10000 characters");
        }
        Ok((!text.trim().is_empty()).then(|| Self(text.to_owned())))
    }

    /// Takes a description that was parsed before it was stored.
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The description.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_1_to_200_characters() {
        assert_eq!(TaskTitle::parse(" Call Ada ").unwrap().as_str(), "Call Ada");
        assert!(TaskTitle::parse(&"ä".repeat(200)).is_ok());
        for (text, code) in [
            (String::new(), "too_short"),
            (" \t".to_owned(), "too_short"),
            ("a".repeat(201), "too_long"),
            ("a\nb".to_owned(), "control_character"),
            ("a\0".to_owned(), "control_character"),
        ] {
            assert_eq!(TaskTitle::parse(&text).unwrap_err().code, code);
        }
    }

    #[test]
    fn a_description_has_lines_and_may_be_none() {
        assert_eq!(TaskDescription::parse("one\n\ttwo").unwrap().unwrap().as_str(), "one\n\ttwo");
        assert_eq!(TaskDescription::parse(" \n").unwrap(), None);
        assert!(TaskDescription::parse(&"a".repeat(10_000)).is_ok());
        assert_eq!(TaskDescription::parse(&"a".repeat(10_001)).unwrap_err().code, "too_long");
        assert_eq!(TaskDescription::parse("\0").unwrap_err().code, "control_character");
    }
}
