//! Rows of the `metrics` table: reports of bouncers and agents, kept as they came. Upstream: `pkg/database/metrics.go`.

use sqlx::Row as _;

use super::{Store, StoreError, bouncers, machines};
use crate::stamp::Stamp;

/// Who reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reporter {
    /// A bouncer, by row id and name.
    Bouncer(i64, String),
    /// A machine, by login.
    Machine(String),
}

/// A stored report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Row id.
    pub id: i64,
    /// `RC` or `LP`.
    pub kind: String,
    /// Name of the bouncer or login of the machine.
    pub by: String,
    /// Column text of the time it came.
    pub received_at: String,
    /// JSON as stored.
    pub payload: String,
}

impl Store {
    /// Stores a report and what it says about its sender, together.
    pub(crate) async fn add_usage(
        &self,
        reporter: Reporter,
        columns: Vec<(&'static str, String)>,
        payload: String,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let (kind, by) = match &reporter {
                    Reporter::Bouncer(id, name) => {
                        bouncers::update(tx, *id, &columns).await?;
                        ("RC", name)
                    }
                    Reporter::Machine(login) => {
                        let columns: Vec<_> = columns.into_iter().map(|(name, value)| (name, Some(value))).collect();
                        machines::update(tx, login, &columns).await?;
                        ("LP", login)
                    }
                };
                sqlx::query("INSERT INTO metrics (generated_type, generated_by, received_at, payload) VALUES (?, ?, ?, ?)")
                    .bind(kind)
                    .bind(by)
                    .bind(Stamp(tx.now).text())
                    .bind(&payload)
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Lists stored reports by id.
    pub async fn usage(&self) -> Result<Vec<UsageRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, generated_type, generated_by, received_at, payload FROM metrics ORDER BY id",
        )
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(UsageRow {
                    id: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    by: row.try_get(2)?,
                    received_at: row.try_get(3)?,
                    payload: row.try_get(4)?,
                })
            })
            .collect()
    }
}
