use std::sync::OnceLock;

use bytes::Bytes;
use muster_domain::operations::Operation;

/// What an operation was like at some moment.
#[derive(Debug)]
pub struct Sighting {
    /// The operation.
    pub operation: Operation,
    rendered: OnceLock<Rendered>,
}

/// A sighting as those who follow are told of it.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The same for sightings that look the same, in every process.
    pub id: u64,
    /// What is sent.
    pub event: Bytes,
}

impl Sighting {
    pub(super) const fn new(operation: Operation) -> Self {
        Self { operation, rendered: OnceLock::new() }
    }

    /// What `render` makes of it: asked once, and shared by all who follow.
    pub fn rendered(&self, render: impl FnOnce(&Operation) -> Rendered) -> &Rendered {
        self.rendered.get_or_init(|| render(&self.operation))
    }
}
