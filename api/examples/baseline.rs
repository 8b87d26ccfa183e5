//! What `cargo xtask bench http` measures the API against: the same HTTP server with handlers that do only what cannot be
//! left out. No tokens, no tenants, no history, no cache, no checks.
//!
//! `DATABASE_URL` and `PORT` say where, and `DATABASE_POOL_SIZE` with how many connections.

use anyhow::{Context as _, Result};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use muster_api::server::Serving;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use uuid::Uuid;

/// The tenant that the benchmark fills.
const TENANT: Uuid = Uuid::from_u128(0x6b1f_6a52_8f5b_4d6e_9d5e_0c7f_3c1d_2e4f);

#[derive(Serialize, sqlx::FromRow)]
struct User {
    id: Uuid,
    email: String,
    username: String,
    full_name: Option<String>,
    is_active: bool,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct NewUser {
    email: String,
    username: String,
    full_name: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL is required")?;
    let port: u16 = std::env::var("PORT").context("PORT is required")?.parse()?;
    let size = std::env::var("DATABASE_POOL_SIZE").context("DATABASE_POOL_SIZE is required")?.parse()?;
    let pool = PgPoolOptions::new().max_connections(size).connect(&url).await?;
    let router = Router::new()
        .route("/static", get(fixed))
        .route("/users", get(list))
        .route("/users", post(insert))
        .with_state(pool);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(muster_api::server::serve(listener, router, Serving::default(), std::future::pending()).await?)
}

async fn fixed() -> Json<User> {
    Json(User {
        id: TENANT,
        email: "ada.lovelace@example.com".to_owned(),
        username: "ada_lovelace".to_owned(),
        full_name: Some("Ada Lovelace".to_owned()),
        is_active: true,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    })
}

async fn list(State(pool): State<PgPool>) -> Result<Json<Vec<User>>, StatusCode> {
    let users = sqlx::query_as(
        "select id, email, username, full_name, is_active, version, created_at, updated_at from users
         where tenant_id = $1 and deleted_at is null order by created_at desc, id desc limit 21",
    )
    .bind(TENANT)
    .fetch_all(&pool)
    .await;
    users.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

#[expect(clippy::disallowed_methods, reason = "there are no ports here: only what cannot be left out")]
async fn insert(State(pool): State<PgPool>, Json(new): Json<NewUser>) -> Result<(StatusCode, Json<User>), StatusCode> {
    let user = sqlx::query_as(
        "insert into plain_users (tenant_id, id, email, username, full_name, created_at, updated_at)
         values ($1, $2, $3, $4, $5, now(), now())
         returning id, email, username, full_name, is_active, version, created_at, updated_at",
    )
    .bind(TENANT)
    .bind(Uuid::now_v7())
    .bind(new.email)
    .bind(new.username)
    .bind(new.full_name)
    .fetch_one(&pool)
    .await;
    user.map(|user| (StatusCode::CREATED, Json(user))).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
