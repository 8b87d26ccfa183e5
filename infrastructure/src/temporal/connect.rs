use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use temporalio_client::tonic::{Request, Response, Status};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, ErasedClientPlugin, GrpcCompression};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest;
use temporalio_common::telemetry::metrics::TemporalMeter;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

use super::SdkMetrics;
use super::access::{TemporalAccess, TemporalApiKey, TemporalTls};
use super::codec::{PayloadKeys, data_converter};

/// As `TIMEOUT`, for people: who asks by hand would rather wait than be told to ask again.
pub(super) const PATIENT: Duration = Duration::from_secs(10);
/// How long the server may take to accept a connection or answer a question of ours.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);

/// Where Temporal is.
#[derive(Debug, Clone)]
pub struct TemporalOptions {
    /// Host and port of the frontend, or a URL.
    pub address: String,
    /// Which namespace.
    pub namespace: String,
    /// By what it is known that we may use it.
    pub access: TemporalAccess,
    /// What this process is called in the UI.
    pub identity: String,
    /// By which payloads are encrypted.
    pub keys: PayloadKeys,
}

/// Why Temporal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemporalError {
    /// The address cannot be read.
    #[error("TEMPORAL_ADDRESS must look like host:7233")]
    Address(#[from] url::ParseError),
    /// No answer in time.
    #[error("no answer from Temporal in {} s", .0.as_secs())]
    Timeout(Duration),
    /// The connection failed.
    #[error("no connection to Temporal")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server refused.
    #[error("Temporal refused")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A Temporal that may come later: connects when first used, and again whenever it was lost.
#[derive(Clone)]
pub struct Temporal {
    options: Arc<TemporalOptions>,
    target: Url,
    meter: Option<TemporalMeter>,
    tracing: Option<ErasedClientPlugin>,
    client: Arc<OnceCell<Client>>,
}

impl Temporal {
    /// Reads the address; connects when first used.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn new(options: TemporalOptions) -> Result<Self, TemporalError> {
        let TemporalOptions { address, access, .. } = &options;
        let scheme = if access.tls.is_some() { "https" } else { "http" };
        let target =
            if address.contains("://") { address.parse()? } else { Url::parse(&format!("{scheme}://{address}"))? };
        Ok(Self { options: Arc::new(options), target, meter: None, tracing: None, client: Arc::default() })
    }

    /// The same, and what it asks of the server is counted. To be called before it is used.
    #[must_use]
    pub fn counted_by(self, sdk: &SdkMetrics) -> Self {
        Self { meter: sdk.client(), ..self }
    }

    /// The same; what it asks for, and what workers made of its client do, is part of a trace. To be called before it is used.
    #[must_use]
    pub fn traced_by(self, plugin: impl Into<ErasedClientPlugin>) -> Self {
        Self { tracing: Some(plugin.into()), ..self }
    }

    /// The client, connected at least once.
    ///
    /// # Errors
    /// When the server cannot be reached in a few seconds.
    pub async fn client(&self) -> Result<Client, TemporalError> {
        let client = self.client.get_or_try_init(|| async {
            let options = ConnectionOptions::new(self.target.clone())
                .identity(self.options.identity.clone())
                .connect_timeout(TIMEOUT)
                .maybe_metrics_meter(self.meter.clone())
                .maybe_tls_options(self.options.access.tls.as_ref().map(TemporalTls::options))
                .maybe_api_key(self.options.access.api_key.as_ref().map(|TemporalApiKey(key)| key.clone()))
                // Payloads are a few ids: compressing them costs more than it saves.
                .grpc_compression(GrpcCompression::None)
                .build();
            let connection = timeout(TIMEOUT, Connection::connect(options))
                .await
                .map_err(|_| TemporalError::Timeout(TIMEOUT))?
                .map_err(|error| TemporalError::Connect(error.into()))?;
            let options = ClientOptions::new(self.options.namespace.clone())
                .data_converter(data_converter(&self.options.keys))
                .plugins(self.tracing.clone())
                .build();
            Client::new(connection, options).map_err(|error| TemporalError::Connect(error.into()))
        });
        client.await.cloned()
    }

    /// By which payloads are encrypted.
    pub(super) fn keys(&self) -> &PayloadKeys {
        &self.options.keys
    }

    /// Which namespace is asked.
    pub(super) fn namespace(&self) -> &str {
        &self.options.namespace
    }

    /// What this process is called.
    pub(super) fn identity(&self) -> &str {
        &self.options.identity
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), TemporalError> {
        let client = self.client().await?;
        let mut service = client.connection().workflow_service();
        asked(TIMEOUT, service.get_system_info(Request::new(GetSystemInfoRequest::default()))).await.map(drop)
    }
}

/// An answer of the server, if it comes in time.
pub(super) async fn asked<T>(
    patience: Duration,
    ask: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, TemporalError> {
    match timeout(patience, ask).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(TemporalError::Refused(status.into())),
        Err(_) => Err(TemporalError::Timeout(patience)),
    }
}

/// A timestamp of the server.
pub(super) fn instant(seconds: i64, nanos: i32) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, nanos.try_into().ok()?)
}
