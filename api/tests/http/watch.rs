//! Operations are followed: by waiting for an answer, and as server-sent events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::response::Response;
use futures::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use crate::support::{Engine, World, csv};

/// A stream of events as it comes in.
struct Events {
    body: BodyDataStream,
    text: String,
}

/// One event.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    id: String,
    name: String,
    data: String,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Events {
    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                let event = field("event").map(|name| Event {
                    id: field("id").unwrap().to_owned(),
                    name: name.to_owned(),
                    data: field("data").unwrap().to_owned(),
                });
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
            }
            self.text.push_str(std::str::from_utf8(&self.body.next().await?.unwrap()).unwrap());
        }
    }
}

async fn ask(world: &World, operation: &Value, last: Option<&str>) -> Response {
    let path = format!("{}/events", operation["links"]["self"].as_str().unwrap());
    let mut request = Request::get(path).header("x-tenant-token", world.token());
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    world.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn follow(world: &World, operation: &Value, last: Option<&str>) -> Events {
    let response = ask(world, operation, last).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    Events { body: response.into_body().into_data_stream(), text: String::new() }
}

async fn queued(world: &World) -> Value {
    world.set_engine(Engine::Sleeps);
    let answer = world.batch("text/csv", &[("prefer", "respond-async")], csv(0..3)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()
}

async fn act(world: &World, operation: &Value, what: &str) {
    let path = format!("{}/{what}", operation["links"]["self"].as_str().unwrap());
    assert_eq!(world.ask("POST", &path, &[], None).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_followed_to_its_end() {
    let world = World::new();
    let operation = queued(&world).await;
    let mut events = follow(&world, &operation, None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.json()), ("progress", operation.clone()));
    act(&world, &operation, "pause").await;
    let paused = events.next().await.unwrap();
    assert_eq!((&paused.json()["state"], &paused.json()["pause"]["reason"]), (&"paused".into(), &"asked".into()));
    world.set_engine(Engine::Runs);
    act(&world, &operation, "resume").await;
    let mut last = paused;
    let end = loop {
        let event = events.next().await.unwrap();
        if event.name == "end" {
            break event;
        }
        assert!(event.name == "progress" && event.id != last.id);
        last = event;
    };
    assert_eq!((end.data.as_str(), last.json()["state"].as_str()), (r#"{"state":"succeeded"}"#, Some("succeeded")));
    assert_eq!(last.json(), world.get(operation["links"]["self"].as_str().unwrap()).await.json());
    assert_eq!(events.next().await, None);
    // Later: what it was like, and the end.
    let mut again = follow(&world, &operation, None).await;
    assert_eq!((again.next().await, again.next().await, again.next().await), (Some(last), Some(end), None));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_sees_nothing_twice() {
    let world = World::new();
    let operation = queued(&world).await;
    let first = follow(&world, &operation, None).await.next().await.unwrap();
    let mut events = follow(&world, &operation, Some(&first.id)).await;
    let silence = timeout(Duration::from_secs(10), events.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    act(&world, &operation, "cancel").await;
    let last = events.next().await.unwrap();
    assert_eq!(last.json()["state"], "cancelled");
    let mut events = follow(&world, &operation, Some(&last.id)).await;
    let end = events.next().await.unwrap();
    assert_eq!((end.name.as_str(), events.next().await), ("end", None));
    // A browser comes back even then, unless it is told not to.
    assert_eq!(ask(&world, &operation, Some(&end.id)).await.status(), 204);
    // What was not seen is sent, also to who says nonsense.
    for stale in [first.id.as_str(), "nonsense", ""] {
        assert_eq!(follow(&world, &operation, Some(stale)).await.next().await.unwrap(), last);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_has_heartbeats_and_does_not_last_for_ever() {
    let world = World::new();
    let operation = queued(&world).await;
    let start = Instant::now();
    let mut events = follow(&world, &operation, None).await;
    let mut pieces = Vec::new();
    while let Some(piece) = events.body.next().await {
        pieces.push((start.elapsed().as_secs(), String::from_utf8(piece.unwrap().to_vec()).unwrap()));
    }
    assert_eq!(pieces[0], (0, "retry: 2000\n\n".to_owned()));
    assert!(pieces[1].1.starts_with("id: "), "{:?}", pieces[1]);
    assert_eq!((&pieces[2], &pieces[3]), (&(15, ":\n\n".to_owned()), &(30, ":\n\n".to_owned())));
    assert!((890..=910).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_followed_is_refused_as_everywhere() {
    let world = World::new();
    let operation = queued(&world).await;
    let path = format!("{}/events", operation["links"]["self"].as_str().unwrap());
    let nobody = world.send(Request::get(&path).body(Body::empty()).unwrap()).await;
    nobody.problem(401, "TENANT_TOKEN_MISSING");
    let other = world.into_tenant(8);
    other.get(&path).await.problem(404, "ENTITY_NOT_FOUND");
    other.get("/api/v1/operations/x/events").await.problem(422, "VALIDATION_ERROR");
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_answered_at_the_end_at_a_pause_or_after_the_time() {
    let world = World::new();
    let operation = queued(&world).await;
    let path = operation["links"]["self"].as_str().unwrap();
    let start = Instant::now();
    assert_eq!(world.get(&format!("{path}?wait=30")).await.json()["state"], "queued");
    assert!((30..=31).contains(&start.elapsed().as_secs()));
    let start = Instant::now();
    let waiting = format!("{path}?wait=60");
    let (waited, ()) = tokio::join!(world.get(&waiting), async {
        tokio::task::yield_now().await;
        act(&world, &operation, "pause").await;
    });
    assert_eq!(waited.json()["state"], "paused");
    let (waited, ()) = tokio::join!(world.get(&waiting), async { act(&world, &operation, "cancel").await });
    assert!(["paused", "cancelled"].contains(&waited.json()["state"].as_str().unwrap()));
    assert_eq!(world.get(&waiting).await.json()["state"], "cancelled");
    assert_eq!(start.elapsed(), Duration::ZERO);
    for wrong in ["61", "-1", "x", ""] {
        let problem = world.get(&format!("{path}?wait={wrong}")).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], "/query/wait", "{wrong}");
    }
}
