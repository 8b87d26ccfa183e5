use std::cell::Cell;

use uuid::Uuid;

use crate::contract::imports::BlockRange;

/// Cuts the blocks of an operation into ranges and hands them out in order, to whichever lane is free next.
/// Which lane that is comes from history, so it replays.
pub(crate) struct Ranges {
    tenant_id: Uuid,
    operation_id: Uuid,
    blocks: u32,
    size: u32,
    next: Cell<u32>,
}

impl Ranges {
    pub(crate) fn new(tenant_id: Uuid, operation_id: Uuid, blocks: u32, size: u32) -> Self {
        Self { tenant_id, operation_id, blocks, size: size.max(1), next: Cell::new(0) }
    }

    pub(crate) fn take(&self) -> Option<BlockRange> {
        let first_block = self.next.get();
        if first_block >= self.blocks {
            return None;
        }
        let end = first_block.saturating_add(self.size).min(self.blocks);
        self.next.set(end);
        let Self { tenant_id, operation_id, .. } = *self;
        Some(BlockRange { tenant_id, operation_id, first_block, last_block: end - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_handed_out_once() {
        for (blocks, size) in [(1, 1), (10, 3), (100, 9), (7, 20)] {
            let ranges = Ranges::new(Uuid::nil(), Uuid::nil(), blocks, size);
            let mut seen = Vec::new();
            while let Some(range) = ranges.take() {
                seen.extend(range.first_block..=range.last_block);
            }
            assert_eq!(seen, (0..blocks).collect::<Vec<_>>());
        }
    }
}
