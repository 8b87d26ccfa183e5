/// What an import does with a row whose user is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// The row fails.
    #[default]
    Fail,
    /// The user stays as they are, and the row is skipped.
    Skip,
    /// The fields that the row gives are set.
    Update,
    /// The user becomes what the row says; what it does not give is cleared.
    Replace,
}

/// By what a row finds the user it is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MatchBy {
    /// Their e-mail address.
    #[default]
    Email,
    /// Their user name.
    Username,
    /// Their id.
    Id,
}

impl OnConflict {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Skip, Self::Update, Self::Replace];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Update => "update",
            Self::Replace => "replace",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

impl MatchBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Email, Self::Username, Self::Id];

    /// The name in storage and on the wire; also that of the field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Id => "id",
        }
    }

    /// The key of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for policy in OnConflict::ALL {
            assert_eq!(OnConflict::from_name(policy.name()), Some(policy));
        }
        for key in MatchBy::ALL {
            assert_eq!(MatchBy::from_name(key.name()), Some(key));
        }
    }
}
