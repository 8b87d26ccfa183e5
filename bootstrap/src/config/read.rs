use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use muster_domain::Networks;

use super::settings::Origin;

/// Ten years: longer than any instant we compute with must reach.
const MOST_DAYS: u64 = 3_650;

/// Gives the value of a variable.
type Source = dyn Fn(&str) -> Option<String>;

/// Reads settings one by one and remembers what is wrong, so that everything is reported together. Never repeats a
/// value: it may be a secret.
pub(super) struct Reader {
    get: Box<Source>,
    problems: Vec<String>,
}

impl Reader {
    pub(super) fn new(get: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self { get: Box::new(get), problems: Vec::new() }
    }

    fn raw(&mut self, name: &str) -> Option<String> {
        self.found(name).map(|(value, _)| value)
    }

    /// The value of a variable alone, and where it came from.
    pub(super) fn variable(&mut self, name: &str) -> Option<(String, Origin)> {
        (self.get)(name).map(|value| (value, Origin::Variable(name.to_owned())))
    }

    /// A value, and where it came from.
    pub(super) fn found(&mut self, name: &str) -> Option<(String, Origin)> {
        let variable = self.variable(name);
        if variable.as_ref().is_some_and(|(value, _)| !value.is_empty()) {
            return variable;
        }
        // A variable that is set but empty hides no file: compose files and charts often set all they know.
        let Some(file) = (self.get)(&format!("{name}_FILE")).filter(|path| !path.is_empty()) else {
            return variable;
        };
        let text = self.readable(&format!("{name}_FILE"), fs::read_to_string(&file))?;
        Some((text.trim_end_matches(['\n', '\r']).to_owned(), Origin::File(file.into())))
    }

    /// Empty is the same as absent.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// What is in the file that a setting names.
    pub(super) fn file(&mut self, name: &str) -> Option<Vec<u8>> {
        let path = self.text(name)?;
        self.readable(name, fs::read(path))
    }

    /// What was read of the file that this variable names.
    fn readable<T>(&mut self, name: &str, read: io::Result<T>) -> Option<T> {
        read.map_err(|error| self.problems.push(format!("{name} names a file that cannot be read: {error}"))).ok()
    }

    /// Two settings of which neither means anything without the other.
    pub(super) fn pair(&mut self, one: &str, other: &str) -> Option<(String, String)> {
        let values = (self.text(one), self.text(other));
        if values.0.is_some() != values.1.is_some() {
            self.problems.push(format!("{one} and {other} must be set together"));
        }
        values.0.zip(values.1)
    }

    pub(super) fn required(&mut self, name: &str, right: &str) -> String {
        let before = self.problems.len();
        let value = self.text(name);
        if value.is_none() && self.problems.len() == before {
            self.problems.push(format!("{name} is required: {right}"));
        }
        value.unwrap_or_default()
    }

    /// Empty means off, absent means the default.
    pub(super) fn switchable(&mut self, name: &str, default: &str) -> Option<String> {
        let value = self.raw(name).unwrap_or_else(|| default.to_owned());
        if value.is_empty() {
            return None;
        }
        if !value.starts_with('/') {
            self.problems.push(format!("{name} must be a path such as {default}, or empty to switch it off"));
        }
        Some(value)
    }

    pub(super) fn choice<T>(&mut self, name: &str, right: &str, default: T, read: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = self.text(name) else { return default };
        read(&text).unwrap_or_else(|| {
            self.problems.push(format!("{name} must be {right}"));
            default
        })
    }

    pub(super) fn parse<T: FromStr>(&mut self, name: &str, right: &str, default: T) -> T {
        self.choice(name, right, default, |text| text.trim().parse().ok())
    }

    /// A number that must lie in a range: what lies outside is an error, never silently something else.
    pub(super) fn within<T: FromStr + PartialOrd>(
        &mut self,
        name: &str,
        right: &str,
        range: RangeInclusive<T>,
        default: T,
    ) -> T {
        self.choice(name, right, default, |text| text.trim().parse().ok().filter(|value| range.contains(value)))
    }

    pub(super) fn seconds(&mut self, name: &str, default: u64) -> Duration {
        Duration::from_secs(self.parse(name, "a number of seconds", default))
    }

    pub(super) fn days(&mut self, name: &str, default: u64) -> Duration {
        Duration::from_hours(24 * self.within(name, "a number of days from 1 to 3650", 1..=MOST_DAYS, default))
    }

    /// Addresses and networks with commas between them.
    pub(super) fn networks(&mut self, name: &str) -> Networks {
        let right = "a list of addresses and networks such as 10.0.0.0/8, 192.0.2.7, fd00::/8";
        self.choice(name, right, Networks::default(), Networks::parse)
    }

    /// Something that is wrong with several settings together.
    pub(super) fn problem(&mut self, says: &str) {
        self.problems.push(says.to_owned());
    }

    /// What is wrong.
    pub(super) fn problems(self) -> Vec<String> {
        self.problems
    }

    pub(super) fn finish(self) -> anyhow::Result<()> {
        right(&self.problems)
    }
}

/// Everything that is wrong, in one line.
pub(super) fn right(problems: &[String]) -> anyhow::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(anyhow::anyhow!("the configuration is wrong: {}", problems.join("; ")))
}

/// What `read` makes of these variables, and what it finds wrong.
#[cfg(test)]
pub(super) fn load<T>(variables: &[(&str, &str)], read: impl FnOnce(&mut Reader) -> T) -> (T, String) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: std::collections::HashMap<_, _> = variables.iter().map(owned).collect();
    let mut env = Reader::new(move |name| variables.get(name).cloned());
    let config = read(&mut env);
    (config, env.finish().err().map(|error| error.to_string()).unwrap_or_default())
}
