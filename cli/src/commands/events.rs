use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

/// How long a stream is read before it is asked for anew: a peer that is gone without a word is given up then.
const PATIENCE: Duration = Duration::from_mins(1);

/// The stream of an operation's events, across its interruptions.
#[derive(Default)]
pub(super) struct Events {
    /// The id of the last event, so that what was seen does not come again.
    last: Option<String>,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Streamed {
    /// The reader had seen enough.
    Enough,
    /// It broke off, or the API said that this was all.
    Broke,
    /// There is no stream, and asking again will not make one.
    Refused,
}

impl Events {
    /// Reads the stream and hands on each operation, until `enough` says that it is enough.
    pub(super) fn read(
        &mut self,
        agent: &Agent,
        url: &str,
        token: &str,
        enough: impl FnMut(Value) -> bool,
    ) -> Streamed {
        let mut request = agent.get(url).header("authorization", format!("Bearer {token}"));
        request = request.header("accept", "text/event-stream");
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        let Ok(mut response) = request.config().timeout_recv_body(Some(PATIENCE)).build().call() else {
            return Streamed::Broke;
        };
        let kind = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if response.status().as_u16() != 200 || !kind.starts_with("text/event-stream") {
            return Streamed::Refused;
        }
        self.parse(response.body_mut().as_reader(), enough)
    }

    fn parse(&mut self, stream: impl Read, mut enough: impl FnMut(Value) -> bool) -> Streamed {
        let (mut id, mut data) = (None, String::new());
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return Streamed::Broke };
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = Some(value.to_owned()),
                "data" => data.push_str(value),
                // An empty line ends an event. The end has no operation in it, which was told before.
                "" if line.is_empty() => {
                    let operation = serde_json::from_str::<Value>(&std::mem::take(&mut data)).unwrap_or_default();
                    self.last = id.take().or_else(|| self.last.take());
                    if operation.get("progress").is_some() && enough(operation) {
                        return Streamed::Enough;
                    }
                }
                _ => {}
            }
        }
        Streamed::Broke
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_and_the_rest_is_passed_over() {
        let stream = "retry: 2000\n\n:\n\nid: 1\nevent: progress\ndata: {\"progress\":{},\ndata: \"n\":1}\n\n\
                      id: 2\nevent: end\ndata: {\"state\":\"failed\"}\n\nid: 3\ndata: {\"progress\":{},\"n\":2}\n";
        let mut events = Events::default();
        let mut seen = Vec::new();
        let streamed = events.parse(stream.as_bytes(), |operation| {
            seen.push(operation["n"].clone());
            false
        });
        // What was not ended by an empty line has not come.
        assert_eq!((streamed, seen, events.last.as_deref()), (Streamed::Broke, vec![1.into()], Some("2")));
        assert_eq!(events.parse(stream.as_bytes(), |_| true), Streamed::Enough);
        assert_eq!(events.last.as_deref(), Some("1"));
    }
}
