use lettre::message::Mailbox;

use super::server::{ConnectError, Server};
use crate::check::{Finding, root};

const SERVER: &str = "smtp";
const SENDER: &str = "mail sender";

/// Goes as far towards the mail server as a mail would, and sends none; looks at the sender besides.
pub async fn check(url: &str, from: &str) -> Vec<Finding> {
    vec![server(url).await, sender(from)]
}

async fn server(url: &str) -> Finding {
    let server = match Server::parse(url) {
        Ok(server) => server,
        Err(error) => return Finding::bad(SERVER, "SMTP_URL cannot be read", error.to_string()),
    };
    let place = server.place();
    let said = |error: ConnectError| root(error.as_ref());
    let mut connection = match server.open().await {
        Ok(connection) => connection,
        Err(error) => {
            let wrong = format!("no greeting from {place}: {}", said(error));
            let mend = "start the mail server, or mend SMTP_URL: smtp:// is plain (port 25), smtp://…?tls=required is \
                        STARTTLS (587), smtps:// is TLS from the first byte (465)";
            return Finding::bad(SERVER, wrong, mend);
        }
    };
    if let Err(error) = server.protect(&mut connection).await {
        let offered = connection.can_starttls();
        connection.abort().await;
        return if offered {
            let wrong = format!("no secure connection to {place}: {}", said(error));
            Finding::bad(SERVER, wrong, "name the host in SMTP_URL as its certificate does, and have that renewed")
        } else {
            let mend = "use smtps:// in SMTP_URL if the server has TLS, or leave ?tls=required out if the way is safe";
            Finding::bad(SERVER, format!("{place} does not offer STARTTLS"), mend)
        };
    }
    if let Err(error) = server.log_in(&mut connection).await {
        connection.abort().await;
        let wrong = format!("{place} refuses the login: {}", said(error));
        return Finding::bad(SERVER, wrong, "mend user and password in SMTP_URL, percent-encoded");
    }
    // It has said all that we wanted to hear.
    let _ = connection.quit().await;
    Finding::good(SERVER, format!("{place} takes mail ({})", server.manner()))
}

fn sender(from: &str) -> Finding {
    let mend = "set EMAIL_FROM to an e-mail address, such as Muster <no-reply@example.com>";
    from.parse::<Mailbox>().map_or_else(
        |_| Finding::bad(SENDER, "EMAIL_FROM is no e-mail address", mend),
        |mailbox| Finding::good(SENDER, mailbox.to_string()),
    )
}
