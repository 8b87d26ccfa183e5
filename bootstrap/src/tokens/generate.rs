use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::SecretKey;
use p256::elliptic_curve::Generate;
use p256::pkcs8::{EncodePrivateKey, LineEnding};

use super::{KeyError, TokenAlgorithm};

/// Makes sure that there is a development key at `path`. Of processes that start at once one wins, and all use its key.
pub(super) fn ensure_key(path: &Path, algorithm: TokenAlgorithm) -> Result<(), KeyError> {
    if path.exists() {
        return Ok(());
    }
    let key = generate(algorithm)?;
    place(path, &key).map_err(|source| KeyError::NotMade { path: path.to_owned(), source })
}

fn generate(algorithm: TokenAlgorithm) -> Result<String, KeyError> {
    let fresh = || SecretKey::try_generate().map_err(|_| KeyError::NoRandomness);
    match algorithm {
        TokenAlgorithm::Es256 => {
            let pem = fresh()?.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Unusable)?;
            Ok(pem.as_str().to_owned())
        }
        TokenAlgorithm::Es384 => Err(KeyError::NotGenerated),
        TokenAlgorithm::Hs256 | TokenAlgorithm::Hs384 | TokenAlgorithm::Hs512 => {
            // 64 random bytes: as much as the longest hash asks for.
            Ok(STANDARD.encode([fresh()?.to_bytes(), fresh()?.to_bytes()].concat()))
        }
    }
}

/// Writes beside the path and links it there: the file is whole when it appears, and the first one stays.
pub(crate) fn place(path: &Path, key: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("{}.new", super::token_id()));
    let written = write(&draft, key).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

fn write(draft: &Path, key: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()
}
