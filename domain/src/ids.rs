use std::fmt;

use uuid::Uuid;

/// Defines an id that cannot be mistaken for another kind of id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be such an id.
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads a UUID in any of its usual forms.
            pub fn parse(text: &str) -> Option<Self> {
                Uuid::parse_str(text).ok().map(Self)
            }

            /// The UUID, for storage and the wire.
            pub const fn get(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Who the data belongs to.
    TenantId
}
id! {
    /// A user; unique within a tenant.
    UserId
}
id! {
    /// A long-running operation; unique within a tenant.
    OperationId
}
id! {
    /// A line of a user's history.
    EventId
}
id! {
    /// Welcome mails that go out together; unique within a tenant.
    WelcomeBatchId
}
id! {
    /// Where a tenant is told of events; unique within a tenant.
    WebhookEndpointId
}
id! {
    /// One event on its way to one endpoint; unique within a tenant.
    WebhookDeliveryId
}
id! {
    /// What endpoints are told; the same for all of them, and in each repeat.
    WebhookMessageId
}
id! {
    /// When work of a tenant begins by itself; unique within a tenant.
    ScheduleId
}
id! {
    /// A service that acts for a tenant; unique within a tenant.
    PartnerClientId
}
id! {
    /// Something that such a service has told; unique within a tenant.
    PartnerEventId
}
id! {
    /// Something that is to be done; unique within a tenant.
    TaskId
}
id! {
    /// Reminders that go out together; unique within a tenant.
    ReminderBatchId
}
id! {
    /// One mail about a task; unique within a tenant.
    ReminderMailId
}
