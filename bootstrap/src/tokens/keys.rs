use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::generate::ensure_key;
use super::{KeyError, TokenAlgorithm, TokenConfig};

const PRIVATE: &str = "JWT_PRIVATE_KEY";
const PRIVATE_PATH: &str = "JWT_PRIVATE_KEY_PATH";
const PUBLIC: &str = "JWT_PUBLIC_KEY";
const PUBLIC_PATH: &str = "JWT_PUBLIC_KEY_PATH";
/// Where development keys are kept unless somebody says otherwise.
const DEV_PEM: &str = ".dev/jwt.pem";
const DEV_SECRET: &str = ".dev/jwt.secret";
/// Shortest secret of an HMAC, in bytes; a shorter one can be guessed.
const MIN_SECRET: usize = 32;

/// The keys of the configured algorithm.
pub(super) struct Keys {
    /// None where only a public key is known.
    pub(super) signing: Option<EncodingKey>,
    pub(super) verifying: DecodingKey,
}

/// A key as it was read, and the setting that it came from.
struct Found {
    name: &'static str,
    bytes: Vec<u8>,
}

impl Keys {
    pub(super) fn load(config: &TokenConfig) -> Result<Self, KeyError> {
        let public = given(PUBLIC, config.public_key.as_deref(), PUBLIC_PATH, config.public_key_path.as_deref())?;
        let private = find_private(config, public.is_some())?;
        if config.algorithm.is_symmetric() {
            return Self::symmetric(&private.ok_or(KeyError::NoPrivateKey)?);
        }
        let signing = private.map(|key| read_private(&key)).transpose()?;
        let verifying = match (&signing, public) {
            (_, Some(key)) => read_public(&key)?,
            (Some(key), None) => derive_public(key, config.algorithm)?,
            (None, None) => return Err(KeyError::NotSet),
        };
        Ok(Self { signing, verifying })
    }

    fn symmetric(secret: &Found) -> Result<Self, KeyError> {
        if secret.bytes.len() < MIN_SECRET {
            return Err(KeyError::WrongKey { name: secret.name, wanted: "secret of at least 32 bytes" });
        }
        let signing = EncodingKey::from_secret(&secret.bytes);
        Ok(Self { signing: Some(signing), verifying: DecodingKey::from_secret(&secret.bytes) })
    }
}

/// The key that is not there yet and will be made: in development, where nobody has named another one.
pub(super) fn made_at_start(config: &TokenConfig) -> Option<&Path> {
    let is_public_only = (config.public_key.is_some() || config.public_key_path.is_some())
        && config.private_key_path.is_none()
        && !config.algorithm.is_symmetric();
    // There is none that could be made for ES384.
    let is_made = !config.production && config.private_key.is_none() && config.algorithm != TokenAlgorithm::Es384;
    if is_public_only || !is_made {
        return None;
    }
    let path = config.private_key_path.as_deref().unwrap_or_else(|| dev_key(config.algorithm));
    (!path.exists()).then_some(path)
}

fn dev_key(algorithm: TokenAlgorithm) -> &'static Path {
    Path::new(if algorithm.is_symmetric() { DEV_SECRET } else { DEV_PEM })
}

fn find_private(config: &TokenConfig, has_public: bool) -> Result<Option<Found>, KeyError> {
    let path = match &config.private_key_path {
        Some(path) if config.private_key.is_none() && !config.production => path.as_path(),
        None if config.private_key.is_none() => {
            if has_public && !config.algorithm.is_symmetric() {
                return Ok(None);
            }
            if config.production {
                return Err(KeyError::NotSet);
            }
            dev_key(config.algorithm)
        }
        path => return given(PRIVATE, config.private_key.as_deref(), PRIVATE_PATH, path.as_deref()),
    };
    ensure_key(path, config.algorithm)?;
    read_file(PRIVATE_PATH, path).map(Some)
}

fn given(
    name: &'static str,
    value: Option<&str>,
    path_name: &'static str,
    path: Option<&Path>,
) -> Result<Option<Found>, KeyError> {
    match (value, path) {
        (Some(value), _) => {
            let value: String = value.split_whitespace().collect();
            let bytes = STANDARD.decode(value).map_err(|_| KeyError::NotBase64 { name })?;
            Ok(Some(Found { name, bytes }))
        }
        (None, Some(path)) => read_file(path_name, path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read_file(name: &'static str, path: &Path) -> Result<Found, KeyError> {
    let bytes = fs::read(path).map_err(|source| KeyError::Unreadable { name, path: path.to_owned(), source })?;
    Ok(Found { name, bytes: bytes.trim_ascii_end().to_vec() })
}

fn read_private(key: &Found) -> Result<EncodingKey, KeyError> {
    EncodingKey::from_ec_pem(&key.bytes).map_err(|_| KeyError::WrongKey {
        name: key.name,
        wanted: "PKCS#8 PEM (`BEGIN PRIVATE KEY`) of an elliptic curve key; `openssl pkcs8 -topk8 -nocrypt` makes one",
    })
}

fn read_public(key: &Found) -> Result<DecodingKey, KeyError> {
    let wanted = "PEM (`BEGIN PUBLIC KEY`) of an elliptic curve key";
    DecodingKey::from_ec_pem(&key.bytes).map_err(|_| KeyError::WrongKey { name: key.name, wanted })
}

fn derive_public(key: &EncodingKey, algorithm: TokenAlgorithm) -> Result<DecodingKey, KeyError> {
    Jwk::from_encoding_key(key, algorithm.into())
        .and_then(|jwk| DecodingKey::from_jwk(&jwk))
        .map_err(|_| KeyError::Unusable)
}
