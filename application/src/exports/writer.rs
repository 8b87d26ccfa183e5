use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use muster_domain::operations::{FilePart, UploadFormat};
use muster_domain::users::{FullName, User};
use serde::Serialize;

use crate::AppError;
use crate::csv::write_record;
use crate::imports::pack;

/// A part that has so many bytes is full: large enough to be stored well, small enough to be held by many at once.
const PART_BYTES: usize = 1 << 20;

/// A user as a line of the file; its fields are the columns of CSV.
#[derive(Serialize)]
struct ExportedUser<'a> {
    id: String,
    email: &'a str,
    username: &'a str,
    full_name: Option<&'a str>,
    is_active: bool,
    created_at: String,
    updated_at: String,
    version: i64,
}

const COLUMNS: [&str; 8] = ["id", "email", "username", "full_name", "is_active", "created_at", "updated_at", "version"];

impl<'a> ExportedUser<'a> {
    fn new(user: &'a User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_str(),
            username: user.username.as_str(),
            full_name: user.full_name.as_ref().map(FullName::as_str),
            is_active: user.is_active,
            created_at: instant(user.created_at),
            updated_at: instant(user.updated_at),
            version: user.version,
        }
    }

    fn write_csv(&self, out: &mut Vec<u8>) {
        let Self { id, email, username, full_name, is_active, created_at, updated_at, version } = self;
        let (is_active, version) = (is_active.to_string(), version.to_string());
        let full_name = full_name.unwrap_or_default();
        write_record(out, [id, *email, *username, full_name, &*is_active, created_at, updated_at, &*version]);
    }
}

/// As the API writes it: UTC with `Z`, microseconds.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Turns users into the parts of a file. Holds one part at most.
pub(super) struct FileWriter {
    format: UploadFormat,
    buffer: Vec<u8>,
    offset: u64,
    rows: u32,
    digest: blake3::Hasher,
}

/// What a file came to.
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) rows: u32,
    pub(super) blake3: [u8; 32],
}

impl FileWriter {
    pub(super) fn new(format: UploadFormat) -> Self {
        let mut buffer = Vec::new();
        if format == UploadFormat::Csv {
            write_record(&mut buffer, COLUMNS);
        }
        Self { format, buffer, offset: 0, rows: 0, digest: blake3::Hasher::new() }
    }

    pub(super) fn push(&mut self, user: &User) -> Result<(), AppError> {
        let user = ExportedUser::new(user);
        if self.format == UploadFormat::Csv {
            user.write_csv(&mut self.buffer);
        } else {
            serde_json::to_writer(&mut self.buffer, &user).map_err(AppError::internal)?;
            self.buffer.push(b'\n');
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether a part is to be cut off.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= PART_BYTES
    }

    /// Users so far.
    pub(super) const fn rows(&self) -> u32 {
        self.rows
    }

    /// What was written since the last part; none if that is nothing.
    pub(super) fn cut(&mut self) -> Result<Option<FilePart>, AppError> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let length = u32::try_from(self.buffer.len()).map_err(AppError::internal)?;
        self.digest.update(&self.buffer);
        let part = FilePart { offset: self.offset, length, data: Bytes::from(pack(&self.buffer)?) };
        self.offset += u64::from(length);
        self.buffer.clear();
        Ok(Some(part))
    }

    /// What all parts came to.
    pub(super) fn end(self) -> Written {
        Written { bytes: self.offset, rows: self.rows, blake3: self.digest.finalize().into() }
    }
}

#[cfg(test)]
mod tests {
    use muster_domain::UserId;
    use muster_domain::users::{EmailAddress, NewUser, Username};

    use super::*;

    fn user(n: u32) -> User {
        let new = NewUser {
            email: EmailAddress::from_stored(format!("u{n}@example.com")),
            username: Username::from_stored(format!("=u{n}")),
            full_name: None,
        };
        let at = DateTime::from_timestamp(1_790_000_000, 5_000).unwrap_or_default();
        User::new(UserId::new(uuid::Uuid::from_u128(n.into())), new, at)
    }

    fn text(part: &FilePart) -> String {
        String::from_utf8(zstd::stream::decode_all(part.data.as_ref()).unwrap()).unwrap()
    }

    #[test]
    fn both_formats_have_the_same_fields() {
        let at = "2026-09-21T14:13:20.000005Z";
        let id = "00000000-0000-0000-0000-000000000001";
        for (format, expected) in [
            (UploadFormat::Csv, format!("{}\r\n{id},u1@example.com,'=u1,,true,{at},{at},1\r\n", COLUMNS.join(","))),
            (
                UploadFormat::Ndjson,
                format!(
                    "{{\"id\":\"{id}\",\"email\":\"u1@example.com\",\"username\":\"=u1\",\"full_name\":null,\
                     \"is_active\":true,\"created_at\":\"{at}\",\"updated_at\":\"{at}\",\"version\":1}}\n"
                ),
            ),
        ] {
            let mut writer = FileWriter::new(format);
            writer.push(&user(1)).unwrap();
            assert_eq!(text(&writer.cut().unwrap().unwrap()), expected);
            assert!(writer.cut().unwrap().is_none());
        }
    }

    #[test]
    fn parts_follow_each_other_and_the_digest_is_that_of_all() {
        let mut writer = FileWriter::new(UploadFormat::Ndjson);
        let mut parts = Vec::new();
        for n in 0..10_000 {
            writer.push(&user(n)).unwrap();
            if writer.is_full() {
                parts.extend(writer.cut().unwrap());
            }
        }
        parts.extend(writer.cut().unwrap());
        let whole: String = parts.iter().map(text).collect();
        let mut offset = 0;
        for part in &parts {
            assert_eq!((part.offset, u64::from(part.length)), (offset, text(part).len() as u64));
            offset += u64::from(part.length);
        }
        let Written { bytes, rows, blake3 } = writer.end();
        assert!(parts.len() > 1);
        assert_eq!((bytes, rows, whole.lines().count()), (offset, 10_000, 10_000));
        assert_eq!(blake3, *blake3::hash(whole.as_bytes()).as_bytes());
    }
}
