use std::sync::{Arc, Mutex};

use muster_domain::webhooks::DeliveryError;
use muster_infrastructure::webhooks::{HttpWebhookSender, trusted_roots};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::world::{Names, networks, send, serve};

const NAME: &str = "hooks.example.com";

/// A server on loopback with a certificate of its own for [`NAME`]; gives its port and the certificate.
async fn start() -> (u16, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(), Arc::new(Mutex::default()))
                    .await;
            }
        }
    });
    (port, certificate)
}

async fn ask(roots: RootCertStore, host: &'static str, port: u16) -> Result<u16, DeliveryError> {
    let names = Names::of(host, &["127.0.0.1"]);
    let sender = HttpWebhookSender::new(names, roots, networks("127.0.0.1")).unwrap();
    send(&sender, &format!("https://{host}:{port}/")).await.answer
}

#[tokio::test]
async fn a_certificate_must_be_of_a_trusted_authority_and_for_the_host() {
    let (port, certificate) = start().await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    assert_eq!(ask(roots.clone(), NAME, port).await, Ok(200));
    assert_eq!(ask(roots, "other.example.com", port).await, Err(DeliveryError::NoTls), "not its certificate");
    assert_eq!(ask(trusted_roots(), NAME, port).await, Err(DeliveryError::NoTls), "nobody vouches for it");
}
