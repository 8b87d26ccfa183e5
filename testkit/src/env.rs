//! `.dev/stack.env`: what one more process needs to join the running stack. A shell can source it.

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, Result};

/// Names and values, in order.
pub type Variables = Vec<(String, String)>;

/// Writes `NAME='value'` lines, readable by the owner only: there are passwords and a token in it.
pub fn write(file: &Path, variables: &[(String, String)]) -> Result<()> {
    let mut text = String::from("# Written by `cargo xtask up`. Use: set -a; . .dev/stack.env\n");
    for (name, value) in variables {
        writeln!(text, "{name}='{}'", value.replace('\'', r"'\''"))?;
    }
    let draft = file.with_extension("env.tmp");
    fs::write(&draft, text)
        .and_then(|()| fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)))
        .and_then(|()| fs::rename(&draft, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Reads what [`write()`] wrote.
pub fn read(file: &Path) -> Result<Variables> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}: run `cargo xtask up`", file.display()))?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').replace(r"'\''", "'")))
        .collect())
}

/// The value of a variable, if it is there.
pub fn get<'a>(variables: &'a [(String, String)], name: &str) -> Option<&'a str> {
    variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_quotes() {
        let file = std::env::temp_dir().join(format!("muster-env-{}.env", std::process::id()));
        let variables = vec![("A".to_owned(), "it's $HOME".to_owned()), ("B".to_owned(), String::new())];
        write(&file, &variables).unwrap();
        assert_eq!(read(&file).unwrap(), variables);
        let shell = crate::tools::output_of(
            std::process::Command::new("sh").args(["-c", &format!(". {}; printf %s \"$A\"", file.display())]),
        );
        assert_eq!(shell.unwrap(), "it's $HOME");
        fs::remove_file(file).unwrap();
    }
}
