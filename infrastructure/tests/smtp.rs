//! The mailer against a real SMTP server that misbehaves on request.

use muster_application::ports::{Delivery, Mail, Mailer};
use muster_infrastructure::smtp::SmtpMailer;
use muster_testkit::mail::{Behaviour, Cut, MailServer, Refusal};

fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        message_key: "welcome.7.x".to_owned(),
        subject: "Welcome".to_owned(),
        text: "Hello".to_owned(),
        html: "<p>Hello</p>".to_owned(),
    }
}

fn world() -> anyhow::Result<(MailServer, SmtpMailer)> {
    let server = MailServer::start(None)?;
    let mailer = SmtpMailer::new(&server.smtp_url(), "Muster <no-reply@example.com>", 2)?;
    Ok((server, mailer))
}

#[tokio::test]
async fn a_mail_carries_its_key_as_message_id() {
    let (server, mailer) = world().unwrap();
    assert_eq!(mailer.send(&mail("ada@example.com")).await, Delivery::Sent);
    let messages = server.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].message_id, "<welcome.7.x@example.com>");
    assert_eq!(messages[0].recipient, "ada@example.com");
}

#[tokio::test]
async fn answers_of_the_server_are_told_apart() {
    let (server, mailer) = world().unwrap();
    server.behave(Behaviour::refusing("nobody"));
    assert_eq!(mailer.send(&mail("nobody@example.com")).await, Delivery::Refused);
    server.behave(Behaviour::temporary(Refusal::Always));
    assert_eq!(mailer.send(&mail("ada@example.com")).await, Delivery::Deferred);
    for cut in [Cut::OnConnect, Cut::BeforeAccept, Cut::AfterAccept] {
        server.behave(Behaviour::cutting(cut));
        assert_eq!(mailer.send(&mail("ada@example.com")).await, Delivery::Unreachable, "{cut:?}");
    }
    server.behave(Behaviour::accept());
    assert_eq!(mailer.send(&mail("ada@example.com")).await, Delivery::Sent);
    assert_eq!(mailer.send(&mail("not an address")).await, Delivery::Refused);
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable() {
    let mailer = SmtpMailer::new("smtp://127.0.0.1:1", "no-reply@example.com", 1).unwrap();
    assert_eq!(mailer.send(&mail("ada@example.com")).await, Delivery::Unreachable);
}
