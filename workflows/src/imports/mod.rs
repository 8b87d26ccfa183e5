mod import_users;

pub use import_users::ImportUsers;
