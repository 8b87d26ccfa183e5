use crate::FieldError;

/// A user's name within a tenant; unique without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// Parses a name of 3 to 100 letters, digits, `_` and `-` of ASCII.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let length = text.chars().count();
        if length < 3 {
            return Err(FieldError::new("username", "too_short", "must have at least 3 characters"));
        }
        if length > 100 {
            return Err(FieldError::new("username", "too_long", "must have at most 100 characters"));
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(FieldError::new("username", "invalid_username", "must consist of letters, digits, _ and -"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes a name that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, owned.
    pub fn into_string(self) -> String {
        self.0
    }

    /// What uniqueness is judged by.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_the_documented_alphabet_only() {
        assert!(Username::parse("Bob_the-3rd").is_ok());
        for text in ["ab", "bob\n", "b ob", "bö-b", "bob\0", "", &"a".repeat(101)] {
            assert!(Username::parse(text).is_err(), "{text:?}");
        }
    }
}
