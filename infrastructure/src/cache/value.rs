/// Longest value that is stored or believed: a user has at most some 3 KiB.
pub(super) const MAX_BYTES: usize = 16 << 10;
/// From here on values are compressed.
const COMPRESS_FROM: usize = 1024;
/// Quick, and what is this small compresses no better with more effort.
const LEVEL: i32 = 1;

const PLAIN: u8 = b'V';
const PACKED: u8 = b'Z';
const TOMBSTONE: u8 = b'X';
/// Kind, epoch, digest.
const HEAD_BYTES: usize = 1 + 8 + 16;

/// What lies under a key in Redis.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// An entity, encoded.
    Entity(Vec<u8>),
    /// Nothing, a tombstone, or something of another epoch: none of it a surprise.
    Nothing,
    /// Nothing that we would have written.
    Garbage,
}

/// Frames an entity for Redis; none if it is too long. The digest covers the name of the key: a value that was copied
/// to another key, of this tenant or of another, is as bad as one with a flipped bit.
pub(super) fn seal(name: &str, epoch: i64, entity: &[u8]) -> Option<Vec<u8>> {
    let packed = if entity.len() < COMPRESS_FROM { None } else { zstd::bulk::compress(entity, LEVEL).ok() };
    let (kind, body) = packed.as_deref().map_or((PLAIN, entity), |packed| (PACKED, packed));
    if entity.len() > MAX_BYTES || HEAD_BYTES + body.len() > MAX_BYTES {
        return None;
    }
    let mut value = Vec::with_capacity(HEAD_BYTES + body.len());
    value.push(kind);
    value.extend_from_slice(&epoch.to_be_bytes());
    value.extend_from_slice(&digest(name, kind, epoch, body));
    value.extend_from_slice(body);
    Some(value)
}

/// Reads what [`seal`] wrote in this epoch.
pub(super) fn open(name: &str, epoch: i64, raw: &[u8]) -> Value {
    match raw.first() {
        None | Some(&TOMBSTONE) => Value::Nothing,
        Some(&kind @ (PLAIN | PACKED)) => entity(name, epoch, kind, raw).unwrap_or(Value::Garbage),
        Some(_) => Value::Garbage,
    }
}

fn entity(name: &str, epoch: i64, kind: u8, raw: &[u8]) -> Option<Value> {
    let written = raw.get(1..9)?.try_into().ok().map(i64::from_be_bytes)?;
    let (told, body) = raw.get(9..)?.split_at_checked(16)?;
    if told != digest(name, kind, written, body) {
        return None;
    }
    if written != epoch {
        return Some(Value::Nothing);
    }
    let entity = if kind == PLAIN { body.to_vec() } else { zstd::bulk::decompress(body, MAX_BYTES).ok()? };
    Some(Value::Entity(entity))
}

/// What lies on a key that was just written. Each is another, so that a reader sees whether one came in between.
pub(super) fn tombstone(writer: u64, number: u64) -> Vec<u8> {
    let mut value = vec![TOMBSTONE];
    value.extend_from_slice(&writer.to_be_bytes());
    value.extend_from_slice(&number.to_be_bytes());
    value
}

fn digest(name: &str, kind: u8, epoch: i64, body: &[u8]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(&[0, kind]).update(&epoch.to_be_bytes()).update(body);
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_under_its_name_in_its_epoch_only() {
        let long = "ä".repeat(2000);
        for (entity, kind) in [("short", PLAIN), (long.as_str(), PACKED)] {
            let value = seal("a", 7, entity.as_bytes()).unwrap();
            assert_eq!(value[0], kind);
            assert_eq!(open("a", 7, &value), Value::Entity(entity.as_bytes().to_vec()));
            assert_eq!(open("a", 8, &value), Value::Nothing);
            assert_eq!(open("b", 7, &value), Value::Garbage);
        }
        assert!(seal("a", 7, long.as_bytes()).unwrap().len() < 200);
        assert_eq!(seal("a", 7, &vec![b'x'; MAX_BYTES + 1]), None);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let value = seal("a", 7, b"entity").unwrap();
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open("a", 7, &flipped), Value::Garbage, "bit {bit}");
        }
        for length in 1..value.len() {
            assert_eq!(open("a", 7, &value[..length]), Value::Garbage, "{length} bytes");
        }
    }

    #[test]
    fn tombstones_are_no_surprise_and_each_is_another() {
        assert_eq!(open("a", 7, &tombstone(1, 2)), Value::Nothing);
        assert_eq!(open("a", 7, b""), Value::Nothing);
        assert_ne!(tombstone(1, 2), tombstone(1, 3));
        assert_ne!(tombstone(1, 2), tombstone(2, 2));
    }
}
