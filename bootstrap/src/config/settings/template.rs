use super::{Default, Example, GROUPS, Setting};

const HEAD: &str = "\
# Every setting of Muster with its default. Nothing is set here: take away a # to change one. The whole text is in
# docs/operate/configuration.md. For shells (`set -a; . muster.env`), systemd (EnvironmentFile) and compose (env_file).
# NAME_FILE=/run/secrets/name reads a value from a file. `muster config` shows what is set, `muster check` tries it.
";

/// The commented file of defaults: `docs/operate/muster.env`.
pub fn template() -> String {
    let mut parts = vec![HEAD.to_owned()];
    for group in GROUPS {
        parts.push(format!("\n# ---- {}\n", plain(group.title)));
        parts.extend(group.settings.iter().map(lines));
    }
    parts.concat()
}

fn lines(setting: &Setting) -> String {
    format!("\n# {}{}\n#{}={}\n", brief(setting.meaning), note(setting), setting.name, value(setting))
}

/// What it is without a value, and what a value may be.
fn note(setting: &Setting) -> String {
    let example = match setting.example {
        Example::Value(value) => format!(", such as {value}"),
        Example::Words("") => String::new(),
        Example::Words(words) => format!(", such as {}", plain(words)),
    };
    match setting.default {
        Default::Value(_) => String::new(),
        Default::Required => format!(" (required{example})"),
        Default::Without(words) => format!(" ({}{example})", plain(words)),
    }
}

fn value(setting: &Setting) -> String {
    match setting.default {
        // As it has to be written for a shell.
        Default::Value(value) if value.contains([' ', '<', '>', '#', '&', ';']) => format!("\"{value}\""),
        Default::Value(value) => value.to_owned(),
        Default::Required | Default::Without(_) => String::new(),
    }
}

/// The first sentence, without Markdown.
fn brief(meaning: &str) -> String {
    plain(meaning.split_once(". ").map_or(meaning, |(first, _)| first))
}

/// Text without the marks of code, and with the words of links instead of the links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let Some((words, (_, after))) =
            link.split_once("](").and_then(|(words, to)| Some((words, to.split_once(')')?)))
        else {
            break;
        };
        plain.push_str(before);
        plain.push_str(words);
        rest = after;
    }
    plain.push_str(rest);
    plain.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_said_in_one_sentence_without_markdown() {
        assert_eq!(
            brief("networks that [webhooks](../webhooks.md) may `reach`. More"),
            "networks that webhooks may reach"
        );
        assert_eq!(plain("a [list] of `x`"), "a [list] of x");
    }
}
