use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

/// Networks that an operator has named. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// Reads addresses and networks with commas between them; none if one of them is neither.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').map(|item| network(item.trim())).collect::<Option<_>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each as text, in the form in which it can be read again.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether this address is in one of them. An IPv4 address that is mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical().into());
    }
    match text.parse().ok()? {
        // A network of mapped addresses is one of IPv4: what is looked up is never mapped.
        IpNet::V6(mapped) if mapped.prefix_len() >= 96 && mapped.addr().to_ipv4_mapped().is_some() => {
            Ipv4Net::new(mapped.addr().to_ipv4_mapped()?, mapped.prefix_len() - 96).ok().map(IpNet::V4)
        }
        network => Some(network),
    }
}
