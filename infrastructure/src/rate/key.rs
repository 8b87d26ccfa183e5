use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use muster_application::ports::{Budget, Caller};

/// The network of an address of version 6 that counts: the first half.
const NETWORK: u128 = u128::MAX << 64;

/// Whose budget it is: a digest, because names of Redis keys turn up where nobody looks for addresses of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key(u128);

impl Key {
    pub(super) fn new(caller: &Caller, budget: Budget) -> Self {
        let mut hasher = blake3::Hasher::new();
        // Fields of one length each, but for the last.
        let tenant = caller.tenant.map_or([0; 16], |tenant| *tenant.get().as_bytes());
        let (family, address) = match caller.address.map(|address| address.to_canonical()) {
            None => (0, [0; 16]),
            Some(IpAddr::V4(address)) => (4, address.to_ipv6_mapped().octets()),
            Some(IpAddr::V6(address)) => (6, Ipv6Addr::from_bits(address.to_bits() & NETWORK).octets()),
        };
        hasher.update(&tenant).update(&[family]).update(&address).update(budget.name.as_bytes());
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Self(u128::from_be_bytes(digest))
    }
}

/// The name in Redis.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "muster:rate:v1:{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use muster_domain::TenantId;
    use uuid::Uuid;

    use super::*;

    fn key(tenant: Option<u128>, address: &str, name: &'static str) -> Key {
        let tenant = tenant.map(|tenant| TenantId::new(Uuid::from_u128(tenant)));
        let budget = Budget { name, per_minute: 60.try_into().unwrap() };
        Key::new(&Caller { tenant, address: address.parse().ok() }, budget)
    }

    #[test]
    fn tenants_addresses_and_budgets_are_told_apart() {
        let keys = [
            key(Some(1), "192.0.2.1", "default"),
            key(Some(2), "192.0.2.1", "default"),
            key(Some(1), "192.0.2.2", "default"),
            key(Some(1), "192.0.2.1", "uploads"),
            key(None, "192.0.2.1", "default"),
            key(Some(1), "2001:db8::1", "default"),
            key(Some(1), "2001:db8:0:1::1", "default"),
            key(Some(1), "nowhere", "default"),
            key(Some(1), "::", "default"),
            key(Some(1), "0.0.0.0", "default"),
        ];
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len());
    }

    #[test]
    fn a_network_of_64_bits_is_one_caller_and_a_mapped_address_is_the_address() {
        assert_eq!(key(Some(1), "2001:db8::1", "default"), key(Some(1), "2001:db8::ffff:0:0:1", "default"));
        assert_eq!(key(Some(1), "::ffff:192.0.2.1", "default"), key(Some(1), "192.0.2.1", "default"));
    }

    #[test]
    fn the_name_in_redis_says_nothing_of_anybody() {
        let name = key(Some(1), "192.0.2.1", "default").to_string();
        let digest = name.strip_prefix("muster:rate:v1:").unwrap();
        assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    }
}
