use email_address::{EmailAddress as Parsed, Options};

use crate::FieldError;

/// Longest address, in characters, by the reference contract.
const MAX_CHARS: usize = 255;
/// Top-level domains that never reach anybody (RFC 2606, RFC 6761).
const SPECIAL_USE: [&str; 4] = ["test", "local", "invalid", "localhost"];

/// Which addresses are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmailPolicy {
    /// Accept `.test`, `.local`, `.invalid` and `localhost`: for development and tests only.
    pub allow_special_use: bool,
}

/// An e-mail address in normal form: lower case, without a display name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address; `Bob <bob@x.com>` becomes `bob@x.com`.
    ///
    /// # Errors
    /// Names the rule that is broken: syntax, length, a domain without a dot, a special-use domain.
    pub fn parse(text: &str, policy: EmailPolicy) -> Result<Self, FieldError> {
        let invalid = |detail| FieldError::new("email", "invalid_email", detail);
        if text.chars().any(char::is_control) {
            return Err(FieldError::new("email", "control_character", "must not contain control characters"));
        }
        let options = Options::default().with_required_tld().without_domain_literal().with_display_text();
        let parsed = Parsed::parse_with_options(text.trim(), options)
            .map_err(|_| invalid("must be an e-mail address such as name@example.com"))?;
        let address = parsed.email().to_lowercase();
        if address.chars().count() > MAX_CHARS {
            return Err(FieldError::new("email", "too_long", "must have at most 255 characters"));
        }
        let tld = address.rsplit(['.', '@']).next().unwrap_or_default();
        if !policy.allow_special_use && SPECIAL_USE.contains(&tld) {
            return Err(invalid("must not be in a special-use domain such as .test or .local"));
        }
        Ok(Self(address))
    }

    /// Takes an address that was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The address in normal form.
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

    const STRICT: EmailPolicy = EmailPolicy { allow_special_use: false };

    #[test]
    fn normalises_case_and_display_name() {
        for text in ["bob@x.com", "BOB@X.com", "Bob <bob@x.com>", "  bob@x.com "] {
            assert_eq!(EmailAddress::parse(text, STRICT).unwrap().as_str(), "bob@x.com", "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long = format!("{}@x.com", "a".repeat(250));
        for text in [
            "",
            "bob",
            "bob@",
            "@x.com",
            "bob@x",
            "a b@x.com",
            "bob@x..com",
            "bob@[127.0.0.1]",
            "a@b@x.com",
            "bob\0@x.com",
            &long,
        ] {
            assert!(EmailAddress::parse(text, STRICT).is_err(), "{text:?}");
        }
    }

    #[test]
    fn refuses_special_use_domains_unless_allowed() {
        for text in ["a@b.test", "a@b.local", "a@b.invalid", "a@b.localhost"] {
            assert!(EmailAddress::parse(text, STRICT).is_err(), "{text}");
            assert!(EmailAddress::parse(text, EmailPolicy { allow_special_use: true }).is_ok(), "{text}");
        }
    }
}
