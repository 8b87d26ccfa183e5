use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::gcra::{Counted, Rule};
use super::key::Key;

/// Most callers that are remembered, at about 200 bytes each. Beyond that the one who has not come for longest is
/// forgotten, and starts anew.
const MOST: u64 = 100_000;
/// After so long nothing of a budget is taken any more.
const FORGOTTEN: Duration = Duration::from_secs(61);

/// What each caller has taken, as this process knows it.
pub(super) struct Local {
    /// When the whole budget is there again, in microseconds since `began`.
    whole_at: Cache<Key, Arc<AtomicU64>>,
    began: Instant,
}

impl Local {
    pub(super) fn new() -> Self {
        let builder = Cache::builder().max_capacity(MOST).time_to_idle(FORGOTTEN);
        Self { whole_at: builder.eviction_policy(EvictionPolicy::lru()).build(), began: Instant::now() }
    }

    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Counts a request.
    pub(super) fn count(&self, key: Key, rule: Rule, now: u64) -> Counted {
        let whole_at = self.whole_at.get_with(key, Arc::default);
        let mut before = whole_at.load(Ordering::Relaxed);
        loop {
            let counted = rule.count(taken(before, now));
            if !counted.admitted {
                return counted;
            }
            let after = now.saturating_add(counted.taken);
            match whole_at.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return counted,
                Err(another) => before = another,
            }
        }
    }

    /// What is known of a caller who would be refused; none if they might be let in.
    pub(super) fn refuses(&self, key: Key, rule: Rule, now: u64) -> Option<Counted> {
        let whole_at = self.whole_at.get(&key)?;
        let counted = rule.count(taken(whole_at.load(Ordering::Relaxed), now));
        (!counted.admitted).then_some(counted)
    }

    /// All processes together have counted this.
    pub(super) fn learn(&self, key: Key, counted: Counted, now: u64) {
        let whole_at = self.whole_at.get_with(key, Arc::default);
        // Answers may overtake each other: the later instant is the newer one.
        whole_at.fetch_max(now.saturating_add(counted.taken), Ordering::Relaxed);
    }
}

const fn taken(whole_at: u64, now: u64) -> u64 {
    whole_at.saturating_sub(now)
}

#[cfg(test)]
mod tests {
    use muster_application::ports::{Budget, Caller};

    use super::*;

    const SECOND: u64 = 1_000_000;

    fn budget() -> Budget {
        Budget { name: "default", per_minute: 60.try_into().unwrap() }
    }

    fn key(address: &str) -> Key {
        Key::new(&Caller { tenant: None, address: Some(address.parse().unwrap()) }, budget())
    }

    #[test]
    fn the_whole_budget_may_come_at_once_and_grows_back_evenly() {
        let (local, rule, key) = (Local::new(), Rule::of(budget()), key("192.0.2.1"));
        let now = 5 * SECOND;
        for left in (0..60).rev() {
            let counted = local.count(key, rule, now);
            assert!(counted.admitted);
            assert_eq!(rule.verdict(counted).remaining, left);
        }
        let refused = local.count(key, rule, now);
        assert_eq!(rule.verdict(refused).refused_for, Some(Duration::from_secs(1)));
        assert!(!local.count(key, rule, now + SECOND - 1).admitted, "a refusal costs nothing and brings nothing");
        assert!(local.count(key, rule, now + SECOND).admitted);
        assert!(!local.count(key, rule, now + SECOND).admitted);
        let later = now + 61 * SECOND;
        assert_eq!((0..100).filter(|_| local.count(key, rule, later).admitted).count(), 60);
    }

    #[test]
    fn callers_do_not_share_a_budget() {
        let (local, rule) = (Local::new(), Rule::of(budget()));
        while local.count(key("192.0.2.1"), rule, 0).admitted {}
        assert!(local.count(key("192.0.2.2"), rule, 0).admitted);
    }

    #[test]
    fn threads_let_in_no_more_than_the_budget() {
        let (local, rule, key) = (Local::new(), Rule::of(budget()), key("192.0.2.1"));
        let admitted: usize = std::thread::scope(|scope| {
            let count = || (0..100).filter(|_| local.count(key, rule, 0).admitted).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 60);
    }

    #[test]
    fn what_all_processes_have_counted_goes_on_here() {
        let (local, rule, key) = (Local::new(), Rule::of(budget()), key("192.0.2.1"));
        assert_eq!(local.refuses(key, rule, 0), None);
        local.learn(key, Counted { admitted: true, taken: 58 * SECOND }, 0);
        // An answer that was overtaken.
        local.learn(key, Counted { admitted: true, taken: 3 * SECOND }, 0);
        assert_eq!(local.refuses(key, rule, 0), None);
        assert_eq!((0..10).filter(|_| local.count(key, rule, 0).admitted).count(), 2);
        assert!(local.refuses(key, rule, SECOND - 1).is_some());
        assert_eq!(local.refuses(key, rule, SECOND), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (local, rule) = (Local::new(), Rule::of(budget()));
        for n in 0..(2 * u32::try_from(MOST).unwrap()) {
            let caller = Caller { tenant: None, address: Some(std::net::Ipv4Addr::from_bits(n).into()) };
            local.count(Key::new(&caller, budget()), rule, 0);
        }
        local.whole_at.run_pending_tasks();
        assert!(local.whole_at.entry_count() <= MOST);
    }
}
