//! The API over its router, with storage in memory and an engine that runs at once.

#[cfg(test)]
mod batch;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod codec;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod control;
#[cfg(test)]
mod cors;
#[cfg(test)]
mod create_user;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod forged;
#[cfg(test)]
mod health;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod partner_work;
#[cfg(test)]
mod partners;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod rate_limits;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(test)]
mod task_batch;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod uploads;
#[cfg(test)]
mod user_history;
#[cfg(test)]
mod user_life;
#[cfg(test)]
mod user_lists;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod whole;
