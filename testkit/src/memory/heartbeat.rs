use std::sync::atomic::{AtomicU32, Ordering};

use muster_application::ports::Heartbeat;

/// Nobody listens, and nobody cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHeartbeat;

impl Heartbeat for NoHeartbeat {
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Says that the work is no longer wanted once it has been asked `n` times.
#[derive(Debug)]
pub struct CancelAfter(AtomicU32);

impl CancelAfter {
    /// Wanted for the first `n` questions.
    pub const fn new(n: u32) -> Self {
        Self(AtomicU32::new(n))
    }
}

impl Heartbeat for CancelAfter {
    fn is_cancelled(&self) -> bool {
        self.0.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}
