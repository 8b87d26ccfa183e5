use muster_application::imports::RowProblem;
use muster_application::operations::RowFilter;
use muster_application::{App, Context};
use muster_domain::operations::{Operation, RowStatus};

use crate::problem::{ErrorDetail, Problem, pointer};

/// Most errors of one answer; `/rows` of the operation has them all.
const CAP: usize = 10_000;
const PAGE: u32 = 1000;

/// What is wrong with each row of a JSON body that failed.
pub(crate) struct RowErrors {
    pub(crate) errors: Vec<ErrorDetail>,
    /// Nothing is wrong but that others have the same e-mail address or name.
    pub(crate) only_duplicates: bool,
}

impl RowErrors {
    pub(crate) async fn of(app: &App, ctx: &Context, operation: &Operation) -> Result<Self, Problem> {
        let list = if operation.kind.is_of_tasks() { "tasks" } else { "users" };
        let mut errors = Vec::new();
        let mut after = Some(0);
        while let Some(row) = after.filter(|_| errors.len() < CAP) {
            let page = app.operation_rows(ctx, operation.id, RowFilter::Only(RowStatus::Failed), row, PAGE).await?;
            after = page.next_after;
            for found in page.items {
                errors.extend(found.problems.into_iter().map(|problem| detail(list, found.row, problem)));
            }
        }
        errors.truncate(CAP);
        let is_duplicate = |error: &ErrorDetail| matches!(error.code.as_ref(), "duplicate" | "duplicate_in_file");
        let only_duplicates = !errors.is_empty() && errors.iter().all(is_duplicate);
        Ok(Self { errors, only_duplicates })
    }
}

fn detail(list: &str, row: u32, problem: RowProblem) -> ErrorDetail {
    let pointer = format!("/{list}/{}{}", row.saturating_sub(1), pointer(&problem));
    ErrorDetail { row: Some(row), ..ErrorDetail::new(pointer, problem.code, problem.detail) }
}
