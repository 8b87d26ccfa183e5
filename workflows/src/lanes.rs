use std::cell::Cell;

use uuid::Uuid;

use crate::contract::operations::BlockRange;

/// Cuts blocks of an operation into ranges and hands them out in order, to whichever lane is free next, until the
/// run has had its share. Which lane that is comes from history, so it replays.
pub(crate) struct Ranges {
    tenant_id: Uuid,
    operation_id: Uuid,
    blocks: u32,
    size: u32,
    next: Cell<u32>,
    left: Cell<u32>,
}

impl Ranges {
    /// Ranges of `size` blocks from `first` on; at most `most` of them.
    pub(crate) fn new(tenant_id: Uuid, operation_id: Uuid, first: u32, blocks: u32, size: u32, most: u32) -> Self {
        let (next, left) = (Cell::new(first), Cell::new(most));
        Self { tenant_id, operation_id, blocks, size: size.max(1), next, left }
    }

    pub(crate) fn take(&self) -> Option<BlockRange> {
        let first_block = self.next.get();
        let left = self.left.get().checked_sub(1)?;
        if first_block >= self.blocks {
            return None;
        }
        let end = first_block.saturating_add(self.size).min(self.blocks);
        self.next.set(end);
        self.left.set(left);
        let Self { tenant_id, operation_id, .. } = *self;
        Some(BlockRange { tenant_id, operation_id, first_block, last_block: end - 1 })
    }

    /// Takes back a range that was not done, and hands out no more.
    pub(crate) fn give_back(&self, first_block: u32) {
        self.next.set(self.next.get().min(first_block));
        self.left.set(0);
    }

    /// The first block that was not handed out, or was given back; none when all were.
    pub(crate) fn rest(&self) -> Option<u32> {
        Some(self.next.get()).filter(|next| *next < self.blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(first: u32, blocks: u32, size: u32, most: u32) -> Ranges {
        Ranges::new(Uuid::nil(), Uuid::nil(), first, blocks, size, most)
    }

    #[test]
    fn every_block_is_handed_out_once() {
        for (blocks, size) in [(1, 1), (10, 3), (100, 9), (7, 20)] {
            let ranges = ranges(0, blocks, size, u32::MAX);
            let mut seen = Vec::new();
            while let Some(range) = ranges.take() {
                seen.extend(range.first_block..=range.last_block);
            }
            assert_eq!(seen, (0..blocks).collect::<Vec<_>>());
            assert_eq!(ranges.rest(), None);
        }
    }

    #[test]
    fn a_run_takes_its_share_and_says_where_the_next_one_begins() {
        let ranges = ranges(4, 20, 3, 2);
        let taken: Vec<_> =
            std::iter::from_fn(|| ranges.take()).map(|range| (range.first_block, range.last_block)).collect();
        assert_eq!((taken, ranges.rest()), (vec![(4, 6), (7, 9)], Some(10)));
    }

    #[test]
    fn what_is_given_back_is_where_the_next_run_begins() {
        let ranges = ranges(0, 20, 3, 9);
        for _ in 0..3 {
            ranges.take();
        }
        ranges.give_back(6);
        ranges.give_back(3);
        assert!(ranges.take().is_none());
        assert_eq!(ranges.rest(), Some(3));
    }
}
