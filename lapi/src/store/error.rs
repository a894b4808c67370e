//! What can go wrong with the database.

use std::path::PathBuf;

/// Says why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be made or its mode not set.
    #[error("database file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is there but no database.
    #[error("opening database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("database")]
    Sql(#[from] sqlx::Error),
    /// A row holds what no version of the programs writes.
    #[error("database row: {0}")]
    Row(String),
    /// The row is already there.
    #[error("{0}")]
    Exists(String),
    /// There is no such row.
    #[error("{0}")]
    Missing(String),
    /// The writer is gone or did not answer.
    #[error("the database writer has stopped")]
    Stopped,
}
