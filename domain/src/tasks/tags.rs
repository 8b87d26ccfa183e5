use crate::FieldError;

/// Most tags of a task.
const MAX_TAGS: usize = 20;
/// Longest tag, in characters.
pub const MAX_CHARS: usize = 50;

/// Words by which tasks are found again, each once, in the order they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tags(Vec<String>);

impl Tags {
    /// Parses tags: blanks around them are not part of them, and repeats count once.
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, FieldError> {
        let (mut tags, mut given) = (Vec::new(), 0);
        for text in texts {
            let tag = tag(text)?;
            given += 1;
            if given > MAX_TAGS {
                return Err(FieldError::new("tags", "too_many", "must be at most 20"));
            }
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(Self(tags))
    }

    /// Takes tags that were parsed before they were stored.
    pub const fn from_stored(tags: Vec<String>) -> Self {
        Self(tags)
    }

    /// The tags.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn tag(text: &str) -> Result<String, FieldError> {
    let tag = text.trim();
    // A comma or a semicolon would not come back out of a column of a file.
    if tag.is_empty()
        || text.chars().count() > MAX_CHARS
        || tag.chars().any(|c| c.is_control() || matches!(c, ',' | ';'))
    {
        let detail = "must each have 1 to 50 characters, without control characters, commas and semicolons";
        return Err(FieldError::new("tags", "invalid_tag", detail));
    }
    Ok(tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_counts_once_and_there_are_at_most_twenty() {
        assert_eq!(Tags::parse(["b", " a ", "b"]).unwrap().as_slice(), ["b", "a"]);
        let many: Vec<_> = (0..21).map(|n| n.to_string()).collect();
        assert!(Tags::parse(many.iter().take(20).map(String::as_str)).is_ok());
        assert_eq!(Tags::parse(many.iter().map(String::as_str)).unwrap_err().code, "too_many");
        for wrong in ["", " ", "a,b", "a;b", "a\nb", &"a".repeat(51)] {
            assert_eq!(Tags::parse([wrong]).unwrap_err().code, "invalid_tag", "{wrong:?}");
        }
    }
}
