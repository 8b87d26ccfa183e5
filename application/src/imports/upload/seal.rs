use muster_domain::operations::{MatchBy, OnConflict, OperationKind, OperationOptions};

use super::Upload;

impl Upload {
    /// The digest of the request: the body, and every option that changes what it means.
    pub(super) fn seal(&self, options: OperationOptions) -> [u8; 32] {
        let mut digest = self.digest.clone();
        let OperationOptions { on_error, send_welcome, max_errors, on_conflict, match_by, dry_run } = options;
        let format = self.operation.format.name();
        digest.update(format!("\0{format}\0{}\0{send_welcome}", on_error.name()).as_bytes());
        // Only where it is given, so that digests of requests without it stay what they were.
        if let Some(budget) = max_errors {
            digest.update(format!("\0{budget}").as_bytes());
        }
        if self.operation.kind != OperationKind::UsersImport {
            digest.update(format!("\0{}", self.operation.kind.name()).as_bytes());
        }
        if (on_conflict, match_by) != (OnConflict::default(), MatchBy::default()) {
            digest.update(format!("\0{}\0{}", on_conflict.name(), match_by.name()).as_bytes());
        }
        if dry_run {
            digest.update(b"\0dry_run");
        }
        digest.finalize().into()
    }
}
