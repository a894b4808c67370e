//! The database: upstream's tables in SQLite, one writer with group commit, many readers.
//!
//! The Local API and `cscli` both open it through [`Store`]; only [`writer`] changes rows.

pub mod alerts;
pub mod allowlists;
pub mod bouncers;
pub mod decisions;
pub mod error;
pub mod flush;
pub mod machines;
mod migrate;
mod state;
pub mod usage;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

use crate::live::Live;

pub use error::StoreError;
pub use writer::{Tx, Work};

/// How the database is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The SQLite file; made with mode 0600 when absent, 0640 once open.
    pub path: PathBuf,
    /// Write-ahead log; off on network file systems.
    pub wal: bool,
    /// Connections for reading.
    pub readers: u32,
}

impl Options {
    /// Makes the usual options for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            wal: true,
            readers: 8,
        }
    }
}

/// An open database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: writer::Handle,
    live: Arc<Live>,
}

impl Store {
    /// Opens (or makes) the database, adds what its schema lacks and starts the writer on the current runtime.
    ///
    /// Nothing is ever dropped. The writer ends when the last clone of the store is gone.
    pub async fn open(options: &Options) -> Result<Self, StoreError> {
        create_private(&options.path)?;
        let connect = connect_options(options);
        let mut connection =
            SqliteConnection::connect_with(&connect)
                .await
                .map_err(|source| StoreError::Open {
                    path: options.path.clone(),
                    source,
                })?;
        migrate::run(&mut connection).await?;
        restrict(&options.path, 0o640)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(connect.read_only(true))
            .await
            .map_err(|source| StoreError::Open {
                path: options.path.clone(),
                source,
            })?;
        let live = Arc::new(Live::default());
        let writer = writer::start(connection, Arc::clone(&live));
        Ok(Self {
            readers,
            writer,
            live,
        })
    }

    /// Returns the read model; empty until [`Store::follow`] loaded it.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Loads the read model and keeps it equal to the database from now on, whoever writes there.
    pub async fn follow(&self) -> Result<(), StoreError> {
        self.writer.follow().await
    }

    /// Looks now whether another program wrote (it is looked for five times a second anyway); costs one statement if not.
    pub async fn look(&self) {
        self.writer.look().await;
    }

    /// Runs `work` in the writer's next transaction and returns what it gave once that is committed.
    ///
    /// A failing work leaves no trace and does not disturb the others of its transaction.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Work<'t, T> + Send + 'static,
    {
        self.writer.run(work).await
    }

    /// Says whether a read that failed is worth repeating: an older program may just have taken columns away, and
    /// looking puts them back.
    async fn mended(&self, error: &StoreError) -> bool {
        if !matches!(error, StoreError::Sql(sqlx::Error::Database(_))) {
            return false;
        }
        self.look().await;
        true
    }

    /// Returns the pool of read-only connections.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Writes everything that is queued, checkpoints the log and closes the files.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

fn connect_options(options: &Options) -> SqliteConnectOptions {
    let mut connect = SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(100))
        .statement_cache_capacity(256)
        .thread_name(|id| format!("sqlite-{id}"));
    if options.wal {
        connect = connect
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered must survive a power cut; group commit pays for it.
            .synchronous(SqliteSynchronous::Full);
    }
    connect
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match made {
        Ok(_file) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

fn restrict(path: &Path, mode: u32) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(|source| StoreError::File {
        path: path.to_owned(),
        source,
    })
}
