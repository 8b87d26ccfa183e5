use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a body that nobody wants is read on.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request body that is read on for a while after its handler has answered. Over HTTP/1.1 a server that closes
/// while the client still sends makes the client's system throw the answer away: a 413 would look like a reset.
pub(super) struct Linger {
    /// None at the end.
    body: Option<Body>,
    /// The client waits for `100 Continue`, which it gets with the first look at the body.
    is_held_back: bool,
}

impl Linger {
    pub(super) fn new(body: Body, expects_continue: bool) -> Self {
        Self { body: Some(body), is_held_back: expects_continue }
    }
}

impl HttpBody for Linger {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_held_back = false;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Linger {
    fn drop(&mut self) {
        if let Some(body) = self.body.take()
            && !self.is_held_back
            && !body.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            let mut rest = body.into_data_stream();
            runtime.spawn(timeout(PATIENCE, async move { while let Some(Ok(_)) = rest.next().await {} }));
        }
    }
}
