//! What lies where in a set of measurements.

use std::cmp::Ordering;

/// The same, ascending.
pub fn ascending<T: PartialOrd>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    values
}

/// The value that so many of a thousand do not exceed, of values that ascend; the default of none.
pub fn per_mille<T: Copy + Default>(ascending: &[T], n: usize) -> T {
    ascending.get(ascending.len().saturating_sub(1) * n / 1000).copied().unwrap_or_default()
}

/// The value in the middle, the upper of two; the default of none.
pub fn median<T: Copy + Default + PartialOrd>(values: Vec<T>) -> T {
    let middle = values.len() / 2;
    ascending(values).get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_wherever_they_stood() {
        let values = ascending((1..=100).rev().collect());
        assert_eq!((per_mille(&values, 0), per_mille(&values, 990), per_mille(&values, 1000)), (1, 99, 100));
        assert_eq!(median(values), 51);
        assert_eq!(median(vec![0.5, -1.0, 7.0]).partial_cmp(&0.5), Some(Ordering::Equal));
        assert_eq!((median::<u8>(Vec::new()), per_mille::<u8>(&[], 500)), (0, 0));
    }
}
