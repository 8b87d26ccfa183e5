//! Users: who they are, and what makes one valid.

mod email;
mod full_name;
mod new_user;
mod repository;
mod user;
mod username;

pub use email::{EmailAddress, EmailPolicy};
pub use full_name::FullName;
pub use new_user::{NewUser, UserFields};
pub use repository::{TakenBy, UserReader, UserRepository};
pub use user::User;
pub use username::Username;
