use std::net::IpAddr;

use muster_domain::Networks;

use super::super::read::Reader;

/// Proxies that tell where a request came from. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// Reads addresses and networks with commas between them; none if one of them is neither.
    pub fn parse(text: &str) -> Option<Self> {
        Networks::parse(text).map(Self)
    }

    /// Whether this address is one of them. An IPv4 address that is mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(address)
    }
}

pub(super) fn read(env: &mut Reader) -> TrustedProxies {
    let right = "a list of addresses and networks such as 10.0.0.0/8, 192.0.2.7, fd00::/8";
    env.choice("TRUSTED_PROXIES", right, TrustedProxies::default(), TrustedProxies::parse)
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;

    #[test]
    fn addresses_and_networks_of_both_kinds_are_known_however_they_are_written() {
        let list = "10.0.0.0/8, 192.0.2.7,fd00::/8,::1,::ffff:198.51.100.0/120";
        let (config, wrong) = load(&[("TRUSTED_PROXIES", list)]);
        assert_eq!(wrong, "");
        let knows = |address: &str| config.trusted_proxies.contains(address.parse().unwrap());
        for address in ["10.1.2.3", "192.0.2.7", "fd12::1", "::1", "::ffff:10.0.0.1", "198.51.100.9"] {
            assert!(knows(address), "{address}");
        }
        for address in ["11.0.0.0", "192.0.2.8", "fe80::1", "::2", "198.51.101.1", "::ffff:11.0.0.1"] {
            assert!(!knows(address), "{address}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for list in ["proxy", "10.0.0.0/33", "10.0.0", "10.0.0.1,", "*", "10.0.0.1 10.0.0.2", "10.0.0.1:80"] {
            let (config, wrong) = load(&[("TRUSTED_PROXIES", list)]);
            assert!(wrong.contains("TRUSTED_PROXIES must be a list of addresses and networks"), "{list}: {wrong}");
            assert!(!config.trusted_proxies.contains("10.0.0.1".parse().unwrap()));
        }
    }
}
