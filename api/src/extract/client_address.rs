use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use muster_bootstrap::config::TrustedProxies;

use crate::server::Peer;
use crate::state::Shared;

/// In this order.
const TOLD_BY_PROXIES: [&str; 3] = ["cf-connecting-ip", "x-forwarded-for", "x-real-ip"];

/// Where a request came from; never written into logs, for it is personal data.
pub(crate) struct ClientAddress(pub(crate) Option<IpAddr>);

impl FromRequestParts<Shared> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &state.trusted_proxies))
    }
}

impl ClientAddress {
    /// What a trusted proxy says, else the other end of the connection. Anybody else may say what they like.
    pub(crate) fn of(parts: &Parts, trusted: &TrustedProxies) -> Self {
        let Some(Peer(peer)) = parts.extensions.get().copied() else { return Self(None) };
        let told = trusted.contains(peer).then(|| told(&parts.headers)).flatten();
        Self(Some(told.unwrap_or(peer).to_canonical()))
    }
}

fn told(headers: &HeaderMap) -> Option<IpAddr> {
    TOLD_BY_PROXIES.iter().find_map(|name| {
        // Of a list the first, and of several lines the first of the first. What is no address is passed over.
        let first = headers.get(*name)?.to_str().ok()?.split(',').next()?.trim();
        let with_port = || first.parse().ok().map(|address: SocketAddr| address.ip());
        first.parse().ok().or_else(with_port)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn address(peer: Option<&str>, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        if let Some(peer) = peer {
            parts.extensions.insert(Peer(peer.parse().unwrap()));
        }
        let trusted = TrustedProxies::parse("10.0.0.0/8").unwrap();
        ClientAddress::of(&parts, &trusted).0.map(|address| address.to_string())
    }

    #[test]
    fn a_trusted_proxy_is_believed_in_this_order() {
        let all = [("x-real-ip", "192.0.2.3"), ("x-forwarded-for", "192.0.2.2"), ("cf-connecting-ip", "192.0.2.1")];
        for (headers, expected) in [(&all[..], "192.0.2.1"), (&all[..2], "192.0.2.2"), (&all[..1], "192.0.2.3")] {
            assert_eq!(address(Some("10.0.0.1"), headers).unwrap(), expected);
            assert_eq!(address(Some("::ffff:10.0.0.1"), headers).unwrap(), expected);
        }
        assert_eq!(address(Some("10.0.0.1"), &[]).unwrap(), "10.0.0.1");
    }

    #[test]
    fn nobody_else_is() {
        let all = [("cf-connecting-ip", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2"), ("x-real-ip", "192.0.2.3")];
        assert_eq!(address(Some("203.0.113.9"), &all).unwrap(), "203.0.113.9");
        assert_eq!(address(Some("::ffff:203.0.113.9"), &all).unwrap(), "203.0.113.9");
        assert_eq!(address(None, &all), None);
    }

    #[test]
    fn the_first_of_a_list_counts_and_what_is_no_address_does_not() {
        let forwarded = |value| address(Some("10.0.0.1"), &[("x-forwarded-for", value), ("x-real-ip", "192.0.2.3")]);
        assert_eq!(forwarded("192.0.2.1, 198.51.100.1").unwrap(), "192.0.2.1");
        assert_eq!(forwarded(" 2001:db8::1 ,10.0.0.2").unwrap(), "2001:db8::1");
        assert_eq!(forwarded("::ffff:192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(forwarded("192.0.2.1:4711").unwrap(), "192.0.2.1");
        assert_eq!(forwarded("[2001:db8::1]:4711").unwrap(), "2001:db8::1");
        for none in ["", "unknown", "192.0.2.1.5", "_hidden, 192.0.2.1", "192.0.2.1 198.51.100.1"] {
            assert_eq!(forwarded(none).unwrap(), "192.0.2.3", "{none}");
        }
    }
}
