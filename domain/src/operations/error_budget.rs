use std::fmt;

/// Hundredths of a percent in a whole.
const WHOLE: u16 = 10_000;

/// How many rows may fail before an operation is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorBudget {
    /// So many.
    Rows(u32),
    /// So many hundredths of a percent of all rows.
    Share(u16),
}

impl ErrorBudget {
    /// What is right, for those who wrote something else.
    pub const RIGHT: &'static str = "a number of rows such as 100, or a share of them such as 0.5%";

    /// Reads `100` or `0.5%`, with at most two decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let Some(percent) = text.strip_suffix('%') else {
            return digits(text).map(Self::Rows);
        };
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
        if decimals.len() > 2 {
            return None;
        }
        let scale = if decimals.len() == 1 { 10 } else { 1 };
        let hundredths = digits(whole)?.checked_mul(100)?.checked_add(digits(decimals)? * scale)?;
        u16::try_from(hundredths).ok().filter(|share| *share <= WHOLE).map(Self::Share)
    }

    /// Whether so many failed rows are more than it allows.
    pub fn is_passed(self, failed: u64, rows_total: u64) -> bool {
        match self {
            Self::Rows(rows) => failed > u64::from(rows),
            Self::Share(share) => u128::from(failed) * u128::from(WHOLE) > u128::from(rows_total) * u128::from(share),
        }
    }
}

/// As it is read.
impl fmt::Display for ErrorBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Share(share) if share % 100 == 0 => write!(f, "{}%", share / 100),
            Self::Share(share) => write!(f, "{}.{:02}%", share / 100, share % 100),
        }
    }
}

/// A number without a sign.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_shares_are_read_and_written_alike() {
        for (text, budget) in [
            ("0", ErrorBudget::Rows(0)),
            ("100", ErrorBudget::Rows(100)),
            ("5%", ErrorBudget::Share(500)),
            ("0.50%", ErrorBudget::Share(50)),
            ("12.34%", ErrorBudget::Share(1234)),
            ("100%", ErrorBudget::Share(10_000)),
        ] {
            assert_eq!((ErrorBudget::parse(text), budget.to_string()), (Some(budget), text.to_owned()));
        }
        assert_eq!(ErrorBudget::parse("0.5%"), Some(ErrorBudget::Share(50)));
        for wrong in ["", "%", "-1", "+1", "1.5", "101%", "1.234%", "1.%", ".5%", "4294967296", "five", "5 %"] {
            assert_eq!(ErrorBudget::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_budget_is_passed_by_one_row_more() {
        for (budget, failed, total, passed) in [
            (ErrorBudget::Rows(0), 0, 10, false),
            (ErrorBudget::Rows(0), 1, 10, true),
            (ErrorBudget::Rows(5), 5, 10, false),
            (ErrorBudget::Rows(5), 6, 10, true),
            (ErrorBudget::Share(500), 5, 100, false),
            (ErrorBudget::Share(500), 6, 100, true),
            (ErrorBudget::Share(10_000), u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(budget.is_passed(failed, total), passed, "{budget} {failed} of {total}");
        }
    }
}
