use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::issuer::{Signer, beside, set};
use super::server::{KeyServer, Mood};
use super::support::{good, now, symmetric};
use crate::tokens::{KeyError, TenantTokens, TokenError};

/// An authority as a company has one, in a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server that has a certificate of this authority for that host.
    fn server(&self, host: &str) -> KeyServer {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let tls = tls.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let tls = tls.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        KeyServer::start_tls(Mood::Publishes(set(&[Signer::es256(1).jwk("a")])), tls)
    }
}

fn tokens(server: &KeyServer, authorities: Option<PathBuf>) -> Result<TenantTokens, KeyError> {
    let mut config = beside(symmetric(), server.source());
    config.jwks.as_mut().unwrap().authorities = authorities;
    TenantTokens::new(&config)
}

#[tokio::test]
async fn keys_come_over_tls_from_a_company_with_an_authority_of_its_own() {
    let (company, other) = (Authority::new(), Authority::new());
    let token = Signer::es256(1).token("a");
    let server = company.server("127.0.0.1");
    let trusting = tokens(&server, Some(company.file())).unwrap();
    assert_eq!(trusting.verify(&token, now()).await, good());

    let refused = Err(TokenError::ValidationFailed);
    for (what, server, authorities) in [
        ("public authorities do not vouch for it", &server, None),
        ("another authority does not, either", &server, Some(other.file())),
        ("the certificate is for another host", &company.server("id.example.com"), Some(company.file())),
    ] {
        let suspicious = tokens(server, authorities).unwrap();
        assert_eq!(suspicious.verify(&token, now()).await, refused, "{what}");
    }
}

#[tokio::test]
async fn an_authority_that_is_replaced_is_believed_at_the_next_reading() {
    let (old, new) = (Authority::new(), Authority::new());
    let server = new.server("127.0.0.1");
    let tokens = tokens(&server, Some(old.file())).unwrap();
    std::fs::copy(new.file(), old.file()).unwrap();
    assert_eq!(tokens.verify(&Signer::es256(1).token("a"), now()).await, good());
}

#[test]
fn a_file_without_certificates_stops_the_start() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1");
    let error = |path: PathBuf| tokens(&server, Some(path)).err().unwrap().to_string();
    let empty = authority.folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for path in [empty, authority.folder.path().join("missing.pem")] {
        let said = error(path.clone());
        assert!(said.contains("JWT_JWKS_CA_PATH") && said.contains(path.to_str().unwrap()), "{said}");
    }
}
