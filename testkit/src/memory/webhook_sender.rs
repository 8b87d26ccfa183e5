use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use muster_application::ports::{WebhookAnswer, WebhookRequest, WebhookSender};
use muster_domain::Networks;
use muster_domain::webhooks::Answer;

use super::lock;

/// An endpoint that remembers what it was told, and answers as it is told. Clones are the same endpoint.
#[derive(Debug, Clone, Default)]
pub struct MemoryWebhooks {
    networks: Networks,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: Vec<WebhookRequest>,
    answers: VecDeque<WebhookAnswer>,
}

impl MemoryWebhooks {
    /// One that may be reached in these networks.
    pub fn within(networks: Networks) -> Self {
        Self { networks, inner: Arc::default() }
    }

    /// Gives this answer once, after those that were asked for before; when all are given, 204.
    pub fn answer(&self, answer: Answer, retry_after: Option<&str>) {
        let answer = WebhookAnswer { answer, retry_after: retry_after.map(str::to_owned) };
        lock(&self.inner).answers.push_back(answer);
    }

    /// All that was sent.
    pub fn requests(&self) -> Vec<WebhookRequest> {
        lock(&self.inner).requests.clone()
    }
}

#[async_trait]
impl WebhookSender for MemoryWebhooks {
    fn networks(&self) -> &Networks {
        &self.networks
    }

    async fn send(&self, request: &WebhookRequest) -> WebhookAnswer {
        let mut inner = lock(&self.inner);
        inner.requests.push(request.clone());
        inner.answers.pop_front().unwrap_or(WebhookAnswer { answer: Ok(204), retry_after: None })
    }
}
