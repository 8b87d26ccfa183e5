//! Every setting, once: what it is called, what it means, and what it is when nobody sets it. The tables of
//! `docs/operate/configuration.md` and the file `docs/operate/muster.env` are made of it, and a test holds it against what
//! the programs read. One entry for each setting; those who look for one read the documents.

mod api;
mod both;
mod command;
mod effective;
mod partners;
mod template;
mod worker;

pub use effective::{Effective, Origin, effective};
pub use template::template;

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// The variable that is read when this one is not set.
    pub other_name: Option<&'static str>,
    /// What it means, in Markdown; the first sentence says it in short.
    pub meaning: &'static str,
    /// What it is when nobody sets it.
    pub default: Default,
    /// What it is in the image when nobody sets it, where that is something else.
    pub in_image: Option<&'static str>,
    /// What somebody may set it to.
    pub example: Example,
    /// The argument that says the same, and wins.
    pub argument: Option<&'static str>,
    /// Whether it may be shown.
    pub secrecy: Secrecy,
    /// Whether empty means off, and not absent.
    pub off_when_empty: bool,
    /// What reads it.
    pub read_by: ReadBy,
}

/// What a setting is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// Nothing: what needs it does not start.
    Required,
    /// This value.
    Value(&'static str),
    /// No value; what that comes to, in a few words.
    Without(&'static str),
}

/// What somebody may set it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Example {
    /// This value.
    Value(&'static str),
    /// What a value is, in Markdown.
    Words(&'static str),
}

/// Whether a setting may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// It may.
    Open,
    /// All of it but what a URL may have of secrets.
    Url,
    /// Never.
    Secret,
}

/// What reads a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// `Config`, or its `_FILE`.
    Config,
    /// A command of `muster`, or its `_FILE`.
    Command,
    /// The arguments of a program, and it has no `_FILE`.
    Arguments,
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Its name in the documents.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is in it.
    pub settings: &'static [Setting],
}

/// All settings.
pub const GROUPS: [Group; 5] = [
    Group { name: "both", title: "Both processes", settings: both::SETTINGS },
    Group { name: "api", title: "API", settings: api::SETTINGS },
    Group { name: "partners", title: "Partners", settings: partners::SETTINGS },
    Group { name: "worker", title: "Worker", settings: worker::SETTINGS },
    Group { name: "muster", title: "Only `muster`", settings: command::SETTINGS },
];

/// All settings, one after another.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name || setting.other_name == Some(name))
}

impl Setting {
    const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            other_name: None,
            meaning,
            default: Default::Without("none"),
            in_image: None,
            example: Example::Words(""),
            argument: None,
            secrecy: Secrecy::Open,
            off_when_empty: false,
            read_by: ReadBy::Config,
        }
    }

    const fn or(self, other_name: &'static str) -> Self {
        Self { other_name: Some(other_name), ..self }
    }

    const fn required(self) -> Self {
        Self { default: Default::Required, ..self }
    }

    const fn value(self, value: &'static str) -> Self {
        Self { default: Default::Value(value), ..self }
    }

    const fn without(self, words: &'static str) -> Self {
        Self { default: Default::Without(words), ..self }
    }

    const fn in_image(self, value: &'static str) -> Self {
        Self { in_image: Some(value), ..self }
    }

    const fn example(self, value: &'static str) -> Self {
        Self { example: Example::Value(value), ..self }
    }

    const fn example_in_words(self, words: &'static str) -> Self {
        Self { example: Example::Words(words), ..self }
    }

    const fn argument(self, argument: &'static str) -> Self {
        Self { argument: Some(argument), ..self }
    }

    const fn url(self) -> Self {
        Self { secrecy: Secrecy::Url, ..self }
    }

    const fn secret(self) -> Self {
        Self { secrecy: Secrecy::Secret, ..self }
    }

    const fn off_when_empty(self) -> Self {
        Self { off_when_empty: true, ..self }
    }

    const fn read_by(self, read_by: ReadBy) -> Self {
        Self { read_by, ..self }
    }
}
