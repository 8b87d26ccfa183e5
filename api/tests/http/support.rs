//! A service to ask, and answers that are easy to look at.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use chrono::TimeDelta;
use http_body_util::BodyExt;
use muster_api::{ApiState, HealthSource, HttpMetrics, UploadLimits};
use muster_application::operations::{FinishOperation, RunRange};
use muster_application::partners::ProcessPartnerEvent;
use muster_application::ports::{
    Clock, GatewayError, PutSchedule, StartOperation, StartPartnerEvent, StartScheduleRun, StartWebhook, StartWelcomes,
    Started, WorkflowGateway,
};
use muster_application::schedules::RunScheduled;
use muster_application::{App, Context, Ports, Settings, TenantLimits};
use muster_bootstrap::config::TrustedProxies;
use muster_bootstrap::health::{HealthPart, HealthReport};
use muster_bootstrap::tokens::{TenantTokens, TokenAlgorithm, TokenConfig};
use muster_domain::users::EmailPolicy;
use muster_domain::{ReminderBatchId, ScheduleId, TenantId};
use muster_testkit::memory::{
    MemoryClock, MemoryIds, MemoryMailer, MemorySeals, MemorySignatures, MemoryStore, MemoryWebhooks, NoHeartbeat,
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub use crate::uploads::{csv, users};

/// What the engine does with a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Runs it to its end in the background.
    Runs,
    /// Takes it and never does anything.
    Sleeps,
    /// Does not answer.
    Down,
}

struct TestEngine {
    mode: Mutex<Engine>,
    app: OnceLock<App>,
}

impl TestEngine {
    fn answers(&self) -> Result<(), GatewayError> {
        if *self.mode.lock().unwrap() == Engine::Down { Err(GatewayError("down".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl WorkflowGateway for TestEngine {
    async fn start_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        let mode = *self.mode.lock().unwrap();
        let (app, ctx, start) = (self.app.get().unwrap().clone(), Context::new(start.tenant), *start);
        match mode {
            Engine::Down => return Err(GatewayError("down".into())),
            Engine::Sleeps => {}
            Engine::Runs => {
                tokio::spawn(async move {
                    let (operation, last_block) = (start.operation, start.blocks - 1);
                    if start.prepare && app.prepare_operation(&ctx, operation, &NoHeartbeat).await.unwrap().ended {
                        return;
                    }
                    let range = RunRange { operation, first_block: 0, last_block };
                    if !app.run_range(&ctx, range, &NoHeartbeat).await.unwrap().ended {
                        app.finish_operation(&ctx, FinishOperation { operation, failure: None }).await.unwrap();
                    }
                });
            }
        }
        Ok(Started::Running)
    }

    async fn wake_operation(&self, start: &StartOperation) -> Result<Started, GatewayError> {
        self.start_operation(start).await
    }

    async fn start_mails(&self, _: &StartOperation) -> Result<Started, GatewayError> {
        Ok(Started::Running)
    }

    async fn start_welcomes(&self, _: &StartWelcomes) -> Result<Started, GatewayError> {
        Ok(Started::Running)
    }

    async fn start_reminders(&self, _: ReminderBatchId) -> Result<Started, GatewayError> {
        Ok(Started::Running)
    }

    async fn start_webhook(&self, _: &StartWebhook) -> Result<Started, GatewayError> {
        Ok(Started::Running)
    }

    async fn put_schedule(&self, _: &PutSchedule) -> Result<(), GatewayError> {
        self.answers()
    }

    async fn remove_schedule(&self, _: TenantId, _: ScheduleId) -> Result<(), GatewayError> {
        self.answers()
    }

    async fn start_schedule_run(&self, start: &StartScheduleRun) -> Result<Started, GatewayError> {
        self.answers()?;
        let StartScheduleRun { tenant, schedule, at } = *start;
        let run = RunScheduled { schedule, at, triggered: true, last_chance: false };
        self.app.get().unwrap().run_scheduled(&Context::new(tenant), run).await.unwrap();
        Ok(Started::Running)
    }

    async fn start_partner_event(&self, start: &StartPartnerEvent) -> Result<Started, GatewayError> {
        self.answers()?;
        if *self.mode.lock().unwrap() == Engine::Runs {
            let process = ProcessPartnerEvent { event: start.event, last_chance: false };
            self.app.get().unwrap().process_partner_event(&Context::new(start.tenant), process).await.unwrap();
        }
        Ok(Started::Running)
    }
}

/// Parts that are as a test says.
pub struct TestHealth(pub Mutex<HealthReport>);

#[async_trait]
impl HealthSource for TestHealth {
    async fn report(&self) -> HealthReport {
        self.0.lock().unwrap().clone()
    }
}

/// A service in memory.
pub struct World {
    pub state: ApiState,
    pub store: MemoryStore,
    pub clock: MemoryClock,
    pub health: Arc<TestHealth>,
    pub tenant: TenantId,
    engine: Arc<TestEngine>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl World {
    pub fn new() -> Self {
        let clock = MemoryClock::default();
        let store = MemoryStore::default();
        let engine = Arc::new(TestEngine { mode: Mutex::new(Engine::Runs), app: OnceLock::new() });
        let ports = Ports {
            clock: Arc::new(clock.clone()),
            ids: Arc::new(MemoryIds::default()),
            units: Arc::new(store.clone()),
            user_maker: Arc::new(store.clone()),
            users: Arc::new(store.clone()),
            user_list: Arc::new(store.clone()),
            search_index: Arc::new(store.clone()),
            welcomes: Arc::new(store.clone()),
            webhooks: Arc::new(store.clone()),
            schedules: Arc::new(store.clone()),
            tasks: Arc::new(store.clone()),
            reminders: Arc::new(store.clone()),
            operations: Arc::new(store.clone()),
            workflows: engine.clone(),
            watch: Arc::new(store.watch()),
            mailer: Arc::new(MemoryMailer::default()),
            webhook_sender: Arc::new(MemoryWebhooks::default()),
            partners: Arc::new(store.clone()),
            sealer: Some(Arc::new(MemorySeals)),
            signatures: Arc::new(MemorySignatures::default()),
            tally: Arc::new(()),
        };
        let settings = Settings {
            email_policy: EmailPolicy { allow_special_use: false },
            max_json_rows: 10_000,
            max_rows: 30_000,
            key_lifetime: TimeDelta::hours(24),
            stalled_after: TimeDelta::seconds(15),
            abandoned_after: TimeDelta::seconds(600),
            mail_concurrency: 4,
            max_watchers: 1_000,
            tenant_limits: TenantLimits { rows_a_day: Some(1_000_000), operations: Some(20) },
            upload_keep: TimeDelta::days(7),
            result_keep: TimeDelta::days(30),
            export_keep: TimeDelta::days(7),
        };
        let app = App::new(ports, settings);
        engine.app.set(app.clone()).ok().unwrap();
        let healthy = |name, required| HealthPart { name, up: true, required, detail: None };
        let all = vec![healthy("database", true), healthy("redis", false), healthy("temporal", true)];
        let health = Arc::new(TestHealth(Mutex::new(HealthReport { status: "ok", ready: true, parts: all })));
        let state = ApiState {
            app,
            tokens: Arc::new(TenantTokens::new(&token_config()).unwrap()),
            clock: Arc::new(clock.clone()),
            health: health.clone(),
            environment: "development".to_owned(),
            limits: UploadLimits::default(),
            rate_limits: None,
            trusted_proxies: TrustedProxies::default(),
            cors: None,
            codec: None,
            metrics: HttpMetrics::default(),
            docs_url: Some("/docs".to_owned()),
            openapi_url: Some("/openapi.json".to_owned()),
        };
        Self { state, store, clock, health, tenant: TenantId::new(Uuid::from_u128(7)), engine }
    }

    /// The same service, asked by another tenant.
    pub fn into_tenant(self, number: u128) -> Self {
        Self { tenant: TenantId::new(Uuid::from_u128(number)), ..self }
    }

    pub fn set_engine(&self, mode: Engine) {
        *self.engine.mode.lock().unwrap() = mode;
    }

    pub fn router(&self) -> Router {
        muster_api::router(self.state.clone()).unwrap()
    }

    pub fn token(&self) -> String {
        self.state.tokens.issue(self.tenant, None, self.clock.now(), Duration::from_mins(30)).unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let router = self.router();
        let answer = Answer::of(router.clone().oneshot(request).await.unwrap()).await;
        if answer.header("content-type") == "application/problem+json" && self.state.docs_url.is_some() {
            answer.leads_to_its_page(router).await;
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header("x-tenant-token", self.token()).body(Body::empty()).unwrap()).await
    }

    /// Any method, with further headers and perhaps a JSON body.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("x-tenant-token", self.token());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        self.send(request.body(body.map_or_else(Body::empty, |body| body.to_string().into())).unwrap()).await
    }

    /// Makes a user; gives their path.
    pub async fn make(&self, name: &str) -> String {
        let body = serde_json::json!({"email": format!("{name}@x.com"), "username": name, "full_name": name});
        let answer = self.ask("POST", "/api/v1/users", &[], Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.header("location").to_owned()
    }

    /// `POST` of a body.
    pub async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("x-tenant-token", self.token()).header("content-type", kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    /// `POST /users/batch` with further headers.
    pub async fn batch(&self, kind: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.batch_at("", kind, headers, body).await
    }

    pub async fn batch_at(&self, query: &str, kind: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let path = format!("/api/v1/users/batch{query}");
        let mut request = Request::post(path).header("x-tenant-token", self.token()).header("content-type", kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Self { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&body).into_owned() }
    }

    /// Asserts that `type` can be fetched, without a token.
    async fn leads_to_its_page(&self, router: Router) {
        let problem = self.json();
        let page = Request::get(problem["type"].as_str().unwrap()).body(Body::empty()).unwrap();
        let page = Self::of(router.oneshot(page).await.unwrap()).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"), "{problem}");
        assert!(page.text.contains(problem["code"].as_str().unwrap()), "{problem}: {}", page.text);
    }

    /// Pointer and code of each error.
    pub fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = self.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that it is a problem in the one envelope, and gives it.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["trace_id"], self.header("x-trace-id"));
        assert_eq!(problem["error"]["code"], code);
        assert_eq!(problem["error"]["message"], problem["detail"]);
        assert_eq!(problem["error"]["details"], problem["errors"]);
        for member in ["type", "title", "instance"] {
            assert!(problem[member].is_string(), "{member}: {problem}");
        }
        problem
    }
}

pub fn token_config() -> TokenConfig {
    TokenConfig {
        algorithm: TokenAlgorithm::Hs256,
        // base64 of 32 bytes
        private_key: Some("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".to_owned()),
        ..TokenConfig::default()
    }
}
