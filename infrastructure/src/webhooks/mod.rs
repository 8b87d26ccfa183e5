//! HTTP to the endpoints of tenants: to addresses that may be reached, and nowhere else.

mod connect;
mod resolve;
mod sender;

pub use connect::trusted_roots;
pub use resolve::{Resolve, SystemResolver};
pub use sender::HttpWebhookSender;
