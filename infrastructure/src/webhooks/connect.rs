use std::net::SocketAddr;
use std::sync::Arc;

use muster_domain::webhooks::DeliveryError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};
use url::Host;

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The public authorities.
pub fn trusted_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// TLS of which certificates are checked against these authorities.
pub(super) fn tls(roots: RootCertStore) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Connects to the first of these addresses that answers, over TLS if there is a connector, as which `host` must prove
/// itself.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    tls: Option<&TlsConnector>,
    host: &Host<&str>,
) -> Result<Box<dyn Stream>, DeliveryError> {
    let stream = tcp(addresses).await?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = match *host {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| DeliveryError::NoTls)?,
        Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(address)),
        Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(address)),
    };
    let secured = tls.connect(name, stream).await.map_err(|_| DeliveryError::NoTls)?;
    Ok(Box::new(secured))
}

async fn tcp(addresses: &[SocketAddr]) -> Result<TcpStream, DeliveryError> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(DeliveryError::NoConnection)
}
