//! The same over TLS.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use muster_api::server::{Serving, Tls};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::server::{Server, start_with};
use crate::support::World;

/// Writes a certificate for `localhost` and its key; gives the certificate.
fn certificate(dir: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn load(dir: &Path) -> anyhow::Result<Tls> {
    Tls::load(&dir.join("cert.pem"), &dir.join("key.pem"))
}

/// Connects, and trusts this certificate alone.
async fn connect(server: &Server, trusted: &CertificateDer<'static>) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let first = certificate(dir.path());
    let tls = load(dir.path()).unwrap();
    let server = start_with(&World::new(), Serving { tls: Some(tls.clone()), ..Serving::default() }).await;
    let stream = connect(&server, &first).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let live = || Request::get("https://localhost/health/live").body(Body::empty()).unwrap();
    assert_eq!(client.send_request(live()).await.unwrap().status(), 200);

    assert!(!tls.reload().unwrap(), "nothing has changed");
    let second = certificate(dir.path());
    assert!(tls.reload().unwrap());
    connect(&server, &second).await.unwrap();
    connect(&server, &first).await.unwrap_err();
    assert_eq!(client.send_request(live()).await.unwrap().status(), 200, "who is connected stays so");

    // What cannot be used is not taken.
    fs::write(dir.path().join("key.pem"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let error = format!("{:#}", tls.reload().unwrap_err());
    assert!(error.contains("is not that of the certificate"), "{error}");
    fs::remove_file(dir.path().join("cert.pem")).unwrap();
    tls.reload().unwrap_err();
    connect(&server, &second).await.unwrap();
}

#[test]
fn what_is_wrong_with_the_files_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = || format!("{:#}", load(dir.path()).unwrap_err());
    assert!(wrong().contains("cert.pem cannot be read"), "{}", wrong());
    certificate(dir.path());
    load(dir.path()).unwrap();
    fs::write(dir.path().join("key.pem"), "no key").unwrap();
    assert!(wrong().contains("key.pem is no PEM of a private key"), "{}", wrong());
    fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    assert!(wrong().contains("cert.pem has no certificate"), "{}", wrong());
}

#[tokio::test]
async fn who_speaks_no_tls_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let trusted = certificate(dir.path());
    let serving = Serving { tls: Some(load(dir.path()).unwrap()), ..Serving::default() };
    let server = start_with(&World::new(), serving).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut plain, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut plain, &mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    connect(&server, &trusted).await.unwrap();
}
