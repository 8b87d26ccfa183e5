//! What the end-to-end tests share: a stack per test, a client of the API, the command line, a partner, uploads by hand, seeded chance.
//!
//! The tests are in `tests/`, named after what they show. They run against the real programs and real services.

pub mod chance;
pub mod client;
pub mod collector;
pub mod muster;
pub mod partner;
pub mod rows;
pub mod upload;
pub mod world;

pub use self::{
    chance::Chance,
    client::{Answer, Client},
    upload::Upload,
    world::{World, test, test_durable},
};
