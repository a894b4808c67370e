//! What the Local API is told: the resolved configuration and what lies beside the database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use config::resolved::{Database, Engine, Flush, MetricsLevel, Profile, Server};
use config::{Config, Secret};

/// Shortest signing secret, in bytes.
const SECRET: usize = 64;
/// The variable that holds the signing secret; shared by replicas.
pub const SECRET_VARIABLE: &str = "CS_LAPI_SECRET";

/// The variable that holds the token of the admin interface; without it a file beside the database does.
pub const ADMIN_TOKEN_VARIABLE: &str = "CS_LAPI_ADMIN_TOKEN";
/// Shortest admin token, in bytes.
const ADMIN_TOKEN: usize = 32;

/// What the Local API runs with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `api.server`.
    pub server: Server,
    /// The SQLite file.
    pub database: PathBuf,
    /// Whether it has a write-ahead log.
    pub wal: bool,
    /// `db_config.flush`; none deletes nothing.
    pub flush: Option<Flush>,
    /// `profiles.yaml`.
    pub profiles: Vec<Profile>,
    /// `CS_LAPI_SECRET`; none keeps one beside the database.
    pub secret: Option<Secret>,
    /// `CS_LAPI_ADMIN_TOKEN`; none keeps one beside the database.
    pub admin_token: Option<Secret>,
    /// `prometheus.level`.
    pub metrics: MetricsLevel,
    /// Bounds on connections.
    pub limits: Limits,
}

/// Bounds that keep one client from starving the others.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time; more wait in the listen queue.
    pub connections: usize,
    /// Longest time for a request's head.
    pub head: Duration,
    /// Longest time in which a client takes nothing of an answer.
    pub write: Duration,
    /// Longest silence between requests.
    pub idle: Duration,
    /// HTTP/2 streams of one connection.
    pub streams: u32,
    /// How often certificate files are looked at.
    pub certificates: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            head: Duration::from_secs(5),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(180),
            streams: 128,
            certificates: Duration::from_secs(5),
        }
    }
}

/// Says what in the configuration the Local API cannot run with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No `api.server`.
    #[error("no api.server section, or it is disabled")]
    NoServer,
    /// No `db_config`.
    #[error("no db_config section")]
    NoDatabase,
    /// A database server.
    #[error("db_config.type {0} is not supported yet; use sqlite")]
    Unsupported(&'static str),
    /// `CS_LAPI_SECRET` is too short.
    #[error("CS_LAPI_SECRET not strong enough")]
    WeakSecret,
    /// `CS_LAPI_ADMIN_TOKEN` is too short.
    #[error("CS_LAPI_ADMIN_TOKEN not strong enough; give it at least 32 random characters")]
    WeakAdminToken,
    /// A file beside the database cannot be read or made.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl Settings {
    /// Takes what the Local API needs from a loaded configuration, its profiles and the environment's secret.
    pub fn new(
        config: &Config,
        profiles: Vec<Profile>,
        secret: Option<Secret>,
        admin_token: Option<Secret>,
    ) -> Result<Self, SettingsError> {
        let server = config.server.clone().ok_or(SettingsError::NoServer)?;
        let Database { engine, flush, .. } = config.database.clone().ok_or(SettingsError::NoDatabase)?;
        let (database, wal) = match engine {
            Engine::Sqlite { path, wal } => (path, wal.unwrap_or(true)),
            Engine::Postgres(_) => return Err(SettingsError::Unsupported("postgresql")),
            Engine::Mysql(_) => return Err(SettingsError::Unsupported("mysql")),
        };
        if secret
            .as_ref()
            .is_some_and(|secret| secret.expose().len() < SECRET)
        {
            return Err(SettingsError::WeakSecret);
        }
        if admin_token
            .as_ref()
            .is_some_and(|token| token.expose().len() < ADMIN_TOKEN)
        {
            return Err(SettingsError::WeakAdminToken);
        }
        let metrics = if config.prometheus.enabled {
            config.prometheus.level
        } else {
            None
        };
        Ok(Self {
            server,
            database,
            wal,
            flush,
            profiles,
            secret,
            admin_token,
            metrics: metrics.unwrap_or(MetricsLevel::None),
            limits: Limits::default(),
        })
    }

    /// Returns the signing secret: the given one, else the one beside the database, made at the first start.
    ///
    /// Upstream makes a new one at each start and reload, which throws every agent out; keeping it is the point.
    pub(crate) fn signing_secret(&self) -> Result<Vec<u8>, SettingsError> {
        if let Some(secret) = &self.secret {
            return Ok(secret.expose().as_bytes().to_vec());
        }
        let text = keep(&self.beside("lapi_secret"), || {
            hex::encode(rand::random::<[u8; 64]>())
        })?;
        Ok(text.into_bytes())
    }

    /// Returns the admin token: the given one, else that of the file beside the database, made at the first start.
    pub(crate) fn admin_token(&self) -> Result<String, SettingsError> {
        if let Some(token) = &self.admin_token {
            return Ok(token.expose().to_owned());
        }
        keep(&self.beside("admin_token"), || {
            hex::encode(rand::random::<[u8; 32]>())
        })
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.database.with_file_name(name)
    }
}

/// Reads a one-line file; makes it with mode 0600 when absent.
fn keep(path: &Path, make: impl FnOnce() -> String) -> Result<String, SettingsError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let fail = |source| SettingsError::File {
        path: path.to_owned(),
        source,
    };
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(mut file) => {
            let text = make();
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(fail)?;
            Ok(text)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(path).map_err(fail)?.trim().to_owned();
            if text.is_empty() {
                return Err(fail(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "the file is empty; delete it",
                )));
            }
            Ok(text)
        }
        Err(error) => Err(fail(error)),
    }
}
