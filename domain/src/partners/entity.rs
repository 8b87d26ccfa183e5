/// What partners can ask to be synchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncedEntity {
    /// Users, which are kept here.
    Users,
    /// Products, which are not.
    Products,
    /// Orders, which are not.
    Orders,
    /// Stocks, which are not.
    Inventory,
}

impl SyncedEntity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Users, Self::Products, Self::Orders, Self::Inventory];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Products => "products",
            Self::Orders => "orders",
            Self::Inventory => "inventory",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.name() == name)
    }

    /// Whether such entities are kept here at all.
    pub const fn is_kept(self) -> bool {
        matches!(self, Self::Users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for entity in SyncedEntity::ALL {
            assert_eq!(SyncedEntity::from_name(entity.name()), Some(entity));
        }
    }
}
