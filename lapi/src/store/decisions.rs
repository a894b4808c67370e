//! Rows of the `decisions` table: loading them into the read model, ending them.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};
use uuid::Uuid;
use wire::range::Range;

use super::{Store, StoreError, Tx, allowlists, bouncers, state};
use crate::live::{Change, Live, Record};
use crate::stamp::Stamp;

/// How far back ended rows are read at start, for bouncers that were away.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(8 * 24);
/// How far back they are read later; a day covers the offsets that old versions wrote.
const LOOK_BACK_LATER: SignedDuration = SignedDuration::from_hours(25);

/// Which decisions `DELETE /v1/decisions` ends; every field that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Row ids.
    pub ids: Vec<i64>,
    /// Identities.
    pub uuids: Vec<String>,
    /// Exact scope.
    pub scope: Option<String>,
    /// Exact value.
    pub value: Option<String>,
    /// Exact type.
    pub kind: Option<String>,
    /// Exact origin.
    pub origin: Option<String>,
    /// Exact scenario.
    pub scenario: Option<String>,
    /// An address or network, and whether decisions must contain it (or lie within it).
    pub range: Option<(Range, bool)>,
}

impl Store {
    /// Ends what is selected and still in force; returns how many. Rows stay, as upstream's do.
    pub async fn expire_decisions(&self, selection: Selection) -> Result<u64, StoreError> {
        self.write(move |tx| Box::pin(async move { expire(tx, &selection).await }))
            .await
    }

    /// Ends one decision that is in force; fails when there is none of that id.
    pub async fn expire_decision(&self, id: i64) -> Result<u64, StoreError> {
        let count = self
            .expire_decisions(Selection {
                ids: vec![id],
                ..Selection::default()
            })
            .await?;
        if count == 0 {
            return Err(StoreError::Missing(format!(
                "decision with id '{id}' doesn't exist: unable to delete"
            )));
        }
        Ok(count)
    }
}

/// Ends what is selected, inside the caller's transaction.
pub(crate) async fn expire(tx: &mut Tx<'_>, selection: &Selection) -> Result<u64, StoreError> {
    let now = Stamp(tx.now).text();
    let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new("UPDATE decisions SET until = ");
    sql.push_bind(&now)
        .push(", updated_at = ")
        .push_bind(&now)
        .push(" WHERE until > ")
        .push_bind(&now);
    select(&mut sql, selection);
    sql.push(" RETURNING id");
    let rows = sql.build().fetch_all(&mut *tx.connection).await?;
    for row in &rows {
        tx.changes.push(Change::Ended(row.try_get(0)?));
    }
    Ok(rows.len() as u64)
}

fn select(sql: &mut QueryBuilder<Sqlite>, selection: &Selection) {
    let texts = [
        ("scope", &selection.scope),
        ("value", &selection.value),
        ("type", &selection.kind),
        ("origin", &selection.origin),
        ("scenario", &selection.scenario),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            sql.push(format!(" AND {column} = ")).push_bind(text.clone());
        }
    }
    if !selection.ids.is_empty() {
        sql.push(" AND id IN (");
        let mut list = sql.separated(", ");
        for id in &selection.ids {
            list.push_bind(*id);
        }
        sql.push(")");
    }
    if !selection.uuids.is_empty() {
        sql.push(" AND uuid IN (");
        let mut list = sql.separated(", ");
        for uuid in &selection.uuids {
            list.push_bind(uuid.clone());
        }
        sql.push(")");
    }
    if let Some((range, contains)) = &selection.range {
        sql.push(" AND ");
        push_range(sql, range, *contains);
    }
}

/// Appends the condition that a row of `decisions` contains the range, or lies within it.
pub(super) fn push_range(sql: &mut QueryBuilder<Sqlite>, range: &Range, contains: bool) {
    let (start, end) = if contains { ("<=", ">=") } else { (">=", "<=") };
    sql.push("(ip_size = ").push_bind(range.size);
    sql.push(format!(" AND (start_ip, start_suffix) {start} ("))
        .push_bind(range.start_ip);
    sql.push(", ").push_bind(range.start_suffix);
    sql.push(format!(") AND (end_ip, end_suffix) {end} ("))
        .push_bind(range.end_ip);
    sql.push(", ").push_bind(range.end_suffix).push("))");
}

/// Reads what the read model must hold and says how it differs from what it holds.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    live: &Live,
    now: Timestamp,
    first: bool,
) -> Result<Vec<Change>, StoreError> {
    let back = if first { LOOK_BACK } else { LOOK_BACK_LATER };
    let from = now.checked_sub(back).unwrap_or(Timestamp::MIN);
    let seen = seen(connection).await?;
    let mut changes = Vec::new();
    let mut ids = BTreeSet::new();
    {
        use futures::TryStreamExt as _;
        let mut rows = sqlx::query(
            "SELECT id, created_at, until, scenario, type, start_ip, end_ip, start_suffix, end_suffix, ip_size, \
             scope, value, origin, simulated, uuid, alert_decisions FROM decisions WHERE until >= ?",
        )
        .bind(Stamp(from).text())
        .fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let mut record = read(&row)?;
            ids.insert(record.id);
            // What another program wrote while nobody looked counts as new from now on.
            let known = first && seen.is_none_or(|seen| record.id <= seen);
            record.visible = if known {
                record.visible.min(Stamp(now).nanoseconds())
            } else {
                0
            };
            changes.push(Change::Decision(Box::new(record)));
        }
    }
    let active = live.decisions(|decisions| decisions.active_ids(Stamp(now).nanoseconds()));
    changes.extend(
        active
            .into_iter()
            .filter(|id| !ids.contains(id))
            .map(Change::Ended),
    );
    changes.push(Change::Bouncers(bouncers::all_rows(connection).await?));
    changes.push(Change::Allowlists(allowlists::load(connection).await?));
    Ok(changes)
}

async fn seen(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let text = state::get(connection, state::DECISIONS_SEEN).await?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn read(row: &SqliteRow) -> Result<Record, StoreError> {
    let time = |index: usize| -> Result<i64, StoreError> {
        let text: Option<String> = row.try_get(index)?;
        Ok(text
            .as_deref()
            .and_then(Stamp::parse)
            .map_or(0, Stamp::nanoseconds))
    };
    let name = |index: usize| -> Result<Arc<str>, StoreError> { Ok(row.try_get::<String, _>(index)?.into()) };
    let number =
        |index: usize| -> Result<i64, StoreError> { Ok(row.try_get::<Option<i64>, _>(index)?.unwrap_or(0)) };
    Ok(Record {
        id: row.try_get(0)?,
        visible: time(1)?,
        until: time(2)?,
        ended: None,
        scenario: name(3)?,
        kind: name(4)?,
        range: Range {
            start_ip: number(5)?,
            end_ip: number(6)?,
            start_suffix: number(7)?,
            end_suffix: number(8)?,
            size: number(9)?,
        },
        scope: name(10)?,
        value: row.try_get::<String, _>(11)?.into(),
        origin: name(12)?,
        simulated: row.try_get(13)?,
        uuid: row
            .try_get::<Option<String>, _>(14)?
            .and_then(|text| Uuid::try_parse(&text).ok()),
        alert: number(15)?,
    })
}
