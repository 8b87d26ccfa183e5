use memchr::memchr2_iter;

/// Counts physical lines; LF, CR and CRLF each end one.
#[derive(Debug)]
pub(super) struct Lines {
    /// Line of the next byte, from 1.
    pub(super) current: u64,
    after_cr: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self { current: 1, after_cr: false }
    }
}

impl Lines {
    pub(super) fn count(&mut self, bytes: &[u8]) {
        for at in memchr2_iter(b'\r', b'\n', bytes) {
            let before = at.checked_sub(1).map_or(self.after_cr, |before| bytes.get(before) == Some(&b'\r'));
            let ends_crlf = before && bytes.get(at) == Some(&b'\n');
            self.current += u64::from(!ends_crlf);
        }
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// Counts line ends at the start of `bytes` and gives what follows them.
    pub(super) fn skip_blank<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, rest) = bytes.split_at_checked(blank).unwrap_or((&[], bytes));
        self.count(blank);
        rest
    }
}
