use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_application::ports::{Budget, Caller, RateLimiter};
use muster_domain::TenantId;
use uuid::Uuid;

/// What every rate limiter must keep: the sentences on [`Budget`], [`Caller`] and [`RateLimiter`]. The limiter must not
/// have counted anything yet. The budget is so small that nothing of it grows back meanwhile.
pub async fn rate_limits(limiter: &dyn RateLimiter) -> Result<()> {
    let budget = |name| Budget { name, per_minute: NonZeroU32::MIN.saturating_add(3) };
    let (default, share) = (budget("default"), Duration::from_secs(15));
    let caller = |tenant: Option<u128>, address: &str| -> Result<Caller> {
        let tenant = tenant.map(|tenant| TenantId::new(Uuid::from_u128(tenant)));
        Ok(Caller { tenant, address: (!address.is_empty()).then(|| address.parse()).transpose()? })
    };
    let who = caller(Some(1), "2001:db8::1")?;

    // All of it may come at once.
    for left in (0..4).rev() {
        let verdict = limiter.count(&who, default).await;
        ensure!(verdict.refused_for.is_none() && verdict.remaining == left, "{left} are not left: {verdict:?}");
        ensure!(verdict.whole_after <= share * (4 - left), "{verdict:?}");
    }
    // One that is refused costs nothing.
    let (first, second) = (limiter.count(&who, default).await, limiter.count(&who, default).await);
    let (wait, later) = (first.refused_for.context("let in")?, second.refused_for.context("let in")?);
    ensure!(wait <= share && later <= wait, "{first:?}, then {second:?}");
    ensure!(first.remaining == 0 && second.whole_after <= share * 4, "{first:?}, then {second:?}");
    // An address of version 6 stands for its network of 64 bits.
    let neighbour = limiter.count(&caller(Some(1), "2001:db8::ffff:1:2:3")?, default).await;
    ensure!(neighbour.refused_for.is_some(), "another address of the same network has a budget of its own");
    // Each combination has budgets of its own.
    let mapped = caller(Some(1), "::ffff:192.0.2.1")?;
    for (other, budget) in [
        (who, budget("uploads")),
        (caller(Some(2), "2001:db8::1")?, default),
        (caller(None, "2001:db8::1")?, default),
        (caller(Some(1), "2001:db8:0:1::1")?, default),
        (caller(Some(1), "")?, default),
        (mapped, default),
    ] {
        let verdict = limiter.count(&other, budget).await;
        ensure!(verdict.remaining == 3, "{other:?} shares {} with somebody: {verdict:?}", budget.name);
    }
    let same = limiter.count(&caller(Some(1), "192.0.2.1")?, default).await;
    ensure!(same.remaining == 2, "an IPv4 address that is mapped into IPv6 is another one");
    Ok(())
}
