mod ping;
mod sweep;

pub use ping::Ping;
pub use sweep::Sweep;
