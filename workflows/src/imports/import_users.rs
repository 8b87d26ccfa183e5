#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityExecutionError, ChildWorkflowOptions, ChildWorkflowStartError, ParentClosePolicy,
    StartChildWorkflowExecutionFailedCause, WorkflowContext, WorkflowIdReusePolicy, WorkflowResult, join_all,
};

use crate::contract::imports::{FinishImport, ImportActivities, ImportUsersInput, RangeDone};
use crate::contract::mails::SendWelcomeMailsInput;
use crate::lanes::Ranges;
use crate::mails::SendWelcomeMails;
use crate::{names, policy};

/// Carries out an import: its ranges of blocks in a sliding window, then its end, then its mails.
#[workflow]
#[derive(Default)]
pub struct ImportUsers;

#[workflow_methods]
impl ImportUsers {
    /// Ends when the operation has ended and its mails are on their way.
    #[run(name = "ImportUsers")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: ImportUsersInput) -> WorkflowResult<()> {
        let imported = Self::import(ctx, &input).await;
        let ended = match &imported {
            Ok(done) if done.ended => *done,
            _ => Self::finish(ctx, &input, imported.is_err()).await?,
        };
        if ended.has_mails {
            Self::hand_over_mails(ctx, &input).await?;
        }
        imported?;
        Ok(())
    }

    async fn import(
        ctx: &WorkflowContext<Self>,
        input: &ImportUsersInput,
    ) -> Result<RangeDone, ActivityExecutionError> {
        let size = policy::import_range(input.blocks);
        let ranges = Ranges::new(input.tenant_id, input.operation_id, input.blocks, size);
        let lanes = (0..policy::IMPORT_LANES.min(input.blocks)).map(|_| Self::lane(ctx, &ranges));
        let mut all = RangeDone { ended: false, has_mails: false };
        for lane in join_all(lanes).await {
            let RangeDone { ended, has_mails } = lane?;
            all.ended |= ended;
            all.has_mails |= has_mails;
        }
        Ok(all)
    }

    async fn lane(ctx: &WorkflowContext<Self>, ranges: &Ranges) -> Result<RangeDone, ActivityExecutionError> {
        let mut all = RangeDone { ended: false, has_mails: false };
        while let Some(range) = ranges.take() {
            let RangeDone { ended, has_mails } =
                ctx.execute_activity(ImportActivities::import_range, range, policy::import()).await?;
            all.ended |= ended;
            all.has_mails |= has_mails;
        }
        Ok(all)
    }

    async fn finish(
        ctx: &WorkflowContext<Self>,
        input: &ImportUsersInput,
        failed: bool,
    ) -> Result<RangeDone, ActivityExecutionError> {
        let ImportUsersInput { tenant_id, operation_id, .. } = *input;
        let finish = FinishImport { tenant_id, operation_id, failed };
        ctx.execute_activity(ImportActivities::finish_import, finish, policy::finish()).await
    }

    /// The mails outlive this workflow: users do not wait for a mail server.
    async fn hand_over_mails(ctx: &WorkflowContext<Self>, input: &ImportUsersInput) -> WorkflowResult<()> {
        let ImportUsersInput { tenant_id, operation_id, blocks } = *input;
        let options = ChildWorkflowOptions::builder()
            .workflow_id(names::mail_workflow(tenant_id, operation_id))
            .task_queue(names::MAIL_QUEUE.to_owned())
            .parent_close_policy(ParentClosePolicy::Abandon)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .task_timeout(policy::WORKFLOW_TASK)
            .static_summary("Welcome mails of an import".to_owned())
            .search_attributes(ctx.search_attributes())
            .build();
        let mails = SendWelcomeMailsInput { tenant_id, operation_id, blocks };
        match ctx.start_child_workflow(SendWelcomeMails::run, mails, options).await {
            // The sweeper was quicker: the mails are on their way.
            Err(ChildWorkflowStartError::StartFailed {
                cause: StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists,
                ..
            }) => Ok(()),
            started => Ok(started.map(drop)?),
        }
    }
}
