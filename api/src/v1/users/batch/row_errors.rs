use muster_application::imports::RowProblem;
use muster_application::operations::RowFilter;
use muster_application::{App, Context};
use muster_domain::OperationId;
use muster_domain::operations::RowStatus;

use crate::problem::{ErrorDetail, Problem, pointer};

/// Most errors of one answer; `/rows` of the operation has them all.
const CAP: usize = 10_000;
const PAGE: u32 = 1000;

/// What is wrong with each row of a JSON body that failed.
pub(super) struct RowErrors {
    pub(super) errors: Vec<ErrorDetail>,
    /// Nothing is wrong but that others have the same e-mail address or name.
    pub(super) only_duplicates: bool,
}

impl RowErrors {
    pub(super) async fn of(app: &App, ctx: &Context, operation: OperationId) -> Result<Self, Problem> {
        let mut errors = Vec::new();
        let mut after = Some(0);
        while let Some(row) = after.filter(|_| errors.len() < CAP) {
            let page = app.operation_rows(ctx, operation, RowFilter::Only(RowStatus::Failed), row, PAGE).await?;
            after = page.next_after;
            for found in page.items {
                errors.extend(found.problems.into_iter().map(|problem| detail(found.row, problem)));
            }
        }
        errors.truncate(CAP);
        let is_duplicate = |error: &ErrorDetail| matches!(error.code.as_ref(), "duplicate" | "duplicate_in_file");
        let only_duplicates = !errors.is_empty() && errors.iter().all(is_duplicate);
        Ok(Self { errors, only_duplicates })
    }
}

fn detail(row: u32, problem: RowProblem) -> ErrorDetail {
    let pointer = format!("/users/{}{}", row.saturating_sub(1), pointer(&problem));
    ErrorDetail { row: Some(row), ..ErrorDetail::new(pointer, problem.code, problem.detail) }
}
