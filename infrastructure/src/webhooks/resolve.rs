use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use muster_domain::Networks;
use muster_domain::webhooks::{DeliveryError, is_public};
use url::Host;

/// Asks where a name leads to. A port, so that tests can say what DNS answers.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses of a host.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Where a host may be connected to. What is returned is what is connected to: nobody asks DNS a second time, which could
/// say something else then. Addresses that may not be reached are left out; a host that has no other is refused.
pub(super) async fn addresses(
    resolver: &dyn Resolve,
    host: &Host<&str>,
    port: u16,
    allowed: &Networks,
) -> Result<Vec<SocketAddr>, DeliveryError> {
    let all = match *host {
        Host::Ipv4(address) => vec![IpAddr::from(address)],
        Host::Ipv6(address) => vec![IpAddr::from(address)],
        Host::Domain(name) => resolver.resolve(name).await.map_err(|_| DeliveryError::NoConnection)?,
    };
    let may_reach = |address: &IpAddr| is_public(*address) || allowed.contains(*address);
    let reachable: Vec<_> =
        all.iter().filter(|address| may_reach(address)).map(|address| SocketAddr::new(*address, port)).collect();
    match (all.is_empty(), reachable.is_empty()) {
        (true, _) => Err(DeliveryError::NoConnection),
        (false, true) => Err(DeliveryError::AddressRefused),
        (false, false) => Ok(reachable),
    }
}
