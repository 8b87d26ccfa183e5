//! What a dry run comes to, told by a digest.

use muster_domain::operations::{PlanDigest, RowStatus};

use super::BlockWork;

/// Tells what becomes of the rows of a block: their statuses, their users and their problems. Not the versions of the users,
/// nor what they had before: somebody else may go on changing them meanwhile.
pub(super) fn digest_of_block(work: &BlockWork) -> PlanDigest {
    let mut digest = blake3::Hasher::new();
    digest.update(&work.created.to_le_bytes());
    for row in work.rows.iter().filter(|row| row.status != RowStatus::Created) {
        digest.update(&row.row.to_le_bytes());
        digest.update(row.status.name().as_bytes());
        digest.update(row.user.map_or([0; 16], |user| user.get().into_bytes()).as_slice());
        digest.update(&u64::try_from(row.problems.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(row.problems.as_bytes());
    }
    digest.finalize().into()
}

/// Tells what becomes of all of them.
pub(super) fn digest_of_plan(blocks: &[PlanDigest]) -> PlanDigest {
    let mut digest = blake3::Hasher::new();
    for block in blocks {
        digest.update(block);
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use muster_domain::UserId;
    use muster_domain::operations::StoredRow;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn another_outcome_is_another_digest() {
        let row = StoredRow { user: Some(UserId::new(Uuid::from_u128(1))), ..StoredRow::new(3, 4, RowStatus::Updated) };
        let work = |created, row: &StoredRow| digest_of_block(&BlockWork { created, rows: vec![row.clone()] });
        let first = work(5, &row);
        assert_eq!(first, work(5, &StoredRow { version: Some(9), before: Some("{}".to_owned()), ..row.clone() }));
        for other in [
            work(6, &row),
            work(5, &StoredRow { row: 2, ..row.clone() }),
            work(5, &StoredRow { status: RowStatus::Skipped, ..row.clone() }),
            work(5, &StoredRow { user: None, ..row.clone() }),
            work(5, &StoredRow { problems: "[{}]".to_owned(), ..row.clone() }),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(digest_of_plan(&[first, [0; 32]]), digest_of_plan(&[[0; 32], first]));
    }
}
