use super::{EmailAddress, EmailPolicy, FullName, Username};
use crate::FieldError;

/// What a client gives for a user, unchecked.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserFields<'a> {
    /// Required.
    pub email: Option<&'a str>,
    /// Required.
    pub username: Option<&'a str>,
    /// May be absent.
    pub full_name: Option<&'a str>,
}

/// A user that keeps every rule which needs no look at other users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Where mail goes, and what uniqueness is judged by.
    pub email: EmailAddress,
    /// Unique as well.
    pub username: Username,
    /// How the user is addressed.
    pub full_name: Option<FullName>,
}

impl NewUser {
    /// Checks all fields at once.
    ///
    /// # Errors
    /// One error for each field that breaks a rule.
    pub fn parse(fields: UserFields<'_>, policy: EmailPolicy) -> Result<Self, Vec<FieldError>> {
        let missing = |field| FieldError::new(field, "missing", "is required");
        let email = fields.email.ok_or_else(|| missing("email")).and_then(|text| EmailAddress::parse(text, policy));
        let username = fields.username.ok_or_else(|| missing("username")).and_then(Username::parse);
        let full_name = fields.full_name.map_or(Ok(None), FullName::parse);
        match (email, username, full_name) {
            (Ok(email), Ok(username), Ok(full_name)) => Ok(Self { email, username, full_name }),
            (email, username, full_name) => {
                Err([email.err(), username.err(), full_name.err()].into_iter().flatten().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_broken_field() {
        let fields = UserFields { email: Some("nope"), username: None, full_name: Some("\0") };
        let errors = NewUser::parse(fields, EmailPolicy { allow_special_use: false }).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|e| (e.field, e.code)).collect();
        assert_eq!(fields, [("email", "invalid_email"), ("username", "missing"), ("full_name", "control_character")]);
    }
}
