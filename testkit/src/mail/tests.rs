use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
};

use super::*;

struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn connect(server: &MailServer) -> Self {
        let stream = TcpStream::connect(server.smtp).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut client = Self { reader: BufReader::new(stream) };
        assert_eq!(client.reply(), "220");
        assert_eq!(client.say("EHLO test"), "250");
        client
    }

    fn say(&mut self, line: &str) -> String {
        self.send(line);
        self.reply()
    }

    fn send(&mut self, line: &str) {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// Code of the next answer; empty when the connection was cut.
    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return String::new();
            }
            if line.as_bytes()[3] == b' ' {
                return line[..3].to_owned();
            }
        }
    }

    fn mail(&mut self, id: &str, to: &str) -> String {
        assert_eq!(self.say("MAIL FROM:<a@muster.test> BODY=8BITMIME SMTPUTF8"), "250");
        let answer = self.say(&format!("RCPT TO:<{to}>"));
        if answer != "250" {
            assert_eq!(self.say("RSET"), "250");
            return answer;
        }
        assert_eq!(self.say("DATA"), "354");
        self.say(&format!("Message-ID: <{id}>\r\nSubject: Grüße\r\nTo: {to}\r\n\r\n..dot\r\nhello\r\n."))
    }
}

fn server() -> MailServer {
    MailServer::start(None).unwrap()
}

fn received(id: &str, to: &str) -> Received {
    Received { message_id: format!("<{id}>"), recipient: to.to_owned() }
}

#[test]
fn it_keeps_every_repeat_as_a_file_of_its_own() {
    let dir = std::env::temp_dir().join(format!("muster-mail-{}", std::process::id()));
    let server = MailServer::start(Some(dir.clone())).unwrap();
    let mut client = Client::connect(&server);
    assert_eq!(client.mail("1@x", "bö@x.test"), "250");
    assert_eq!(client.mail("1@x", "bö@x.test"), "250");
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(text.ends_with("\r\n\r\n.dot\r\nhello\r\n"), "{text:?}");
    assert_eq!(server.messages(), [received("1@x", "bö@x.test"), received("1@x", "bö@x.test")]);

    let (status, page) = crate::http::get(server.http.port(), "/").unwrap();
    assert_eq!(status, 200);
    assert!(page.contains("Grüße") && page.contains("bö@x.test"), "{page}");
    assert!(crate::http::get(server.http.port(), "/1").unwrap().1.contains("hello"));
    drop(server);

    // After a restart the page still shows them, and new files sort after the old ones.
    let server = MailServer::start(Some(dir.clone())).unwrap();
    assert!(crate::http::get(server.http.port(), "/").unwrap().1.contains("bö@x.test"));
    drop(server);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn it_answers_4xx_to_all_or_to_every_nth() {
    let server = server();
    let mut client = Client::connect(&server);
    server.behave(Behaviour::temporary(Refusal::Always));
    assert_eq!(client.mail("1@x", "b@x.test"), "451");
    server.behave(Behaviour::temporary(Refusal::EveryNthData(2)));
    assert_eq!(client.mail("2@x", "b@x.test"), "250");
    assert_eq!(client.mail("3@x", "b@x.test"), "451");
    server.behave(Behaviour::temporary(Refusal::EveryNthRcpt(2)));
    assert_eq!(client.mail("4@x", "b@x.test"), "250");
    assert_eq!(client.mail("5@x", "b@x.test"), "451");
    server.behave(Behaviour::accept());
    assert_eq!(client.mail("6@x", "b@x.test"), "250");
    assert_eq!(server.counters().accepted, 3);
    assert_eq!(server.counters().temporary, 3);
}

#[test]
fn it_refuses_chosen_recipients_for_good() {
    let server = server();
    server.behave(Behaviour::refusing("nobody"));
    let mut client = Client::connect(&server);
    assert_eq!(client.mail("1@x", "nobody@x.test"), "550");
    assert_eq!(client.mail("2@x", "b@x.test"), "250");
    assert_eq!(server.messages(), [received("2@x", "b@x.test")]);
    assert_eq!(server.counters().refused, 1);
}

#[test]
fn it_cuts_the_connection_before_or_after_it_accepts() {
    let server = server();
    server.behave(Behaviour::cutting(Cut::BeforeAccept));
    assert_eq!(Client::connect(&server).mail("1@x", "b@x.test"), "");
    assert_eq!(server.messages(), []);
    server.behave(Behaviour::cutting(Cut::AfterAccept));
    assert_eq!(Client::connect(&server).mail("2@x", "b@x.test"), "");
    assert_eq!(server.messages(), [received("2@x", "b@x.test")]);
    assert_eq!(server.counters().cut, 2);
}

#[test]
fn it_is_slow_when_told() {
    let server = server();
    let mut client = Client::connect(&server);
    server.behave(Behaviour::slow(Duration::from_millis(50)));
    let before = Instant::now();
    assert_eq!(client.mail("1@x", "b@x.test"), "250");
    assert!(before.elapsed() >= Duration::from_millis(200));
}

#[test]
fn it_answers_pipelined_commands_in_order() {
    let server = server();
    let mut client = Client::connect(&server);
    client.send("MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nDATA");
    assert_eq!([client.reply(), client.reply(), client.reply()], ["250", "250", "354"]);
    assert_eq!(client.say("Message-ID: <1@x>\r\n\r\nhi\r\n."), "250");
    assert_eq!(client.say("QUIT"), "221");
    assert_eq!(client.reply(), "");
}

#[test]
fn it_takes_many_mails_at_once_and_is_not_what_slows_them() {
    let dir = std::env::temp_dir().join(format!("muster-mail-speed-{}", std::process::id()));
    let server = MailServer::start(Some(dir.clone())).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut client = Client::connect(server);
                for mail in 0..100 {
                    assert_eq!(client.mail(&format!("{thread}-{mail}@x"), "b@x.test"), "250");
                }
            });
        }
    });
    assert_eq!(server.counters().accepted, 800);
    // Hundredths of a second on a quiet machine; a lost TCP_NODELAY alone would make it half a minute.
    let span = server.span().unwrap();
    assert!(span < Duration::from_secs(10), "{span:?}");
    std::fs::remove_dir_all(dir).unwrap();
}
