//! Rows of the alert tables: inserting what ingest decided. Reading is in [`query`].

pub mod query;

use jiff::{SignedDuration, Timestamp};
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{Store, StoreError, Tx};
use crate::ingest::{Decided, Draft};
use crate::live::{Change, Record};
use crate::stamp::Stamp;

pub use query::AlertQuery;

/// How long a retried alert is recognised.
const RETRY_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Rows of one INSERT; SQLite allows 32,766 values a statement.
const ROWS: usize = 500;

impl Store {
    /// Stores drafts of one request; a failing one is left out of the answer, with a log line, and harms no other.
    ///
    /// Returns the ids in order; a draft that was stored within 24 hours gives the first id again.
    pub async fn add_alerts(
        &self,
        machine: Option<String>,
        drafts: Vec<Draft>,
    ) -> Result<Vec<i64>, StoreError> {
        // All go in before any is waited for, so that they share a commit.
        let inserts = drafts
            .into_iter()
            .map(|draft| self.write(move |tx| Box::pin(async move { insert(tx, &draft).await })));
        let mut ids = Vec::new();
        let mut last_error = None;
        for result in futures::future::join_all(inserts).await {
            match result {
                Ok(id) => ids.push(id),
                Err(error) => {
                    tracing::error!("alert not stored: {}", super::writer::Chain(&error));
                    last_error = Some(error);
                }
            }
        }
        match last_error {
            Some(error) if ids.is_empty() => return Err(error),
            _ => {}
        }
        if let Some(machine) = machine {
            self.note_push(&machine).await?;
        }
        Ok(ids)
    }

    async fn note_push(&self, machine: &str) -> Result<(), StoreError> {
        let id = machine.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE machines SET last_push = ? WHERE machine_id = ?")
                    .bind(Stamp(tx.now).text())
                    .bind(&id)
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

async fn insert(tx: &mut Tx<'_>, draft: &Draft) -> Result<i64, StoreError> {
    if let Some(key) = &draft.content_key
        && let Some(first) = first_id(tx, key).await?
    {
        return Ok(first);
    }
    let id = insert_alert(tx, draft).await?;
    insert_events(tx, id, draft).await?;
    insert_meta(tx, id, draft).await?;
    insert_decisions(tx, id, draft).await?;
    if let Some(key) = &draft.content_key {
        sqlx::query("INSERT OR REPLACE INTO cso_alert_keys (key, alert_id, created_at) VALUES (?, ?, ?)")
            .bind(key)
            .bind(id)
            .bind(Stamp(tx.now).text())
            .execute(&mut *tx.connection)
            .await?;
    }
    Ok(id)
}

async fn first_id(tx: &mut Tx<'_>, key: &str) -> Result<Option<i64>, StoreError> {
    let from = tx.now.checked_sub(RETRY_WINDOW).unwrap_or(Timestamp::MIN);
    let row = sqlx::query("SELECT alert_id FROM cso_alert_keys WHERE key = ? AND created_at > ?")
        .bind(key)
        .bind(Stamp(from).text())
        .fetch_optional(&mut *tx.connection)
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

async fn insert_alert(tx: &mut Tx<'_>, draft: &Draft) -> Result<i64, StoreError> {
    let now = Stamp(tx.now).text();
    let alert = &draft.alert;
    let source = alert.source.clone().unwrap_or_default();
    let row = sqlx::query(
        "INSERT INTO alerts (created_at, updated_at, scenario, bucket_id, message, events_count, started_at, stopped_at, \
         source_ip, source_range, source_as_number, source_as_name, source_country, source_latitude, source_longitude, \
         source_scope, source_value, capacity, leak_speed, scenario_version, scenario_hash, simulated, uuid, remediation, \
         kind, machine_alerts) VALUES (?, ?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
         (SELECT id FROM machines WHERE machine_id = ?)) RETURNING id",
    )
    .bind(&now)
    .bind(&now)
    .bind(&alert.scenario)
    .bind(&alert.message)
    .bind(alert.events_count)
    .bind(Stamp(draft.started_at).text())
    .bind(Stamp(draft.stopped_at).text())
    .bind(&source.ip)
    .bind(&source.range)
    .bind(&source.as_number)
    .bind(&source.as_name)
    .bind(&source.cn)
    .bind(f64::from(source.latitude))
    .bind(f64::from(source.longitude))
    .bind(source.scope.unwrap_or_default())
    .bind(source.value.unwrap_or_default())
    .bind(alert.capacity)
    .bind(&alert.leakspeed)
    .bind(&alert.scenario_version)
    .bind(&alert.scenario_hash)
    .bind(alert.simulated)
    .bind(&alert.uuid)
    .bind(alert.remediation)
    .bind(&alert.kind)
    .bind(&alert.machine_id)
    .fetch_one(&mut *tx.connection)
    .await?;
    Ok(row.try_get(0)?)
}

async fn insert_events(tx: &mut Tx<'_>, alert: i64, draft: &Draft) -> Result<(), StoreError> {
    let now = Stamp(tx.now).text();
    for chunk in draft.events.chunks(ROWS) {
        let mut sql: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO events (created_at, updated_at, time, serialized, alert_events) ");
        sql.push_values(chunk, |mut row, event| {
            row.push_bind(&now)
                .push_bind(&now)
                .push_bind(Stamp(event.time).text())
                .push_bind(&event.serialized)
                .push_bind(alert);
        });
        sql.build().persistent(false).execute(&mut *tx.connection).await?;
    }
    Ok(())
}

async fn insert_meta(tx: &mut Tx<'_>, alert: i64, draft: &Draft) -> Result<(), StoreError> {
    let now = Stamp(tx.now).text();
    for chunk in draft.alert.meta.chunks(ROWS) {
        let mut sql: QueryBuilder<Sqlite> =
            QueryBuilder::new("INSERT INTO meta (created_at, updated_at, key, value, alert_metas) ");
        sql.push_values(chunk, |mut row, meta| {
            row.push_bind(&now)
                .push_bind(&now)
                .push_bind(&meta.key)
                .push_bind(&meta.value)
                .push_bind(alert);
        });
        sql.build().persistent(false).execute(&mut *tx.connection).await?;
    }
    Ok(())
}

/// Inserts the decisions of an alert; their ids ascend in the order given, because nobody else writes meanwhile.
async fn insert_decisions(tx: &mut Tx<'_>, alert: i64, draft: &Draft) -> Result<(), StoreError> {
    let now = Stamp(tx.now).text();
    for chunk in draft.decisions.chunks(ROWS) {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(
            "INSERT INTO decisions (created_at, updated_at, until, scenario, type, start_ip, end_ip, start_suffix, end_suffix, \
             ip_size, scope, value, origin, simulated, uuid, alert_decisions) ",
        );
        sql.push_values(chunk, |mut row, decided| {
            let range = &decided.range;
            row.push_bind(&now)
                .push_bind(&now)
                .push_bind(Stamp(decided.until).text())
                .push_bind(&decided.scenario)
                .push_bind(&decided.kind)
                .push_bind(range.start_ip)
                .push_bind(range.end_ip)
                .push_bind(range.start_suffix)
                .push_bind(range.end_suffix)
                .push_bind(range.size)
                .push_bind(&decided.scope)
                .push_bind(&decided.value)
                .push_bind(&decided.origin)
                .push_bind(decided.simulated)
                .push_bind(decided.uuid.to_string())
                .push_bind(alert);
        });
        sql.push(" RETURNING id");
        let rows = sql
            .build()
            .persistent(chunk.len() == 1)
            .fetch_all(&mut *tx.connection)
            .await?;
        let mut ids = rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<Vec<i64>, _>>()?;
        ids.sort_unstable();
        for (id, decided) in ids.into_iter().zip(chunk) {
            tx.changes
                .push(Change::Decision(Box::new(record(id, alert, decided))));
        }
    }
    Ok(())
}

fn record(id: i64, alert: i64, decided: &Decided) -> Record {
    Record {
        id,
        alert,
        until: Stamp(decided.until).nanoseconds(),
        visible: 0,
        ended: None,
        range: decided.range,
        scope: decided.scope.as_str().into(),
        kind: decided.kind.as_str().into(),
        origin: decided.origin.as_str().into(),
        scenario: decided.scenario.as_str().into(),
        value: decided.value.as_str().into(),
        uuid: Some(decided.uuid),
        simulated: decided.simulated,
    }
}
