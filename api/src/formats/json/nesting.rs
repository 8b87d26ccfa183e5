/// Levels that a value may be nested.
const MAX_DEPTH: u32 = 128;

/// Why a value is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    TooDeep,
    Unbalanced,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escaped,
}

/// Follows brackets and strings through the bytes of a value, to find its end without holding it.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: u32,
    /// Open brackets, innermost in the lowest bit; set where it is an array.
    arrays: u128,
    text: Text,
}

impl Nesting {
    /// Whether the last byte was outside all brackets and strings, or closed the last of them.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 0 && self.text == Text::Outside
    }

    pub(super) fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        match (self.text, byte) {
            (Text::Outside, b'{') => self.open(0),
            (Text::Outside, b'[') => self.open(1),
            (Text::Outside, b'}') => self.close(0),
            (Text::Outside, b']') => self.close(1),
            (Text::Outside, b'"') | (Text::Escaped, _) => {
                self.text = Text::Inside;
                Ok(())
            }
            (Text::Inside, b'"') => {
                self.text = Text::Outside;
                Ok(())
            }
            (Text::Inside, b'\\') => {
                self.text = Text::Escaped;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, array: u128) -> Result<(), Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed::TooDeep);
        }
        self.depth += 1;
        self.arrays = (self.arrays << 1) | array;
        Ok(())
    }

    fn close(&mut self, array: u128) -> Result<(), Malformed> {
        if self.depth == 0 || self.arrays & 1 != array {
            return Err(Malformed::Unbalanced);
        }
        self.depth -= 1;
        self.arrays >>= 1;
        Ok(())
    }
}

/// Whether JSON takes the byte for white space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
