//! Temporal behind TLS, as clusters and Temporal Cloud have it. Needs Temporal: `cargo xtask test`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::sync::{Arc, Mutex};

use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use muster_infrastructure::temporal::{
    PayloadKeys, Temporal, TemporalAccess, TemporalApiKey, TemporalError, TemporalOptions, TemporalTls,
    prepare_namespace,
};
use muster_testkit::account::remove_home;
use muster_testkit::provision;
use muster_testkit::temporal::{Storage, Temporal as Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name, and its key, as PEM.
fn issued(issuer: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// What takes connections from those whom `clients` has certified, as a server of this name.
fn acceptor(servers: &Issuer, clients: &Issuer, name: &str) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, servers).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
    let mut config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Takes TLS off and hands the rest to Temporal; gives its address.
async fn proxy(acceptor: TlsAcceptor, temporal: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, temporal) = (acceptor.clone(), temporal.clone());
            tokio::spawn(async move {
                let (Ok(mut near), Ok(mut far)) = (acceptor.accept(stream).await, TcpStream::connect(temporal).await)
                else {
                    return;
                };
                // Whoever goes away ends it.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

fn temporal(address: &str, access: TemporalAccess) -> Temporal {
    Temporal::new(TemporalOptions {
        address: address.to_owned(),
        namespace: "default".to_owned(),
        access,
        identity: "test".to_owned(),
        keys: PayloadKeys::default(),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_believed_by_its_certificate_and_believes_us_by_ours() -> anyhow::Result<()> {
    let home = provision::dev_dir()?.join(format!("test-services/temporal-tls-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let server = Server::start(&home, Storage::Memory)?;
    let (servers, clients, strangers) = (issuer(), issuer(), issuer());
    let address = proxy(acceptor(&servers, &clients, "temporal.internal"), server.address()).await;
    let ours = issued(&clients, "muster");
    let tls = |authorities: &Issuer, name: &str, own: Option<&(String, String)>| TemporalAccess {
        tls: Some(TemporalTls {
            authorities: Some(authorities.pem().into_bytes()),
            server_name: Some(name.to_owned()),
            own: own.map(|(certificate, key)| (certificate.clone().into_bytes(), key.clone().into_bytes())),
        }),
        api_key: None,
    };

    let good = temporal(&address, tls(&servers, "temporal.internal", Some(&ours)));
    good.ping().await?;
    prepare_namespace(&good, "default").await?;
    for (why, access) in [
        ("a server that somebody else has certified", tls(&strangers, "temporal.internal", Some(&ours))),
        ("a server of another name", tls(&servers, "other.internal", Some(&ours))),
        ("no certificate of ours", tls(&servers, "temporal.internal", None)),
        ("one of strangers", tls(&servers, "temporal.internal", Some(&issued(&strangers, "muster")))),
        ("plain text", TemporalAccess::default()),
    ] {
        let refused = temporal(&address, access).ping().await;
        assert!(
            matches!(refused, Err(TemporalError::Connect(_) | TemporalError::Refused(_) | TemporalError::Timeout(_))),
            "{why}: {refused:?}"
        );
    }
    drop(server);
    remove_home(&home)?;
    Ok(())
}

#[tokio::test]
async fn the_key_goes_with_each_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let keep = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let keep = Arc::clone(&keep);
            let answer = service_fn(move |request: Request<Incoming>| {
                let key = request.headers().get("authorization").map(|key| key.to_str().unwrap().to_owned());
                keep.lock().unwrap().push(key);
                // 12: there is no such call. Whoever asks hears that, and has asked.
                let response =
                    Response::builder().header("content-type", "application/grpc").header("grpc-status", "12");
                async move { response.body(http_body_util::Empty::<hyper::body::Bytes>::new()) }
            });
            tokio::spawn(async move {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                // The client ends it.
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    });
    let key = Some(TemporalApiKey("a secret".to_owned()));
    let refused = temporal(&address, TemporalAccess { tls: None, api_key: key }).ping().await;
    assert!(!format!("{refused:?}").contains("a secret"));
    let seen = seen.lock().unwrap().clone();
    assert!(!seen.is_empty() && seen.iter().all(|key| key.as_deref() == Some("Bearer a secret")), "{seen:?}");
}
