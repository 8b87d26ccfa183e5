//! Users that look like users, the same on every run for the same prefix.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context as _, Result};

const FIRST: [&str; 20] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Elif", "Farah", "Grace", "Hiroshi", "Inés", "Jürgen", "Kwame", "Lena", "Mei",
    "Nnamdi", "Olga", "Priya", "Quentin", "Rosa", "Søren", "Tomasz",
];
const LAST: [&str; 23] = [
    "Abe",
    "Bergström",
    "Costa",
    "Dubois",
    "Eze",
    "Fischer",
    "García",
    "Hopper",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lovelace",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Papadopoulos",
    "Quispe",
    "Rossi",
    "Singh",
    "Tanaka",
    "Ünal",
    "van Dijk",
    "Weiß",
];
const DOMAINS: [&str; 4] = ["example.com", "example.net", "example.org", "mail.example.com"];

/// One user as a client would send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Unique per prefix and number.
    pub email: String,
    /// Unique per prefix and number.
    pub username: String,
    /// Not unique.
    pub full_name: String,
}

/// User number `n` of a prefix (letters, digits and `-`).
pub fn user(prefix: &str, n: usize) -> UserRow {
    let pick = |from: &[&'static str], n: usize| from.get(n % from.len().max(1)).copied().unwrap_or_default();
    // A stride apart, so that neighbours do not share the family name.
    let (first, last) = (pick(&FIRST, n), pick(&LAST, n / FIRST.len() + n * 7));
    let plain: String =
        first.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    UserRow {
        email: format!("{plain}.{prefix}-{n}@{}", pick(&DOMAINS, n / 3)),
        username: format!("{plain}_{prefix}-{n}"),
        full_name: format!("{first} {last}"),
    }
}

/// Writes `rows` users as CSV with a header row.
pub fn write_csv(out: &mut impl Write, prefix: &str, rows: usize) -> Result<()> {
    writeln!(out, "email,username,full_name")?;
    for n in 0..rows {
        let UserRow { email, username, full_name } = user(prefix, n);
        writeln!(out, "{email},{username},{full_name}")?;
    }
    Ok(())
}

/// Writes a CSV file of `rows` users.
pub fn csv_file(file: &Path, prefix: &str, rows: usize) -> Result<()> {
    let mut out = BufWriter::new(File::create(file).with_context(|| format!("cannot write {}", file.display()))?);
    write_csv(&mut out, prefix, rows)?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn users_are_unique_and_the_same_on_every_run() {
        let emails: HashSet<String> = (0..5_000).map(|n| user("p", n).email).collect();
        assert_eq!(emails.len(), 5_000);
        assert_eq!(user("p", 7), user("p", 7));
        assert_ne!(user("p", 7), user("q", 7));
        assert!(user("p", 1).username.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'));
    }
}
