//! Users: who they are, and what makes one valid.

mod changes;
mod email;
mod event;
mod full_name;
mod new_user;
mod query;
mod repository;
mod search_index;
mod stored;
mod user;
mod username;

pub use changes::{Given, UserChanges, UserPatch};
pub use email::{EmailAddress, EmailPolicy};
pub use event::{BlockEvent, FieldChange, FieldDigest, UserEvent, UserEventKind};
pub use full_name::FullName;
pub use new_user::{NewUser, UserFields};
pub use query::{PageStart, UserFilter, UserPosition};
pub use repository::{EXACT_TOTAL, TakenBy, UserList, UserMaker, UserReader, UserRepository, UserSnapshot};
pub use search_index::{SearchIndexReader, SearchIndexRepository};
pub use stored::StoredUser;
pub use user::User;
pub use username::Username;
