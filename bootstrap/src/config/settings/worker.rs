use super::{ReadBy, Setting};

/// What only `worker` needs.
pub(super) const SETTINGS: &[Setting] = &[
    Setting::new("WORKER_QUEUES", "task queues to serve: `control`, `import` (with it `small`), `small`, `mail`, `webhooks`, with or without `muster-` in front")
        .without("all")
        .example("import,mail")
        .argument("--queues")
        .read_by(ReadBy::Arguments),
    Setting::new("WORKER_HOST", "address of the server for health and metrics")
        .value("127.0.0.1")
        .in_image("0.0.0.0")
        .example("0.0.0.0"),
    Setting::new("WORKER_PORT", "its port; 0 takes a free one")
        .value("8081")
        .example("9000"),
];
