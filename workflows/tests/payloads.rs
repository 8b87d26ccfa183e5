//! The payloads as they stand on the wire. A snapshot that changes would strand running workflows: only additions,
//! with a default, are allowed, and the older form must still be read.

use muster_workflows::contract::mails::{SendWelcomeMailsInput, WelcomeBatch};
use muster_workflows::contract::operations::{
    BlockRange, FinishOperation, PrepareOperation, RangeDone, RunOperationInput,
};
use muster_workflows::contract::partners::PartnerEventInput;
use muster_workflows::contract::reminders::ReminderBatch;
use muster_workflows::contract::webhooks::{DeliverWebhookInput, WebhookAttempt, WebhookAttempted};
use serde_json::json;
use uuid::Uuid;

const TENANT: Uuid = Uuid::from_u128(1);
const OPERATION: Uuid = Uuid::from_u128(2);

#[test]
fn payloads_are_ids_and_ranges() {
    insta::assert_json_snapshot!(
        "payloads",
        json!({
            "RunOperationInput": RunOperationInput {
                tenant_id: TENANT, operation_id: OPERATION, blocks: 3, first_block: 1, ranges_per_run: 0, has_mails: false,
                prepare: true, small: true,
            },
            "PrepareOperation": PrepareOperation { tenant_id: TENANT, operation_id: OPERATION },
            "BlockRange": BlockRange { tenant_id: TENANT, operation_id: OPERATION, first_block: 0, last_block: 8 },
            "RangeDone": RangeDone { ended: true, has_mails: false, paused: false, state: "succeeded".to_owned() },
            "FinishOperation": FinishOperation { tenant_id: TENANT, operation_id: OPERATION, failed: false },
            "SendWelcomeMailsInput": SendWelcomeMailsInput { tenant_id: TENANT, operation_id: OPERATION, blocks: 3 },
            "WelcomeBatch": WelcomeBatch { tenant_id: TENANT, batch_id: OPERATION },
            "PartnerEventInput": PartnerEventInput { tenant_id: TENANT, event_id: OPERATION },
            "ReminderBatch": ReminderBatch { batch_id: OPERATION },
            "DeliverWebhookInput": DeliverWebhookInput { tenant_id: TENANT, delivery_id: OPERATION },
            "WebhookAttempt": WebhookAttempt { tenant_id: TENANT, delivery_id: OPERATION, attempt: 2 },
            "WebhookAttempted": WebhookAttempted { wait_ms: Some(5_000) },
        })
    );
}

#[test]
fn the_first_form_of_each_payload_is_still_read() {
    let input = json!({ "tenant_id": TENANT, "operation_id": OPERATION, "blocks": 3 });
    let read: RunOperationInput = serde_json::from_value(input).unwrap();
    assert_eq!((read.blocks, read.first_block, read.ranges_per_run), (3, 0, 0));
    assert!(!read.has_mails && !read.prepare && !read.small);
    let done: RangeDone = serde_json::from_value(json!({ "ended": true, "has_mails": true })).unwrap();
    assert_eq!(done, RangeDone { ended: true, has_mails: true, paused: false, state: String::new() });
    let finish: FinishOperation =
        serde_json::from_value(json!({ "tenant_id": TENANT, "operation_id": OPERATION })).unwrap();
    assert!(!finish.failed);
}
