use std::sync::atomic::Ordering;

use muster_domain::webhooks::DeliveryError;

use crate::world::{Names, Receiver, send, sender};

const REFUSED: Result<u16, DeliveryError> = Err(DeliveryError::AddressRefused);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const NAME: &str = "hooks.example.com";

/// What a name must not lead to.
const PRIVATE: [&str; 40] = [
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.0.0.53",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
];

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    for address in PRIVATE {
        let names = Names::of(NAME, &[address]);
        let sender = sender(names, "");
        for scheme in ["http", "https"] {
            assert_eq!(send(&sender, &format!("{scheme}://{NAME}/")).await.answer, REFUSED, "{address}");
        }
    }
}

#[tokio::test]
async fn an_address_in_a_url_is_refused_as_well_when_it_is_sent_to() {
    let sender = sender(Names::of(NAME, &[]), "");
    for address in PRIVATE {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        assert_eq!(send(&sender, &format!("http://{host}/")).await.answer, REFUSED, "{address}");
    }
    for disguised in ["http://127.1/", "http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/"] {
        assert_eq!(send(&sender, disguised).await.answer, REFUSED, "{disguised}");
    }
}

#[tokio::test]
async fn only_what_was_looked_at_is_connected_to() {
    let receiver = Receiver::start(OK).await;
    let names = Names::of(NAME, &["10.0.0.1", "169.254.169.254", "127.0.0.1"]);
    let sender = sender(names.clone(), "127.0.0.0/8");
    // Of several addresses the private ones are never tried: that would take until the time is up.
    let answer = send(&sender, &format!("http://{NAME}:{}/", receiver.port)).await;
    assert_eq!((answer.answer, receiver.count()), (Ok(200), 1));
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "nobody asks a second time, which could say something else");
}

#[tokio::test]
async fn an_allowed_network_is_reached_however_its_addresses_are_written() {
    let receiver = Receiver::start(OK).await;
    for address in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let sender = sender(Names::of(NAME, &[address]), "127.0.0.1");
        let answer = send(&sender, &format!("http://{NAME}:{}/", receiver.port)).await;
        assert_eq!(answer.answer, Ok(200), "{address}");
    }
    let sender = sender(Names::of(NAME, &["127.0.0.1"]), "10.0.0.0/8");
    assert_eq!(send(&sender, &format!("http://{NAME}:{}/", receiver.port)).await.answer, REFUSED);
    assert_eq!(receiver.count(), 2);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_no_connection() {
    for addresses in [Names::of("other.example.com", &["127.0.0.1"]), Names::of(NAME, &[])] {
        let answer = send(&sender(addresses, "127.0.0.1"), &format!("http://{NAME}/")).await;
        assert_eq!(answer.answer, Err(DeliveryError::NoConnection));
    }
}
