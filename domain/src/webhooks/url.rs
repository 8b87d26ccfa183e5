use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::is_public;
use crate::{FieldError, Networks};

/// Longest URL, in characters.
pub const MAX_URL: usize = 2048;

/// Where deliveries go. Paths and queries often hold a key, so its `Debug` shows nothing, and nothing of it is logged.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// Reads a URL to which deliveries may go: over TLS, to the public internet. In `allowed` networks addresses may be
    /// private, and need no TLS. What a name leads to is looked at when something is sent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, allowed: &Networks) -> Result<Self, FieldError> {
        let wrong = |code, detail: &'static str| FieldError::new("url", code, detail);
        if text.chars().count() > MAX_URL {
            return Err(FieldError::new("url", "too_long", format!("must have at most {MAX_URL} characters")));
        }
        let invalid = || wrong("invalid_url", "must be a URL such as https://example.com/hooks");
        if !is_uri(text) {
            return Err(invalid());
        }
        let url = Url::parse(text).map_err(|_| invalid())?;
        let host = url.host().ok_or_else(invalid)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(invalid());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has_credentials", "must have no user name and password; a key may be in path or query"));
        }
        if url.fragment().is_some() {
            return Err(wrong("has_fragment", "must not have a part behind #: it would not be sent"));
        }
        let address = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::from(address)),
            Host::Ipv6(address) => Some(IpAddr::from(address)),
        };
        let is_allowed = address.is_some_and(|address| allowed.contains(address));
        if address.is_some_and(|address| !is_public(address)) && !is_allowed {
            return Err(wrong("private_address", "must lead to the public internet, not to a private address"));
        }
        if url.scheme() == "http" && !is_allowed {
            return Err(wrong("not_https", "must begin with https://"));
        }
        Ok(Self(url))
    }

    /// Wraps a URL that is stored.
    ///
    /// # Errors
    /// When it is none, which cannot be.
    pub fn from_stored(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text).map(Self)
    }

    /// As text, for storage and for its owner.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// In its parts, for whoever sends.
    pub const fn parts(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

/// Whether a text has only what a URI may have (RFC 3986): parsers of URLs mend the rest, each in its own way, and then it is
/// not the same that is looked at and stored. Names in other letters are to be given as DNS knows them (`xn--…`).
fn is_uri(text: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    text.bytes().all(is_known) && text.split('%').skip(1).all(is_escape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, allowed: &Networks) -> &'static str {
        WebhookUrl::parse(text, allowed).map_or_else(|error| error.code, |_| "")
    }

    #[test]
    fn only_urls_of_the_public_internet_over_tls_are_taken() {
        let none = Networks::default();
        for good in
            ["https://example.com", "https://example.com:8443/a?b=c", "https://8.8.8.8/x", "https://[2606:4700::1]/"]
        {
            assert_eq!(code(good, &none), "", "{good}");
        }
        for (text, expected) in [
            ("", "invalid_url"),
            ("example.com", "invalid_url"),
            ("ftp://example.com", "invalid_url"),
            ("https://\u{cf}", "invalid_url"),
            ("https://example.com/a b", "invalid_url"),
            ("https://example.com/%zz", "invalid_url"),
            ("https://example.com/%2", "invalid_url"),
            ("https:\\\\example.com", "invalid_url"),
            (" https://example.com", "invalid_url"),
            ("https://", "invalid_url"),
            ("data:text/plain,x", "invalid_url"),
            ("http://example.com", "not_https"),
            ("http://8.8.8.8", "not_https"),
            ("https://ada:pw@example.com", "has_credentials"),
            ("https://ada@example.com", "has_credentials"),
            ("https://example.com/#x", "has_fragment"),
            ("https://127.0.0.1", "private_address"),
            ("https://127.1", "private_address"),
            ("https://0x7f000001", "private_address"),
            ("https://2130706433", "private_address"),
            ("https://[::1]", "private_address"),
            ("https://[::ffff:169.254.169.254]", "private_address"),
            ("http://10.0.0.1", "private_address"),
        ] {
            assert_eq!(code(text, &none), expected, "{text}");
        }
        assert_eq!(code(&format!("https://example.com/{}", "x".repeat(MAX_URL)), &none), "too_long");
    }

    #[test]
    fn in_allowed_networks_addresses_may_be_private_and_plain() {
        let allowed = Networks::parse("127.0.0.0/8, fd00::/8").unwrap();
        for good in ["http://127.0.0.1:80/x", "https://127.0.0.1", "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/"] {
            assert_eq!(code(good, &allowed), "", "{good}");
        }
        assert_eq!(code("http://10.0.0.1", &allowed), "private_address");
        assert_eq!(code("http://example.com", &allowed), "not_https");
    }

    #[test]
    fn nothing_of_a_url_is_shown_by_accident() {
        let url = WebhookUrl::parse("https://example.com/hooks?key=secret", &Networks::default()).unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(…)");
    }
}
