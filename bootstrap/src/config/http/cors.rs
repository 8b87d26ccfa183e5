use url::Url;

use super::super::read::Reader;

const ORIGINS: &str = "CORS_ORIGINS";
const CREDENTIALS: &str = "CORS_ALLOW_CREDENTIALS";
const RIGHT: &str = "a list of origins such as https://app.example.com, without a path, or * alone";

/// Which pages of other origins may read answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Whose pages.
    pub origins: CorsOrigins,
    /// Whether browsers may send what they hold for us, such as cookies and client certificates.
    pub credentials: bool,
}

/// Origins that are let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// All.
    Any,
    /// These, written as browsers do.
    Listed(Vec<String>),
}

pub(super) fn read(env: &mut Reader) -> Option<Cors> {
    let credentials = env.parse(CREDENTIALS, "true or false", false);
    let origins = env.choice(ORIGINS, RIGHT, None, |text| parse(text).map(Some))?;
    if origins == CorsOrigins::Any && credentials {
        env.problem(
            "CORS_ORIGINS=* and CORS_ALLOW_CREDENTIALS=true exclude each other, for every page on the web could then act \
             for whoever looks at it: list the origins, or leave CORS_ALLOW_CREDENTIALS out",
        );
    }
    Some(Cors { origins, credentials })
}

/// With commas, or as a JSON array.
pub(in super::super) fn parse(text: &str) -> Option<CorsOrigins> {
    let text = text.trim();
    let items: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).ok()?
    } else {
        text.split(',').map(|item| item.trim().to_owned()).collect()
    };
    match items.as_slice() {
        [] => None,
        [all] if all == "*" => Some(CorsOrigins::Any),
        _ => items.iter().map(|item| origin(item)).collect::<Option<_>>().map(CorsOrigins::Listed),
    }
}

/// As a browser writes it: in lower case, and without the port that everybody assumes.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    // A star within a name is a wish, and no browser is called that.
    let web = matches!(url.scheme(), "http" | "https") && !text.contains('*');
    (bare && nobody && web).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::super::tests::load;
    use super::*;

    #[test]
    fn origins_are_listed_with_commas_or_as_json_and_written_as_browsers_do() {
        for list in [
            "https://app.example.com, http://localhost:3000",
            "https://APP.example.com:443/,http://localhost:3000",
            r#"["https://app.example.com", "http://localhost:3000"]"#,
        ] {
            let (config, wrong) = load(&[(ORIGINS, list), (CREDENTIALS, "true")]);
            assert_eq!(wrong, "");
            let origins = ["https://app.example.com", "http://localhost:3000"].map(str::to_owned).to_vec();
            assert_eq!(config.cors, Some(Cors { origins: CorsOrigins::Listed(origins), credentials: true }), "{list}");
        }
        let any = load(&[(ORIGINS, "*")]).0.cors;
        assert_eq!(any, Some(Cors { origins: CorsOrigins::Any, credentials: false }));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for list in [
            "example.com",
            "null",
            "*,https://app.example.com",
            "https://*.example.com",
            "https://app.example.com/path",
            "https://app.example.com?x",
            "https://user@app.example.com",
            "https://app.example.com,",
            "ftp://app.example.com",
            "[]",
            "[1]",
        ] {
            let (config, wrong) = load(&[(ORIGINS, list)]);
            assert!(wrong.contains("CORS_ORIGINS must be a list of origins"), "{list}: {wrong}");
            assert_eq!(config.cors, None);
        }
    }

    #[test]
    fn everybody_with_credentials_is_refused_and_told_why() {
        let wrong = load(&[(ORIGINS, "*"), (CREDENTIALS, "true"), ("RATE_LIMIT_PER_MINUTE", "0")]).1;
        assert!(wrong.contains("CORS_ORIGINS=* and CORS_ALLOW_CREDENTIALS=true exclude each other"), "{wrong}");
        assert!(wrong.contains("RATE_LIMIT_PER_MINUTE"), "all at once: {wrong}");
    }
}
