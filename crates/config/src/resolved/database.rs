//! Where the Local API stores, and what it deletes by itself.

use std::path::PathBuf;
use std::time::Duration;

use crate::resolved::LogLevel;
use crate::secret::Secret;

/// The section `db_config`.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// `type` with what belongs to it.
    pub engine: Engine,
    /// `log_level`; none inherits.
    pub log_level: Option<LogLevel>,
    /// `max_open_conns`.
    pub max_connections: usize,
    /// `decision_bulk_size`.
    pub bulk_size: usize,
    /// `flush`; none when the section is absent, and then nothing is deleted.
    pub flush: Option<Flush>,
}

/// Which database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `sqlite`.
    Sqlite {
        /// `db_path`.
        path: PathBuf,
        /// `use_wal`; none when not given.
        wal: Option<bool>,
    },
    /// `postgres`, `postgresql`, `pgx` (refused by the Local API: not implemented yet).
    Postgres(Remote),
    /// `mysql` (refused by the Local API: not implemented yet).
    Mysql(Remote),
}

/// A database server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// `host`; empty with a socket in `db_path`.
    pub host: String,
    /// `port`; 0 means the usual one.
    pub port: u16,
    /// `user`.
    pub user: String,
    /// `password`.
    pub password: Secret,
    /// `db_name`.
    pub name: String,
    /// `sslmode`.
    pub ssl_mode: String,
    /// `db_path` as a socket.
    pub socket: Option<PathBuf>,
    /// `ssl_ca_cert`.
    pub ca_cert: Option<PathBuf>,
    /// `ssl_client_cert`.
    pub client_cert: Option<PathBuf>,
    /// `ssl_client_key`.
    pub client_key: Option<PathBuf>,
}

/// The section `db_config.flush`. Upstream: `pkg/database/flush.go`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flush {
    /// `max_items`, above 0.
    pub max_items: Option<u64>,
    /// `max_age` of alerts.
    pub max_age: Option<Duration>,
    /// `metrics_max_age`; 7 days by default.
    pub metrics_max_age: Duration,
    /// `bouncers_autodelete`.
    pub bouncers: Autodelete,
    /// `agents_autodelete`.
    pub machines: Autodelete,
}

/// After which silence a machine or bouncer is deleted, by how it authenticates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autodelete {
    /// `cert`.
    pub certificate: Option<Duration>,
    /// `login_password` of machines, `api_key` of bouncers.
    pub secret: Option<Duration>,
}
