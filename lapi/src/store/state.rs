//! Small named values: ours in `cso_state`, upstream's in `config_items`.

use std::collections::BTreeMap;

use sqlx::{Row as _, SqliteConnection};

/// Highest decision id the read model has learnt of; what lies above was written while we were not there.
pub(crate) const DECISIONS_SEEN: &str = "decisions_seen";
/// Before a bouncer's row id: the `last_pull` that was no pull but a question for single decisions.
pub(crate) const ASKED: &str = "asked:";

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

/// Reads all values of [`ASKED`] by row id.
pub(crate) async fn questions(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<i64, String>, sqlx::Error> {
    let rows = sqlx::query("SELECT name, value FROM cso_state WHERE name LIKE 'asked:%'")
        .fetch_all(connection)
        .await?;
    let mut questions = BTreeMap::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        if let Some(id) = name.strip_prefix(ASKED).and_then(|id| id.parse().ok()) {
            questions.insert(id, row.try_get(1)?);
        }
    }
    Ok(questions)
}
