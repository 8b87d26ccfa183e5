use std::path::PathBuf;

use url::Url;

use super::super::read::Reader;
use super::{Default, ReadBy, Secrecy, Setting, all};

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// What may be in the query of a URL and is no secret.
const HARMLESS: [&str; 5] = ["tls", "sslmode", "protocol", "application_name", "db"];

/// A setting as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The variable.
    pub name: &'static str,
    /// What it is, with what is secret hidden; none where it has no value.
    pub value: Option<String>,
    /// Where that came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// This variable.
    Variable(String),
    /// The file that `_FILE` names.
    File(PathBuf),
    /// Nobody set it.
    Default,
}

/// All settings as they are now, and the files that cannot be read.
pub fn effective(get: impl Fn(&str) -> Option<String> + 'static) -> (Vec<Effective>, Vec<String>) {
    let mut env = Reader::new(get);
    let settings = all().map(|setting| look(setting, &mut env)).collect();
    (settings, env.problems())
}

fn look(setting: &'static Setting, env: &mut Reader) -> Effective {
    let names = [Some(setting.name), setting.other_name];
    let found = names.into_iter().flatten().find_map(|name| {
        let (value, origin) = if setting.read_by == ReadBy::Arguments { env.variable(name) } else { env.found(name) }?;
        (!value.is_empty() || setting.off_when_empty).then_some((value, origin))
    });
    let (value, origin) = match (found, setting.default) {
        (Some((value, origin)), _) => (Some(shown(setting.secrecy, value)), origin),
        (None, Default::Value(value)) => (Some(value.to_owned()), Origin::Default),
        (None, _) => (None, Origin::Default),
    };
    Effective { name: setting.name, value, origin }
}

fn shown(secrecy: Secrecy, value: String) -> String {
    match secrecy {
        Secrecy::Open => value,
        Secrecy::Url => without_secrets(&value),
        Secrecy::Secret => HIDDEN.to_owned(),
    }
}

/// A URL without its password, and without what its query may have of secrets. What cannot be read may be anything.
fn without_secrets(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return HIDDEN.to_owned() };
    // A user without a password is a token in some places.
    let hidden = match (url.username().is_empty(), url.password()) {
        (_, Some(_)) => url.set_password(Some(HIDDEN)),
        (false, None) if matches!(url.scheme(), "http" | "https") => url.set_username(HIDDEN),
        _ => Ok(()),
    };
    if hidden.is_err() {
        return HIDDEN.to_owned();
    }
    let show = |name: &str| HARMLESS.contains(&name);
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| if show(&name) { (name.into(), value.into()) } else { (name.into(), HIDDEN.to_owned()) })
        .collect();
    if !pairs.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(vars: &[(&str, &str)], name: &str) -> Effective {
        let vars: std::collections::HashMap<String, String> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (settings, _) = effective(move |name| vars.get(name).cloned());
        settings.into_iter().find(|setting| setting.name == name).unwrap()
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_of_a_url_is_not() {
        for (url, says) in [
            (
                "postgres://app:hidden@db:5432/muster?sslmode=require",
                "postgres://app:***@db:5432/muster?sslmode=require",
            ),
            ("postgres://app@db/muster?password=hidden", "postgres://app@db/muster?password=***"),
            ("postgres app hidden", "***"),
        ] {
            let found = look_at(&[("DATABASE_URL", url)], "DATABASE_URL");
            assert_eq!(found.value.as_deref(), Some(says));
        }
        let found = look_at(&[("SMTP_URL", "smtp://me:hi%20dden@mail:587?tls=required")], "SMTP_URL");
        assert_eq!(found.value.as_deref(), Some("smtp://me:***@mail:587?tls=required"));
        for name in ["JWT_PRIVATE_KEY", "PARTNER_SECRET_KEY", "PARTNER_SECRET_KEY_PREVIOUS", "TENANT_TOKEN"] {
            assert_eq!(look_at(&[(name, "hidden")], name).value.as_deref(), Some("***"), "{name}");
        }
    }

    #[test]
    fn it_is_said_where_a_value_came_from() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("port");
        std::fs::write(&file, "81\n").unwrap();
        let path = file.to_str().unwrap();
        let port = |vars: &[(&str, &str)]| look_at(vars, "PORT");
        let of = |value: &str, origin| Effective { name: "PORT", value: Some(value.to_owned()), origin };
        assert_eq!(port(&[]), of("8000", Origin::Default));
        assert_eq!(port(&[("PORT", "80")]), of("80", Origin::Variable("PORT".to_owned())));
        assert_eq!(port(&[("PORT", ""), ("PORT_FILE", path)]), of("81", Origin::File(file.clone())));
        let host = look_at(&[("TEMPORAL_HOST", "there:7233")], "TEMPORAL_ADDRESS");
        assert_eq!(host.origin, Origin::Variable("TEMPORAL_HOST".to_owned()));
        let docs = look_at(&[("DOCS_URL", "")], "DOCS_URL");
        assert_eq!((docs.value.as_deref(), docs.origin), (Some(""), Origin::Variable("DOCS_URL".to_owned())));
        // The arguments of a program are not read from files.
        assert_eq!(look_at(&[("WORKER_QUEUES_FILE", path)], "WORKER_QUEUES").origin, Origin::Default);
    }
}
