use super::{ReadBy, Setting};

/// What only `worker` needs.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("WORKER_QUEUES", "task queues to serve: `control`, `import` (with it `small`), `small`, `mail`, `webhooks`, with or without `muster-` in front")
        .without("all")
        .example("import,mail")
        .argument("--queues")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_SLOTS", "activities of a queue that run at once, 1 to 10000; with `WORKER_TUNER=resources`, the most")
        .without("`import`: processors and one more, 3 to 8; `control`, `small`, `mail` 4; `webhooks` 64")
        .example("import=4,mail=8")
        .argument("--slots")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_POLLERS", "calls of a queue that ask for work at once, 2 to 1000: so many for workflows and so many for activities")
        .without("10 for workflows, and as many as slots, up to 8, for activities")
        .example("control=20")
        .argument("--pollers")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_RATES", "most activities of a queue that this worker begins in a second, above 0")
        .without("no limit")
        .example("mail=50,webhooks=0.5")
        .argument("--rates")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_QUEUE_RATES", "the same for all workers of the queue together; Temporal counts")
        .without("no limit")
        .example("mail=200")
        .argument("--queue-rates")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_TUNER", "`fixed` slots, or by `resources` of the machine or container")
        .value("fixed")
        .example("resources")
        .argument("--tuner")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_TARGET_MEMORY", "the share of memory up to which `resources` hands out slots, above 0, up to 1")
        .value("0.8")
        .example("0.7")
        .argument("--target-memory")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_TARGET_CPU", "the share of processors")
        .value("0.9")
        .example("0.8")
        .argument("--target-cpu")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_GRACE_SECONDS", "what runs has so long to end when the worker is asked to end; 1 to 3600")
        .value("10")
        .example("25")
        .argument("--grace-seconds")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_DEPLOYMENT", "the worker deployment at Temporal; workflows then stay on the release on which they began. Letters, digits, `-`, `_`")
        .without("none: releases are not told apart")
        .example("muster")
        .argument("--deployment")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_BUILD_ID", "what this release is called there. Letters, digits, `-`, `_`, `+`, dots")
        .without("the version")
        .example("9f1c2e4")
        .argument("--build-id")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_HOST", "address of the server for health and metrics")
        .value("127.0.0.1")
        .in_image("0.0.0.0")
        .example("0.0.0.0"),
    Setting::new("WORKER_PORT", "its port; 0 takes a free one")
        .value("8081")
        .example("9000"),
];
