//! One SMTP connection: bytes in and out around the state machine of the `mailin` crate.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{Behaviour, Cut, Refusal, Shared};

/// What a client may offer and this server can do; `mailin` alone would offer only the first.
const EXTENSIONS: &[u8] = b"250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n";
const NAME: &str = "muster.test";
/// No line of a sane client is longer.
const MAX_LINE: usize = 1 << 20;

/// Takes connections for ever.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        shared.store.count(|counters| counters.connections += 1);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client that goes away is its own affair.
            let _ = converse(stream, peer, &shared).await;
        });
    }
}

/// The message that is being received.
#[derive(Debug, Default)]
struct Exchange {
    recipients: Vec<String>,
    body: Vec<u8>,
    complete: bool,
}

#[derive(Clone)]
struct Receiver {
    shared: Arc<Shared>,
    exchange: Arc<Mutex<Exchange>>,
}

impl Receiver {
    fn with<T>(&self, change: impl FnOnce(&mut Exchange) -> T) -> T {
        change(&mut self.exchange.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Handler for Receiver {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, _from: &str) -> Response {
        self.with(|exchange| *exchange = Exchange::default());
        mailin::response::OK
    }

    fn auth_plain(&mut self, _on_behalf_of: &str, _user: &str, password: &str) -> Response {
        match self.shared.behaviour().password {
            Some(wanted) if wanted == password => mailin::response::AUTH_OK,
            _ => mailin::response::INVALID_CREDENTIALS,
        }
    }

    fn rcpt(&mut self, to: &str) -> Response {
        let behaviour = self.shared.behaviour();
        if behaviour.refuse_recipients.iter().any(|text| to.contains(text.as_str())) {
            self.shared.store.count(|counters| counters.refused += 1);
            return mailin::response::NO_MAILBOX;
        }
        let later = match behaviour.temporary {
            Refusal::Always => true,
            Refusal::EveryNthRcpt(n) => self.shared.is_nth(n),
            Refusal::Never | Refusal::EveryNthData(_) => false,
        };
        if later {
            self.shared.store.count(|counters| counters.temporary += 1);
            return Response::custom(451, "Try again later".to_owned());
        }
        self.with(|exchange| exchange.recipients.push(to.to_owned()));
        mailin::response::OK
    }

    fn data(&mut self, line: &[u8]) -> std::io::Result<()> {
        self.with(|exchange| exchange.body.extend_from_slice(line));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        // Always OK for the state machine, which would wait for more data after an error; the real answer comes later.
        self.with(|exchange| exchange.complete = true);
        mailin::response::OK
    }
}

impl Shared {
    fn is_nth(&self, n: u64) -> bool {
        (self.commands.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(n.max(1))
    }

    /// The answer to a whole message; `None` cuts the connection.
    fn decide(&self, behaviour: &Behaviour, exchange: Exchange) -> Option<Vec<u8>> {
        if let Refusal::EveryNthData(n) = behaviour.temporary
            && self.is_nth(n)
        {
            self.store.count(|counters| counters.temporary += 1);
            return Some(b"451 Try again later\r\n".to_vec());
        }
        let cut =
            if behaviour.cut == Cut::Never || self.is_nth(behaviour.cut_every) { behaviour.cut } else { Cut::Never };
        if cut == Cut::BeforeAccept {
            self.store.count(|counters| counters.cut += 1);
            return None;
        }
        if let Err(error) = self.store.accept(&exchange.recipients, exchange.body) {
            return Some(format!("452 {error:#}\r\n").into_bytes());
        }
        if cut == Cut::AfterAccept {
            self.store.count(|counters| counters.cut += 1);
            return None;
        }
        Some(b"250 OK\r\n".to_vec())
    }
}

async fn converse(mut stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) -> std::io::Result<()> {
    if shared.behaviour().cut == Cut::OnConnect {
        shared.store.count(|counters| counters.cut += 1);
        return Ok(());
    }
    stream.set_nodelay(true)?;
    let receiver = Receiver { shared: Arc::clone(shared), exchange: Arc::default() };
    let mut builder = SessionBuilder::new(NAME);
    if shared.behaviour().password.is_some() {
        builder.enable_auth(AuthMechanism::Plain).insecure_enable_plaintext_auth();
    }
    let mut session = builder.build(peer.ip(), receiver.clone());
    let mut out = Vec::new();
    session.greeting().write_to(&mut out)?;
    stream.write_all(&out).await?;

    let mut input = Vec::with_capacity(16 * 1024);
    loop {
        out.clear();
        let mut open = true;
        let mut done = 0;
        while open && let Some(line) = next_line(&input, done) {
            done += line.len();
            open = answer(&mut session, &receiver, line, &mut out).await?;
        }
        input.drain(..done);
        // One write for all that the client sent in one go: a pipelining client gets its answers in one packet.
        if !out.is_empty() {
            stream.write_all(&out).await?;
        }
        if !open || input.len() > MAX_LINE || stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
    }
}

fn next_line(input: &[u8], from: usize) -> Option<&[u8]> {
    let rest = input.get(from..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.get(..=end)
}

/// Appends the answer to one line; `false` closes the connection.
async fn answer(
    session: &mut Session<Receiver>,
    receiver: &Receiver,
    line: &[u8],
    out: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let response = match without_smtputf8(line) {
        Some(line) => session.process(&line),
        None => session.process(line),
    };
    if response.action == Action::NoReply {
        return Ok(true);
    }
    let behaviour = receiver.shared.behaviour();
    if !behaviour.delay.is_zero() {
        tokio::time::sleep(behaviour.delay).await;
    }
    let finished = receiver.with(|exchange| exchange.complete.then(|| std::mem::take(exchange)));
    if let Some(exchange) = finished {
        let Some(reply) = receiver.shared.decide(&behaviour, exchange) else { return Ok(false) };
        out.extend_from_slice(&reply);
        return Ok(true);
    }
    if response.code == 250 && line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"EHLO")) {
        let auth: &[u8] = if behaviour.password.is_some() { b"250-AUTH PLAIN\r\n" } else { b"" };
        out.extend([b"250-", NAME.as_bytes(), b"\r\n", auth, EXTENSIONS].concat());
    } else {
        response.write_to(out)?;
    }
    Ok(response.action != Action::Close)
}

/// `MAIL FROM` without the parameter that `mailin` does not know (it takes UTF-8 addresses anyway).
fn without_smtputf8(line: &[u8]) -> Option<Vec<u8>> {
    let is_mail = line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"MAIL "));
    let text = std::str::from_utf8(line).ok().filter(|_| is_mail)?;
    text.contains(" SMTPUTF8").then(|| text.replacen(" SMTPUTF8", "", 1).into_bytes())
}
