#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{
    ActivityExecutionError, ChildWorkflowOptions, ChildWorkflowStartError, ContinueAsNewOptions, ParentClosePolicy,
    StartChildWorkflowExecutionFailedCause, SyncWorkflowContext, WorkflowContext, WorkflowIdReusePolicy,
    WorkflowResult, join_all, select,
};

use crate::contract::mails::SendWelcomeMailsInput;
use crate::contract::operations::{
    FinishOperation, OperationActivities, PrepareOperation, RangeDone, RunOperationInput,
};
use crate::lanes::Ranges;
use crate::mails::SendWelcomeMails;
use crate::{names, policy};

/// Carries out an import: its ranges of blocks in a sliding window, then its end, then its mails.
#[workflow]
#[derive(Default)]
pub struct RunOperation {
    /// Somebody said that the operation has moved.
    woken: bool,
}

#[workflow_methods]
impl RunOperation {
    /// Ends when the operation has ended and its mails are on their way.
    #[run(name = "RunOperation")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: RunOperationInput) -> WorkflowResult<()> {
        let size = policy::run_range(input.blocks);
        let share = if input.ranges_per_run == 0 { policy::RANGES_PER_RUN } else { input.ranges_per_run };
        let ranges = Ranges::new(input.tenant_id, input.operation_id, input.first_block, input.blocks, size, share);
        let imported = Self::prepare_and_import(ctx, &input, &ranges).await;
        if let (Ok(done), Some(rest)) = (&imported, ranges.rest())
            && !done.ended
            && !done.paused
        {
            return Self::go_on(ctx, input, done, rest);
        }
        let ended = match &imported {
            Ok(done) if done.ended || done.paused => done.clone(),
            _ => Self::finish(ctx, &input, imported.is_err()).await?,
        };
        if ended.paused {
            Self::wait_until_woken(ctx, &ended).await?;
            let rest = ranges.rest().unwrap_or(input.blocks);
            return Self::go_on(ctx, input, &ended, rest);
        }
        ctx.upsert_search_attributes([names::STATE.value_set(ended.state.clone())]);
        ctx.set_current_details(format!("{}: all {} blocks are done", ended.state, input.blocks));
        if ended.has_mails || input.has_mails {
            Self::hand_over_mails(ctx, &input).await?;
        }
        imported?;
        Ok(())
    }

    /// One that is paused does nothing but listen, and look for itself now and then: what is stored decides whether it
    /// goes on, and a word that was lost must not hold it for ever.
    #[signal(name = "wake")]
    pub fn wake(&mut self, _: &mut SyncWorkflowContext<Self>) {
        self.woken = true;
    }

    async fn prepare_and_import(
        ctx: &WorkflowContext<Self>,
        input: &RunOperationInput,
        ranges: &Ranges,
    ) -> Result<RangeDone, ActivityExecutionError> {
        if input.prepare {
            let RunOperationInput { tenant_id, operation_id, .. } = *input;
            ctx.set_current_details("looks at all rows before the first block".to_owned());
            let prepare = PrepareOperation { tenant_id, operation_id };
            let done = ctx.execute_activity(OperationActivities::prepare_operation, prepare, policy::prepare()).await?;
            if done.ended || done.paused {
                return Ok(done);
            }
        }
        Self::import(ctx, input, ranges).await
    }

    async fn import(
        ctx: &WorkflowContext<Self>,
        input: &RunOperationInput,
        ranges: &Ranges,
    ) -> Result<RangeDone, ActivityExecutionError> {
        let lanes = (0..policy::IMPORT_LANES.min(input.blocks)).map(|_| Self::lane(ctx, input, ranges));
        let mut all = RangeDone::default();
        for lane in join_all(lanes).await {
            all = both(all, lane?);
        }
        Ok(all)
    }

    async fn lane(
        ctx: &WorkflowContext<Self>,
        input: &RunOperationInput,
        ranges: &Ranges,
    ) -> Result<RangeDone, ActivityExecutionError> {
        let mut all = RangeDone::default();
        while let Some(range) = ranges.take() {
            let (first, upto) = (range.first_block, range.last_block + 1);
            let done = ctx.execute_activity(OperationActivities::run_range, range, policy::import(input.small)).await?;
            if done.paused || done.ended {
                ranges.give_back(first);
            } else {
                ctx.set_current_details(format!("imported up to block {upto} of {}", input.blocks));
            }
            all = both(all, done);
        }
        Ok(all)
    }

    async fn wait_until_woken(ctx: &WorkflowContext<Self>, paused: &RangeDone) -> WorkflowResult<()> {
        ctx.upsert_search_attributes([names::STATE.value_set(paused.state.clone())]);
        ctx.set_current_details("paused".to_owned());
        select! {
            woken = ctx.wait_condition(|workflow| workflow.woken) => woken?,
            _ = ctx.timer(policy::PAUSED_LOOK) => {}
        }
        ctx.upsert_search_attributes([names::STATE.value_set("running".to_owned())]);
        Ok(())
    }

    /// Goes on at a block, with a fresh history.
    fn go_on(
        ctx: &WorkflowContext<Self>,
        mut input: RunOperationInput,
        done: &RangeDone,
        first_block: u32,
    ) -> WorkflowResult<()> {
        input.has_mails |= done.has_mails;
        input.first_block = first_block;
        // What was seen to once stays so; what was stopped before looks again.
        input.prepare &= done.paused;
        let options = ContinueAsNewOptions::builder().task_timeout(policy::WORKFLOW_TASK).build();
        ctx.continue_as_new(input, options)?;
        Ok(())
    }

    async fn finish(
        ctx: &WorkflowContext<Self>,
        input: &RunOperationInput,
        failed: bool,
    ) -> Result<RangeDone, ActivityExecutionError> {
        let RunOperationInput { tenant_id, operation_id, .. } = *input;
        let finish = FinishOperation { tenant_id, operation_id, failed };
        ctx.execute_activity(OperationActivities::finish_operation, finish, policy::finish()).await
    }

    /// The mails outlive this workflow: users do not wait for a mail server.
    async fn hand_over_mails(ctx: &WorkflowContext<Self>, input: &RunOperationInput) -> WorkflowResult<()> {
        let RunOperationInput { tenant_id, operation_id, blocks, .. } = *input;
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

/// What two ranges come to. Of one that was done before the operation was stopped the result may come after that of one
/// that found it stopped: it must not hide where the operation is.
fn both(one: RangeDone, other: RangeDone) -> RangeDone {
    let rank = |done: &RangeDone| (done.ended, done.paused, !done.state.is_empty());
    let state = if rank(&one) > rank(&other) { one.state } else { other.state };
    RangeDone {
        ended: one.ended || other.ended,
        has_mails: one.has_mails || other.has_mails,
        paused: one.paused || other.paused,
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> RangeDone {
        RangeDone { state: "running".to_owned(), ..RangeDone::default() }
    }

    #[test]
    fn a_range_that_was_done_before_the_others_were_stopped_does_not_hide_that_they_were() {
        let paused = RangeDone { paused: true, state: "paused".to_owned(), ..RangeDone::default() };
        let cancelled = RangeDone { ended: true, state: "cancelled".to_owned(), ..RangeDone::default() };
        for stopped in [&paused, &cancelled] {
            assert_eq!(both(stopped.clone(), running()), *stopped);
            assert_eq!(both(running(), stopped.clone()), *stopped);
        }
        // Paused first, and cancelled then.
        assert_eq!(both(cancelled.clone(), paused.clone()).state, "cancelled");
        assert_eq!(both(paused, cancelled).state, "cancelled");
    }

    #[test]
    fn what_nothing_stopped_is_where_its_last_range_says() {
        assert_eq!(both(RangeDone::default(), running()), running());
        assert_eq!(both(running(), RangeDone::default()), running());
    }
}
