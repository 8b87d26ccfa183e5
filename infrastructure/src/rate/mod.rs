//! Rate limits (ADR 17): counted in Redis for all processes together, and by each for itself while Redis is away.
//!
//! A budget is kept as one instant, the one at which all of it is there again (GCRA): a request moves it on by its
//! share of the minute, and is refused if that would be more than the whole budget from now. Redis moves it by a script
//! and by its own clock. What Redis said is remembered in the process too, so that who has been refused costs no
//! further call until their time has come, and so that nobody gets a fresh budget when Redis goes away.

mod gcra;
mod key;
mod limiter;
mod link;
mod local;
mod shared;

pub use limiter::Limiter;
