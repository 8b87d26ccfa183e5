//! Repositories on Postgres.

mod blocks;
mod convert;
mod doors;
mod error;
mod guard;
mod keys;
mod lineage;
mod mails;
mod operation_moves;
mod operation_reads;
mod operations;
mod pool;
mod readers;
mod removal;
mod rows;
mod search_index;
mod unit_of_work;
mod user_history;
mod user_list;
mod user_maker;
mod user_sets;
mod user_totals;
mod user_writes;
mod users;
mod watch;
mod webhook_deliveries;
mod webhooks;
mod welcomes;

pub use guard::GuardError;
pub use pool::{MIGRATOR, PoolOptions, check_database, connect_lazily, migrate, ping};
pub use readers::PgReaders;
pub use sqlx::PgPool as Pool;
pub use unit_of_work::PgUnits;
pub use user_list::PgUserList;
pub use user_maker::PgUserMaker;
pub use watch::PgWatch;
