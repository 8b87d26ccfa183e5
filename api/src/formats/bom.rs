const BOM: &[u8] = b"\xef\xbb\xbf";

/// Takes the byte order mark off the start of an upload, also when it arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct Bom {
    matched: usize,
    done: bool,
}

impl Bom {
    /// Gives what was held back as a possible mark and was none, and what remains of `bytes`.
    pub(super) fn strip<'b>(&mut self, bytes: &'b [u8]) -> (&'static [u8], &'b [u8]) {
        let mut rest = bytes;
        while !self.done
            && let Some((first, after)) = rest.split_first()
        {
            if BOM.get(self.matched) != Some(first) {
                return (self.finish(), rest);
            }
            self.matched += 1;
            self.done = self.matched == BOM.len();
            rest = after;
        }
        (&[], rest)
    }

    /// Gives what is still held back: the upload ended in the middle of a possible mark.
    pub(super) fn finish(&mut self) -> &'static [u8] {
        if self.done {
            return &[];
        }
        self.done = true;
        BOM.get(..self.matched).unwrap_or_default()
    }
}
