use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;
use std::time::Duration;

use super::issuer::{Signer, beside, set};
use super::server::{KeyServer, Mood};
use super::support::{now, symmetric};
use crate::tokens::TenantTokens;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What this thread logs. A subscriber for this thread alone would miss lines that another test logged before it was
/// there: whether anybody listens is remembered for all threads.
struct Log;

impl Log {
    fn listen() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Self);
            tracing::subscriber::set_global_default(everything.finish()).unwrap();
        });
    }

    /// The lines since the last look.
    fn take() -> Vec<String> {
        let bytes = LOG.take();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_keys_is_said_once_and_tokens_never() {
    Log::listen();
    let server = KeyServer::start(Mood::Fails(503));
    let tokens = TenantTokens::new(&beside(symmetric(), server.source())).unwrap();
    let ask = async |mood: Mood| {
        server.set(mood);
        let token = Signer::es256(9).token("a-name-that-nobody-has");
        let asked = server.asked();
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(11)).await;
            let _ = tokens.verify(&token, now()).await;
        }
        assert_eq!(server.asked(), asked + 3);
        let lines = Log::take();
        for line in &lines {
            assert!(!line.contains("a-name") && !token.split('.').any(|part| line.contains(part)), "{line}");
        }
        lines
    };
    let keys = Mood::Publishes(set(&[Signer::es256(1).jwk("a")]));
    for (mood, says) in [
        (Mood::Fails(503), "no keys: the answer has status 503"),
        (keys.clone(), "new keys"),
        (Mood::HangsUp, "no new keys: its host is not known or does not answer; the last ones stay"),
        (keys, "the keys can be read again; they are the same"),
        (Mood::Publishes("<html>".to_owned()), "no new keys: it is not a JSON Web Key Set"),
        (Mood::Publishes(set(&[])), "no key can be used"),
    ] {
        let lines = ask(mood).await;
        assert!(lines.len() == 1 && lines[0].contains("JWT_JWKS_URL") && lines[0].contains(says), "{lines:?}");
    }
}
