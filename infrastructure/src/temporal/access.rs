use std::fmt;

use temporalio_client::{ClientTlsOptions, TlsOptions};

/// How the service shows Temporal who it is, and Temporal the service.
#[derive(Debug, Clone, Default)]
pub struct TemporalAccess {
    /// TLS; none: plain text.
    pub tls: Option<TemporalTls>,
    /// What is sent with every call.
    pub api_key: Option<TemporalApiKey>,
}

/// TLS as a client. All of it is PEM.
#[derive(Clone, Default)]
pub struct TemporalTls {
    /// Who has signed the server's certificate; none: the authorities that the system trusts.
    pub authorities: Option<Vec<u8>>,
    /// The name in the server's certificate, where it is not that of the address.
    pub server_name: Option<String>,
    /// Our own certificate and its key, for a server that asks for one.
    pub own: Option<(Vec<u8>, Vec<u8>)>,
}

/// A secret; its `Debug` shows nothing.
#[derive(Clone)]
pub struct TemporalApiKey(pub String);

impl fmt::Debug for TemporalTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authorities, server_name, own } = self;
        f.debug_struct("TemporalTls")
            .field("authorities", &authorities.is_some())
            .field("server_name", server_name)
            .field("own", &own.is_some())
            .finish()
    }
}

impl fmt::Debug for TemporalApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemporalApiKey(…)")
    }
}

impl TemporalTls {
    pub(super) fn options(&self) -> TlsOptions {
        let own = self.own.clone().map(|(certificate, key)| {
            ClientTlsOptions::builder().client_cert(certificate).client_private_key(key).build()
        });
        TlsOptions::builder()
            .maybe_server_root_ca_cert(self.authorities.clone())
            .maybe_domain(self.server_name.clone())
            .maybe_client_tls_options(own)
            .build()
    }
}
