use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATH;

/// It is in this process: longer means that it has ended.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the SDK has counted, as text. Nothing if its server does not answer: our own numbers must be there all the same.
pub(super) async fn page(address: SocketAddr) -> String {
    match timeout(PATIENCE, get(address)).await {
        Ok(Ok(page)) => page,
        Ok(Err(error)) => {
            tracing::debug!(error = &*error as &dyn std::error::Error, "what the SDK counts cannot be had");
            String::new()
        }
        Err(_) => String::new(),
    }
}

async fn get(address: SocketAddr) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(PATH).header(HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}
