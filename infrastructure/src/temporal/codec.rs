//! Payloads as Temporal keeps them: encrypted as a whole with AES-256-GCM, under a key that they name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, ready};
use prost::Message;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError, PayloadConverter,
    SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;

/// The member of the metadata that says how a payload is written; Temporal's own name.
const ENCODING: &str = "encoding";
/// What it says of ours; the name by which Temporal's UI knows that it has to ask a codec.
const ENCRYPTED: &[u8] = b"binary/encrypted";
/// The member of the metadata that names the key; the name that Temporal's examples gave it.
const KEY_ID: &str = "encryption-key-id";
/// Says how payloads are encrypted, so that there can be another way one day. Authenticated, not stored.
const FORMAT: &str = "muster/payload/1";

/// Keys by which payloads are encrypted; none at all leaves them as they are. Cheap to clone; its `Debug` shows ids only.
#[derive(Clone, Default)]
pub struct PayloadKeys(Arc<[PayloadKey]>);

struct PayloadKey {
    id: String,
    aead: LessSafeKey,
}

/// Why a payload cannot be encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// It is of a key that is not there.
    #[error("a payload is encrypted with the key {0}, which MUSTER_CODEC_KEYS does not have")]
    UnknownKey(String),
    /// It is not as it was written, or was not written by us.
    #[error("an encrypted payload is damaged, or its key in MUSTER_CODEC_KEYS is another one than it was")]
    Damaged,
    /// There was no chance to be had for a nonce.
    #[error("a payload could not be encrypted")]
    Failed,
}

impl PayloadKeys {
    /// How long a key is.
    pub const BYTES: usize = 32;
    /// Most bytes of the id of a key.
    pub const MOST_ID: usize = 64;

    /// The first key encrypts, all decrypt. None if an id is no id, or given twice.
    pub fn new(keys: impl IntoIterator<Item = (String, [u8; Self::BYTES])>) -> Option<Self> {
        let mut all: Vec<PayloadKey> = Vec::new();
        for (id, key) in keys {
            if !is_id(&id) || all.iter().any(|other| other.id == id) {
                return None;
            }
            all.push(PayloadKey { id, aead: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).ok()?) });
        }
        Some(Self(all.into()))
    }

    /// Whether there is none, and nothing is encrypted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encrypts a payload with the first key.
    ///
    /// # Errors
    /// When the operating system gives no chance.
    pub fn seal(&self, payload: &Payload) -> Result<Payload, CodecError> {
        let Some(key) = self.0.first() else { return Ok(payload.clone()) };
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| CodecError::Failed)?;
        let mut data = payload.encode_to_vec();
        let once = Nonce::assume_unique_for_key(nonce);
        key.aead.seal_in_place_append_tag(once, key.bound(), &mut data).map_err(|_| CodecError::Failed)?;
        let metadata = HashMap::from([
            (ENCODING.to_owned(), ENCRYPTED.to_vec()),
            (KEY_ID.to_owned(), key.id.clone().into_bytes()),
        ]);
        Ok(Payload { metadata, data: [nonce.as_slice(), &data].concat(), ..Payload::default() })
    }

    /// Decrypts a payload with the key that it names. One that is not encrypted is given back as it is: whoever switches
    /// encryption on has workflows that began without.
    ///
    /// # Errors
    /// When the key is not there, or the payload is not as it was written.
    pub fn open(&self, payload: Payload) -> Result<Payload, CodecError> {
        if !is_encrypted(&payload) {
            return Ok(payload);
        }
        let id = key_id(&payload).ok_or(CodecError::Damaged)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or_else(|| CodecError::UnknownKey(id.to_owned()))?;
        // Nothing else may be said beside what is authenticated.
        if payload.metadata.len() != 2 || !payload.external_payloads.is_empty() {
            return Err(CodecError::Damaged);
        }
        let (nonce, data) = payload.data.split_first_chunk::<NONCE_LEN>().ok_or(CodecError::Damaged)?;
        let mut data = data.to_vec();
        let once = Nonce::assume_unique_for_key(*nonce);
        let opened = key.aead.open_in_place(once, key.bound(), &mut data).map_err(|_| CodecError::Damaged)?;
        Payload::decode(&*opened).map_err(|_| CodecError::Damaged)
    }

    /// Whether a payload is written as [`PayloadKeys::seal`] would write it now.
    pub(super) fn is_current(&self, payload: &Payload) -> bool {
        let id = is_encrypted(payload).then(|| key_id(payload)).flatten();
        id == self.0.first().map(|key| key.id.as_str())
    }
}

impl PayloadKey {
    /// What is authenticated beside the payload: a name that is put in the place of another one does not open. The namespace
    /// is not among it, for histories are replayed in others.
    fn bound(&self) -> Aad<String> {
        Aad::from(format!("{FORMAT}\0{}", self.id))
    }
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=PayloadKeys::MOST_ID).contains(&text.len()) && text.bytes().all(plain)
}

fn is_encrypted(payload: &Payload) -> bool {
    payload.metadata.get(ENCODING).is_some_and(|encoding| encoding == ENCRYPTED)
}

/// The id of its key, if it is one that can be said in a log.
fn key_id(payload: &Payload) -> Option<&str> {
    let id = std::str::from_utf8(payload.metadata.get(KEY_ID)?).ok()?;
    is_id(id).then_some(id)
}

impl fmt::Debug for PayloadKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl PayloadCodec for PayloadKeys {
    fn encode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let sealed: Result<_, _> = payloads.iter().map(|payload| self.seal(payload)).collect();
        ready(sealed.map_err(|error| PayloadConversionError::EncodingError(error.into()))).boxed()
    }

    fn decode(
        &self,
        _: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let opened: Result<_, _> = payloads.into_iter().map(|payload| self.open(payload)).collect();
        ready(opened.map_err(|error| PayloadConversionError::EncodingError(error.into()))).boxed()
    }
}

/// How all that speaks with Temporal reads and writes payloads. With keys the texts of failures are payloads, too.
pub fn data_converter(keys: &PayloadKeys) -> DataConverter {
    DataConverter::new(PayloadConverter::default(), DefaultFailureConverter::new(!keys.is_empty()), keys.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(ids: &[(&str, u8)]) -> PayloadKeys {
        PayloadKeys::new(ids.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; PayloadKeys::BYTES]))).unwrap()
    }

    fn payload(data: &[u8]) -> Payload {
        let metadata = HashMap::from([(ENCODING.to_owned(), b"json/plain".to_vec())]);
        Payload { metadata, data: data.to_vec(), ..Payload::default() }
    }

    #[test]
    fn what_is_sealed_opens_again_shows_nothing_and_is_never_the_same() {
        let keys = keys(&[("a", 1)]);
        for length in [0, 1, 15, 16, 17, 1000, 100_000] {
            let clear = payload(&b"clear".iter().copied().cycle().take(length).collect::<Vec<_>>());
            let (sealed, again) = (keys.seal(&clear).unwrap(), keys.seal(&clear).unwrap());
            assert_ne!(sealed.data, again.data, "a nonce was used twice");
            assert_eq!(sealed.metadata[ENCODING], ENCRYPTED);
            assert_eq!(sealed.metadata[KEY_ID], b"a");
            let shown = String::from_utf8_lossy(&sealed.encode_to_vec()).into_owned();
            assert!(!shown.contains("clear") && !shown.contains("json"), "{shown}");
            for sealed in [sealed, again] {
                assert_eq!(keys.open(sealed).unwrap(), clear);
            }
        }
    }

    #[test]
    fn what_was_tampered_with_does_not_open() {
        let keys = keys(&[("a", 1), ("b", 2)]);
        let sealed = keys.seal(&payload(b"{\"id\":1}")).unwrap();
        for place in 0..sealed.data.len() {
            for bit in 0..8 {
                let mut damaged = sealed.clone();
                damaged.data[place] ^= 1 << bit;
                assert_eq!(keys.open(damaged), Err(CodecError::Damaged), "bit {bit} of byte {place}");
            }
            let cut = Payload { data: sealed.data[..place].to_vec(), ..sealed.clone() };
            assert_eq!(keys.open(cut), Err(CodecError::Damaged), "cut at {place}");
        }
        let with = |name: &str, value: &[u8]| {
            let mut other = sealed.clone();
            other.metadata.insert(name.to_owned(), value.to_vec());
            keys.open(other)
        };
        assert_eq!(with(KEY_ID, b"b"), Err(CodecError::Damaged), "the id is authenticated");
        assert_eq!(with(KEY_ID, b"c"), Err(CodecError::UnknownKey("c".to_owned())));
        assert_eq!(with("messageType", b"x"), Err(CodecError::Damaged), "something was added");
        for no_id in [&b""[..], b"a\n", b"\xff", &[b'a'; PayloadKeys::MOST_ID + 1]] {
            assert_eq!(with(KEY_ID, no_id), Err(CodecError::Damaged));
        }
        let mut unnamed = sealed.clone();
        unnamed.metadata.remove(KEY_ID);
        assert_eq!(keys.open(unnamed), Err(CodecError::Damaged));
    }

    #[test]
    fn the_id_is_authenticated_even_where_two_ids_have_one_key() {
        let keys = keys(&[("a", 1), ("b", 1)]);
        let mut sealed = keys.seal(&payload(b"1")).unwrap();
        sealed.metadata.insert(KEY_ID.to_owned(), b"b".to_vec());
        assert_eq!(keys.open(sealed), Err(CodecError::Damaged));
    }

    #[test]
    fn after_a_rotation_both_are_read_until_the_former_key_goes() {
        let clear = payload(b"1");
        let (before, during, after) = (keys(&[("a", 1)]), keys(&[("b", 2), ("a", 1)]), keys(&[("b", 2)]));
        let (old, new) = (before.seal(&clear).unwrap(), during.seal(&clear).unwrap());
        assert!(before.is_current(&old) && !during.is_current(&old) && during.is_current(&new));
        assert_eq!(during.open(old.clone()).unwrap(), clear);
        assert_eq!(during.open(new.clone()).unwrap(), clear);
        assert_eq!(after.open(new.clone()).unwrap(), clear);
        let says = after.open(old).unwrap_err().to_string();
        assert!(says.contains("the key a,") && says.contains("MUSTER_CODEC_KEYS"), "{says}");
        assert_eq!(before.open(new.clone()), Err(CodecError::UnknownKey("b".to_owned())));
        assert_eq!(keys(&[("b", 3)]).open(new), Err(CodecError::Damaged), "another key of the same id");
    }

    #[test]
    fn without_keys_nothing_changes_and_what_is_encrypted_is_an_error_that_says_so() {
        let (none, some, clear) = (PayloadKeys::default(), keys(&[("a", 1)]), payload(b"1"));
        assert_eq!(none.seal(&clear).unwrap(), clear);
        for keys in [&none, &some] {
            assert_eq!(keys.open(clear.clone()).unwrap(), clear);
            assert_eq!(keys.open(Payload::default()).unwrap(), Payload::default());
        }
        assert!(none.is_current(&clear) && !some.is_current(&clear));
        assert_eq!(none.open(some.seal(&clear).unwrap()), Err(CodecError::UnknownKey("a".to_owned())));
    }

    #[test]
    fn ids_are_plain_and_given_once_and_keys_are_not_shown() {
        let key = [1; PayloadKeys::BYTES];
        for ids in [&["a", "a"][..], &[""], &["a b"], &["ä"], &["a:b"]] {
            assert!(PayloadKeys::new(ids.iter().map(|id| ((*id).to_owned(), key))).is_none(), "{ids:?}");
        }
        assert_eq!(format!("{:?}", keys(&[("b", 2), ("2026-11.a_1", 1)])), r#"{"b", "2026-11.a_1"}"#);
    }
}
