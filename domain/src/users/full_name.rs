use crate::FieldError;

/// Longest name, in characters.
const MAX_CHARS: usize = 255;

/// A person's name as shown; may be absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FullName(String);

impl FullName {
    /// Parses a name: control characters are stripped, NUL is refused, an empty name is none.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn parse(text: &str) -> Result<Option<Self>, FieldError> {
        if text.contains('\0') {
            return Err(FieldError::new("full_name", "control_character", "must not contain NUL"));
        }
        let name: String = text.chars().filter(|c| !c.is_control()).collect();
        let name = name.trim();
        if name.chars().count() > MAX_CHARS {
            return Err(FieldError::new("full_name", "too_long", "must have at most 255 characters"));
        }
        Ok((!name.is_empty()).then(|| Self(name.to_owned())))
    }

    /// Takes a name that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_control_characters_and_refuses_nul() {
        assert_eq!(FullName::parse(" Ada\t\u{7}Lovelace ").unwrap().unwrap().as_str(), "AdaLovelace");
        assert_eq!(FullName::parse("\u{1}").unwrap(), None);
        assert!(FullName::parse("A\0").is_err());
        assert!(FullName::parse(&"ä".repeat(255)).is_ok());
        assert!(FullName::parse(&"ä".repeat(256)).is_err());
    }
}
