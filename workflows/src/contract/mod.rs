//! Payloads and activities as they stand on the wire: additive changes only.

pub mod control;
pub mod imports;
pub mod mails;
pub mod webhooks;
