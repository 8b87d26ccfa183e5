use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_infrastructure::temporal::PayloadKeys;

use super::CorsOrigins;
use super::http::origins;
use super::read::Reader;

const KEYS: &str = "MUSTER_CODEC_KEYS";
const TOKEN: &str = "CODEC_TOKEN";
const ORIGINS: &str = "CODEC_CORS_ORIGINS";
const RIGHT_KEYS: &str = "a list of id:key such as 2026-11:BASE64,2026-05:BASE64, the one that encrypts first; an id has 1 to \
                          64 letters, digits, dots, dashes and underscores, and is given once; a key is the base64 of 32 random \
                          bytes, such as `openssl rand -base64 32` prints";
const RIGHT_ORIGINS: &str = "a list of origins such as https://temporal.example.com, without a path and without *";
/// Shorter ones could be guessed.
const LEAST_TOKEN: usize = 32;

/// How payloads at Temporal are encrypted, and who may see them decrypted.
#[derive(Debug, Clone, Default)]
pub struct CodecConfig {
    /// `MUSTER_CODEC_KEYS`; none: nothing is encrypted.
    pub keys: PayloadKeys,
    /// `CODEC_TOKEN`; none, or no key: the API decrypts for nobody.
    pub token: Option<CodecToken>,
    /// `CODEC_CORS_ORIGINS`: pages that may ask for it, with that token.
    pub origins: Vec<String>,
}

/// What whoever wants payloads decrypted must know. Only its hash is kept, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct CodecToken(blake3::Hash);

impl CodecToken {
    /// None if it is too short, or cannot stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let fits = text.len() >= LEAST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(blake3::hash(text.as_bytes())))
    }

    /// Whether it is this one; takes as long whatever it is, because hashes are compared, and in constant time.
    pub fn is(&self, text: &str) -> bool {
        self.0 == blake3::hash(text.as_bytes())
    }
}

impl std::fmt::Debug for CodecToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CodecToken(…)")
    }
}

pub(super) fn read(env: &mut Reader) -> CodecConfig {
    let token = "at least 32 visible ASCII characters that nobody can guess, such as `openssl rand -hex 32` prints";
    CodecConfig {
        keys: keys(env),
        token: env.choice(TOKEN, token, None, |text| CodecToken::new(text).map(Some)),
        origins: env.choice(ORIGINS, RIGHT_ORIGINS, Vec::new(), |text| match origins(text)? {
            CorsOrigins::Listed(origins) => Some(origins),
            CorsOrigins::Any => None,
        }),
    }
}

/// `MUSTER_CODEC_KEYS` alone, for programs that need nothing else.
///
/// # Errors
/// When it is no list of keys.
pub fn payload_keys() -> anyhow::Result<PayloadKeys> {
    let mut env = Reader::new(|name| std::env::var(name).ok());
    let keys = keys(&mut env);
    env.finish().map(|()| keys)
}

fn keys(env: &mut Reader) -> PayloadKeys {
    env.choice(KEYS, RIGHT_KEYS, PayloadKeys::default(), parse)
}

fn parse(text: &str) -> Option<PayloadKeys> {
    let key = |item: &str| {
        let (id, key) = item.trim().split_once(':')?;
        Some((id.to_owned(), STANDARD.decode(key).ok()?.try_into().ok()?))
    };
    PayloadKeys::new(text.split(',').map(key).collect::<Option<Vec<_>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, value: &str) -> (CodecConfig, String) {
        super::super::read::load(&[(name, value)], read)
    }

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; PayloadKeys::BYTES])
    }

    #[test]
    fn nothing_is_encrypted_and_nothing_decrypted_unless_somebody_says_so() {
        let (config, wrong) = load("NOTHING", "");
        assert_eq!(wrong, "");
        assert!(config.keys.is_empty() && config.token.is_none() && config.origins.is_empty());
    }

    #[test]
    fn keys_are_read_in_their_order() {
        let (config, wrong) = load(KEYS, &format!("2026-11:{}, a.b_c:{}", key(1), key(2)));
        assert_eq!(wrong, "");
        assert_eq!(format!("{:?}", config.keys), r#"{"2026-11", "a.b_c"}"#);
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_and_not_repeated() {
        let (one, other) = (key(1), key(2));
        for wrong in [
            one.clone(),
            format!("a:{one},"),
            format!("a:{one},a:{other}"),
            format!(":{one}"),
            format!("a b:{one}"),
            format!("a:{}", STANDARD.encode([1; 31])),
            format!("a:{}", &one[1..]),
            "a:".to_owned(),
        ] {
            let (config, says) = load(KEYS, &wrong);
            assert!(says.contains("MUSTER_CODEC_KEYS must be a list of id:key"), "{wrong}: {says}");
            assert!(!says.contains(&one[1..]), "{says}");
            assert!(config.keys.is_empty());
        }
    }

    #[test]
    fn a_token_is_long_and_known_by_itself_only() {
        let text = "0123456789abcdef0123456789abcdef";
        let token = load(TOKEN, text).0.token.unwrap();
        assert!(token.is(text) && !token.is(&text[1..]) && !token.is(""));
        assert_eq!(format!("{token:?}"), "CodecToken(…)");
        for wrong in [&text[1..], "0123456789abcdef 0123456789abcdef", "0123456789abcdef0123456789abcdeä"] {
            let (config, says) = load(TOKEN, wrong);
            assert!(says.contains("CODEC_TOKEN must be at least 32") && config.token.is_none(), "{says}");
        }
    }

    #[test]
    fn origins_are_listed() {
        let (config, _) = load(ORIGINS, "https://temporal.example.com, http://localhost:8233");
        assert_eq!(config.origins, ["https://temporal.example.com", "http://localhost:8233"]);
        let says = load(ORIGINS, "*").1;
        assert!(says.contains("CODEC_CORS_ORIGINS must be a list of origins"), "{says}");
    }
}
