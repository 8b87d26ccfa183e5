//! Request bodies as they arrive: decompressed, limited, never held whole.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::body::{Body, HttpBody};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::problem::Problem;
use muster_application::ErrorCode;

/// Bytes that are decompressed at once.
const CHUNK: usize = 64 * 1024;
/// RFC 9659: over HTTP a zstd window has at most 8 MiB. Without it one request could ask for 128 MiB of memory.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// From `Content-Encoding`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(Self::Identity),
            (Some(value), None) => value.to_str().unwrap_or_default().trim().to_ascii_lowercase(),
            _ => String::new(),
        };
        match value.as_str() {
            "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => {
                let detail = "Content-Encoding must be gzip, zstd or identity";
                let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, detail);
                Err(problem.header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd")))
            }
        }
    }
}

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

enum Source {
    Plain(Pieces),
    Packed(Pin<Box<dyn AsyncRead + Send>>),
}

/// Reads a body piece by piece.
pub(crate) struct BodyReader {
    source: Source,
    buffer: BytesMut,
    limit: u64,
    seen: u64,
    /// The client has announced more than the limit.
    is_hopeless: bool,
}

impl BodyReader {
    /// Reads at most `limit` bytes, counted after decompression; gives up when nothing comes for `idle`.
    pub(crate) fn new(body: Body, encoding: Encoding, limit: u64, idle: Duration) -> Self {
        let is_hopeless = encoding == Encoding::Identity && body.size_hint().lower() > limit;
        let pieces: Pieces = Box::pin(stream::unfold(body.into_data_stream(), move |mut body| async move {
            let piece = match timeout(idle, body.next()).await {
                Ok(None) => return None,
                Ok(Some(Ok(bytes))) => Ok(bytes),
                Ok(Some(Err(error))) => Err(io::Error::new(io::ErrorKind::ConnectionAborted, error)),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            };
            Some((piece, body))
        }));
        let source = match encoding {
            Encoding::Identity => Source::Plain(pieces),
            Encoding::Gzip => {
                let mut decoder = GzipDecoder::new(StreamReader::new(pieces));
                decoder.multiple_members(true);
                Source::Packed(Box::pin(decoder))
            }
            Encoding::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                let mut decoder = ZstdDecoder::with_params(StreamReader::new(pieces), &window);
                decoder.multiple_members(true);
                Source::Packed(Box::pin(decoder))
            }
        };
        Self { source, buffer: BytesMut::new(), limit, seen: 0, is_hopeless }
    }

    /// The next piece; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let piece = match &mut self.source {
            _ if self.is_hopeless => return Err(too_large(self.limit)),
            Source::Plain(pieces) => pieces.next().await.transpose(),
            Source::Packed(reader) => {
                self.buffer.reserve(CHUNK);
                let read = reader.read_buf(&mut self.buffer).await;
                read.map(|count| (count > 0).then(|| self.buffer.split().freeze()))
            }
        };
        let Some(piece) = piece.map_err(|error| unreadable(&error))? else { return Ok(None) };
        self.seen = self.seen.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.seen > self.limit { Err(too_large(self.limit)) } else { Ok(Some(piece)) }
    }

    /// The body as a whole, for routes whose limit is small.
    pub(crate) async fn whole(mut self) -> Result<Vec<u8>, Problem> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

fn too_large(limit: u64) -> Problem {
    let detail = format!("the body may have at most {limit} bytes after decompression; send several requests");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::PayloadTooLarge, detail)
}

fn unreadable(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::TimedOut => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::RequestTimeout,
            "the body stopped coming; send it again",
        ),
        // Nobody reads this: the client has gone.
        io::ErrorKind::ConnectionAborted => {
            Problem::new(StatusCode::BAD_REQUEST, ErrorCode::BodyIncomplete, "the body ended too early")
        }
        _ => Problem::invalid("", "invalid_encoding", "the body is not what Content-Encoding says, or is cut off"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_millis(50);

    async fn read(body: Body, encoding: Encoding, limit: u64) -> Result<Vec<u8>, StatusCode> {
        use axum::response::IntoResponse;
        let mut reader = BodyReader::new(body, encoding, limit, IDLE);
        let mut all = Vec::new();
        while let Some(piece) = reader.next().await.map_err(|problem| problem.into_response().status())? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        zstd::encode_all(data, 1).unwrap()
    }

    async fn gzip(data: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        async_compression::tokio::bufread::GzipEncoder::new(data).read_to_end(&mut packed).await.unwrap();
        packed
    }

    #[tokio::test]
    async fn gives_back_what_was_packed_in_one_or_more_members() {
        let data = b"email,username\n".repeat(20_000);
        let (half, rest) = data.split_at(1234);
        let limit = u64::try_from(data.len()).unwrap();
        let two_gzip = [gzip(half).await, gzip(rest).await].concat();
        let two_zstd = [zstd(half), zstd(rest)].concat();
        assert!(read(Body::from(data.clone()), Encoding::Identity, limit).await.unwrap() == data);
        assert!(read(Body::from(two_gzip), Encoding::Gzip, limit).await.unwrap() == data);
        assert!(read(Body::from(two_zstd), Encoding::Zstd, limit).await.unwrap() == data);
    }

    #[tokio::test]
    async fn the_limit_is_on_what_comes_out() {
        let data = vec![b'x'; 10_000_000];
        for (body, encoding) in [(zstd(&data), Encoding::Zstd), (gzip(&data).await, Encoding::Gzip)] {
            assert!(body.len() < 100_000);
            assert_eq!(read(Body::from(body), encoding, 9_999_999).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
        }
        assert_eq!(read(Body::from(data), Encoding::Identity, 9_999_999).await, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn damage_and_silence_are_told_apart() {
        let packed = zstd(&b"some text".repeat(1000));
        let cut = packed.split_at(packed.len() / 2).0.to_vec();
        for (body, encoding) in [
            (cut, Encoding::Zstd),
            (b"no gzip at all".to_vec(), Encoding::Gzip),
            ([gzip(b"x").await, b"trailing".to_vec()].concat(), Encoding::Gzip),
        ] {
            assert_eq!(read(Body::from(body), encoding, 1 << 20).await, Err(StatusCode::UNPROCESSABLE_ENTITY));
        }
        let silent = || Body::from_stream(stream::pending::<io::Result<Bytes>>());
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
            assert_eq!(read(silent(), encoding, 1 << 20).await, Err(StatusCode::REQUEST_TIMEOUT));
        }
    }

    #[test]
    fn other_encodings_are_refused() {
        for (value, expected) in
            [("gzip", Ok(Encoding::Gzip)), ("Zstd", Ok(Encoding::Zstd)), ("br", Err(())), ("gzip, zstd", Err(()))]
        {
            let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(Encoding::of(&headers).map_err(|_| ()), expected, "{value}");
        }
        assert_eq!(Encoding::of(&HeaderMap::new()).map_err(|_| ()), Ok(Encoding::Identity));
    }
}
