//! Random choices that can be repeated.

use std::env;

use anyhow::{Context as _, Result};
use muster_testkit::tools::random_hex;

/// Names the seed to use again.
const SEED: &str = "MUSTER_TEST_SEED";

/// A stream of random numbers that is the same for the same seed.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// A new seed, or the one in `MUSTER_TEST_SEED`; says which.
    pub fn new() -> Result<Self> {
        let seed = match env::var(SEED) {
            Ok(text) => text.parse().with_context(|| format!("{SEED} is not a number"))?,
            Err(_) => u64::from_str_radix(&random_hex(8)?, 16)?,
        };
        println!("{SEED}={seed}");
        Ok(Self(seed))
    }

    /// The next number in `from..to`.
    pub fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from).max(1)
    }

    /// `count` numbers in `from..to`, ascending.
    pub fn ascending(&mut self, count: usize, from: u64, to: u64) -> Vec<u64> {
        let mut numbers: Vec<u64> = (0..count).map(|_| self.within(from, to)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The algorithm is `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
