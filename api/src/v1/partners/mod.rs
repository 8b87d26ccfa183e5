//! Partners: services that act for a tenant with signed requests, and what they told.

pub(crate) mod events;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod webhook;
