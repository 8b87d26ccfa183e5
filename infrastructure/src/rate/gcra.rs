use std::time::Duration;

use muster_application::ports::{Budget, Verdict};

/// In microseconds.
const MINUTE: u64 = 60_000_000;

/// A budget in microseconds: they are whole numbers everywhere, in Redis too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    /// What one request takes until it has grown back.
    pub(super) share: u64,
    /// What all of them take; a minute, but for the rounding of the share.
    pub(super) whole: u64,
}

/// How one request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) admitted: bool,
    /// Microseconds from now until the whole budget is there again.
    pub(super) taken: u64,
}

impl Rule {
    pub(super) fn of(budget: Budget) -> Self {
        let requests = u64::from(budget.per_minute.get());
        let share = (MINUTE / requests).max(1);
        Self { share, whole: share.saturating_mul(requests) }
    }

    /// Counts a request of which so much was taken before.
    pub(super) fn count(self, taken: u64) -> Counted {
        let after = taken.saturating_add(self.share);
        if after <= self.whole { Counted { admitted: true, taken: after } } else { Counted { admitted: false, taken } }
    }

    pub(super) fn verdict(self, counted: Counted) -> Verdict {
        let wait = counted.taken.saturating_add(self.share).saturating_sub(self.whole);
        let left = self.whole.saturating_sub(counted.taken) / self.share;
        Verdict {
            refused_for: (!counted.admitted).then(|| Duration::from_micros(wait.max(1))),
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            whole_after: Duration::from_micros(counted.taken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(per_minute: u32) -> Rule {
        Rule::of(Budget { name: "x", per_minute: per_minute.try_into().unwrap() })
    }

    #[test]
    fn the_burst_is_the_budget_whatever_the_share_is_rounded_to() {
        for per_minute in [1, 7, 59, 60, 61, 999, 59_999, 60_000_000, u32::MAX] {
            let rule = rule(per_minute);
            assert!(rule.whole >= rule.share && rule.whole / rule.share == u64::from(per_minute), "{per_minute}");
            assert!(rule.count(rule.whole - rule.share).admitted);
            assert!(!rule.count(rule.whole - rule.share + 1).admitted);
        }
    }

    #[test]
    fn a_verdict_says_what_is_left_and_how_long_to_wait() {
        let rule = rule(60);
        let first = rule.verdict(rule.count(0));
        assert_eq!(first, Verdict { refused_for: None, remaining: 59, whole_after: Duration::from_secs(1) });
        let last = rule.verdict(rule.count(59_000_000));
        assert_eq!(last, Verdict { refused_for: None, remaining: 0, whole_after: Duration::from_mins(1) });
        let refused = rule.verdict(rule.count(59_400_000));
        assert_eq!((refused.refused_for, refused.remaining), (Some(Duration::from_millis(400)), 0));
        assert_eq!(refused.whole_after, Duration::from_millis(59_400));
    }
}
