use muster_domain::TenantId;

use super::key::Key;
use super::local::Writes;

/// Where processes tell each other what they wrote.
pub(super) const CHANNEL: &str = "muster:cache:v1";

const KEYS: u8 = b'K';
const MADE: u8 = b'M';
/// Space, tenant, what.
const KEY_BYTES: usize = 1 + 16 + 16;

/// Says that these keys were written.
pub(super) fn keys(keys: &[Key]) -> Vec<u8> {
    let mut message = Vec::with_capacity(1 + keys.len() * KEY_BYTES);
    message.push(KEYS);
    for key in keys {
        let (space, tenant, what) = key.to_parts();
        message.push(space);
        message.extend_from_slice(&tenant.to_be_bytes());
        message.extend_from_slice(&what.to_be_bytes());
    }
    message
}

/// Says that something was made in this tenant.
pub(super) fn made(tenant: TenantId) -> Vec<u8> {
    let mut message = vec![MADE];
    message.extend_from_slice(tenant.get().as_bytes());
    message
}

/// Does what a message says. One that cannot be read was meant for somebody newer, or is nonsense: forgetting all is
/// right either way.
pub(super) fn hear(message: &[u8], writes: &Writes) {
    match message.split_first() {
        Some((&KEYS, keys)) if keys.len().is_multiple_of(KEY_BYTES) => {
            keys.chunks_exact(KEY_BYTES).filter_map(parts).for_each(|key| writes.forget(key));
        }
        Some((&MADE, tenant)) => match number(tenant) {
            Some(tenant) => writes.forget_absent(tenant),
            None => writes.forget_all(),
        },
        _ => writes.forget_all(),
    }
}

fn parts(key: &[u8]) -> Option<(u8, u128, u128)> {
    let (space, rest) = key.split_first()?;
    let (tenant, what) = rest.split_at_checked(16)?;
    Some((*space, number(tenant)?, number(what)?))
}

fn number(bytes: &[u8]) -> Option<u128> {
    bytes.try_into().ok().map(u128::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_told_is_heard_and_nonsense_forgets_all() {
        let (writes, tenant) = (Writes::default(), TenantId::new(Uuid::from_u128(5)));
        let (email, name) = (Key::user_email(tenant, "a@x.com"), Key::user_username(tenant, "ada"));
        hear(&keys(&[email, name]), &writes);
        assert_eq!((writes.of(email), writes.of(name), writes.made(5)), (1, 1, 0));
        hear(&made(tenant), &writes);
        assert_eq!((writes.of(email), writes.made(5)), (1, 1));
        for nonsense in [&b""[..], b"?", b"K12", b"M12"] {
            let before = writes.of(email);
            hear(nonsense, &writes);
            assert_eq!(writes.of(email), before + 1, "{nonsense:?}");
        }
    }
}
