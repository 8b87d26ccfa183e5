//! Redis remembers signatures of partners for all processes, and is never waited for.

use std::fs;
use std::time::{Duration, Instant};

use chrono::DateTime;
use muster_application::ports::SignatureCache;
use muster_domain::PartnerClientId;
use muster_domain::partners::SignatureUse;
use muster_infrastructure::partners::RedisSignatures;
use muster_infrastructure::redis::Redis;
use muster_testkit::account::remove_home;
use muster_testkit::redis::Redis as Server;
use muster_testkit::{provision, tools::random_hex};
use uuid::Uuid;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);
const KEEP: Duration = Duration::from_mins(10);

fn signature(n: u8) -> SignatureUse {
    let client = PartnerClientId::new(Uuid::from_u128(1));
    SignatureUse { client, signature: [n; 32], expires_at: DateTime::UNIX_EPOCH }
}

/// Connects in the background: what is noted before that is forgotten, which is allowed.
async fn known(cache: &RedisSignatures, signature: &SignatureUse, note: bool) {
    let began = Instant::now();
    while !cache.was_accepted(signature).await {
        assert!(began.elapsed() < PATIENCE, "waited in vain");
        if note {
            cache.note(signature, KEEP).await;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_one_process_notes_all_know_until_redis_is_gone() {
    let home = provision::dev_dir().unwrap().join(format!("test-services/signatures-{}", random_hex(6).unwrap()));
    fs::create_dir_all(&home).unwrap();
    let mut server = Server::start(&home).unwrap();
    let redis = Redis::new(&server.url()).unwrap();
    let (one, other) = (RedisSignatures::new(Some(&redis)), RedisSignatures::new(Some(&redis)));
    known(&one, &signature(1), true).await;
    known(&other, &signature(1), false).await;
    assert!(!one.was_accepted(&signature(2)).await);
    let of_another = SignatureUse { client: PartnerClientId::new(Uuid::from_u128(2)), ..signature(1) };
    assert!(!one.was_accepted(&of_another).await);

    server.kill_hard().unwrap();
    let began = Instant::now();
    for _ in 0..100 {
        assert!(!one.was_accepted(&signature(1)).await);
        one.note(&signature(3), KEEP).await;
    }
    assert!(began.elapsed() < Duration::from_secs(2), "a Redis that is away is waited for");
    server.start_again().unwrap();
    known(&one, &signature(4), true).await;
    server.stop().unwrap();
    remove_home(&home).unwrap();
}

#[tokio::test]
async fn without_redis_nothing_is_known() {
    let cache = RedisSignatures::new(None);
    cache.note(&signature(1), KEEP).await;
    assert!(!cache.was_accepted(&signature(1)).await);
}
