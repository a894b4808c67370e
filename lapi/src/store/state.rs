//! Small named values: ours in `cso_state`, upstream's in `config_items`.

use sqlx::{Row as _, SqliteConnection};

use super::{Store, StoreError};

/// Highest decision id the read model has learnt of; what lies above was written while we were not there.
pub(crate) const DECISIONS_SEEN: &str = "decisions_seen";
/// SHA-256 of the admin token, hex.
pub const ADMIN_TOKEN: &str = "admin_token_sha256";

/// Writes a value of ours.
pub(crate) async fn put(
    connection: &mut SqliteConnection,
    name: &str,
    value: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO cso_state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        .bind(name)
        .bind(value)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads a value of ours.
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT value FROM cso_state WHERE name = ?")
        .bind(name)
        .fetch_optional(connection)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

impl Store {
    /// Reads a value of ours; `None` when never written.
    pub async fn state(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        Ok(get(&mut connection, name).await?)
    }

    /// Writes a value of ours.
    pub async fn set_state(&self, name: &'static str, value: String) -> Result<(), StoreError> {
        self.write(move |tx| Box::pin(async move { Ok(put(tx.connection, name, &value).await?) }))
            .await
    }
}
