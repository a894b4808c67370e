//! Finding, reading and deleting alerts. Upstream: `pkg/database/alertfilter.go`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use wire::admin::{AlertSource, MOST_ALERT_SOURCES};
use wire::alert::{Alert, Event, Meta, Source};
use wire::decision::Decision;
use wire::range::Range;

use crate::live::Change;
use crate::live::record::remaining;
use crate::stamp::Stamp;
use crate::store::decisions::push_range;
use crate::store::{Store, StoreError};

/// Alerts whose children are read with one statement.
const PAGE: usize = 100;

/// Which alerts; every field that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of the request")]
pub struct AlertQuery {
    /// Row id.
    pub id: Option<i64>,
    /// Scope of the source.
    pub scope: Option<String>,
    /// Value of the source.
    pub value: Option<String>,
    /// Scenario of the alert or of one of its decisions.
    pub scenario: Option<String>,
    /// An address or network that a decision must contain (or lie within).
    pub range: Option<(Range, bool)>,
    /// Earliest start.
    pub since: Option<Timestamp>,
    /// Latest start.
    pub until: Option<Timestamp>,
    /// Latest time of storing.
    pub created_before: Option<Timestamp>,
    /// Type of one of its decisions.
    pub decision_type: Option<String>,
    /// Origin of one of its decisions.
    pub origin: Option<String>,
    /// Whether alerts that carry community or list decisions are left out.
    pub without_capi: bool,
    /// `true`: has a decision in force; `false`: has no decisions at all.
    pub has_active_decision: Option<bool>,
    /// Whether simulated alerts are left out.
    pub without_simulated: bool,
    /// Kind, exact.
    pub kind: Option<String>,
    /// At most so many; 0 = all.
    pub limit: usize,
    /// Whether the oldest come first.
    pub ascending: bool,
    /// Whether decisions are left out of the answer.
    pub without_decisions: bool,
}

impl Store {
    /// Returns the alerts that match, newest first unless told otherwise; `now` gives the time left of decisions.
    pub async fn alerts(&self, query: &AlertQuery, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
        match self.select_alerts(query, now).await {
            Err(error) if self.mended(&error).await => self.select_alerts(query, now).await,
            result => result,
        }
    }

    async fn select_alerts(&self, query: &AlertQuery, now: Timestamp) -> Result<Vec<Alert>, StoreError> {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(
            "SELECT a.id, a.created_at, a.scenario, a.message, a.events_count, a.started_at, a.stopped_at, a.source_ip, \
             a.source_range, a.source_as_number, a.source_as_name, a.source_country, a.source_latitude, a.source_longitude, \
             a.source_scope, a.source_value, a.capacity, a.leak_speed, a.scenario_version, a.scenario_hash, a.simulated, a.uuid, \
             a.remediation, a.kind, m.machine_id AS owner FROM alerts a LEFT JOIN machines m ON m.id = a.machine_alerts WHERE true",
        );
        condition(&mut sql, query, now);
        let order = if query.ascending { "ASC" } else { "DESC" };
        sql.push(format!(" ORDER BY a.created_at {order}, a.id {order}"));
        if query.limit > 0 {
            sql.push(" LIMIT ")
                .push_bind(i64::try_from(query.limit).unwrap_or(i64::MAX));
        }
        let rows = sql.build().persistent(false).fetch_all(self.readers()).await?;
        let mut alerts = rows.iter().map(read_alert).collect::<Result<Vec<_>, _>>()?;
        for page in alerts.chunks_mut(PAGE) {
            self.fill(page, query.without_decisions, now).await?;
        }
        Ok(alerts)
    }

    /// Deletes the alerts that match, with everything that hangs on them; returns how many.
    pub async fn delete_alerts(&self, query: AlertQuery) -> Result<u64, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                clear_doomed(tx).await?;
                let mut sql: QueryBuilder<Sqlite> =
                    QueryBuilder::new("INSERT INTO doomed SELECT a.id FROM alerts a WHERE true");
                condition(&mut sql, &query, tx.now);
                sql.build().persistent(false).execute(&mut *tx.connection).await?;
                delete_doomed(tx).await
            })
        })
        .await
    }

    /// Counts alerts by scenario, without community and list ones.
    pub async fn count_alerts(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut sql: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT a.scenario, COUNT(*) FROM alerts a WHERE true");
        let query = AlertQuery {
            without_capi: true,
            ..AlertQuery::default()
        };
        condition(&mut sql, &query, Timestamp::UNIX_EPOCH);
        sql.push(" GROUP BY a.scenario");
        let rows = sql.build().fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// Returns the addresses that alerts came from since `since`, newest first, at most [`MOST_ALERT_SOURCES`]; what people
    /// entered by hand is left out.
    pub async fn alert_sources(&self, since: Timestamp) -> Result<Vec<AlertSource>, StoreError> {
        // The newest alerts only, because there is no index on the time.
        let rows = sqlx::query(
            "SELECT source_value, COUNT(*) FROM alerts WHERE id > (SELECT MAX(id) FROM alerts) - 20000 \
             AND created_at >= ? AND source_scope = ? AND source_value <> '' AND COALESCE(kind, '') <> 'cscli' \
             GROUP BY source_value ORDER BY MAX(id) DESC LIMIT ?",
        )
        .bind(Stamp(since).text())
        .bind(wire::scope::IP)
        .bind(i64::try_from(MOST_ALERT_SOURCES).unwrap_or(i64::MAX))
        .fetch_all(self.readers())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(AlertSource {
                    value: row.try_get(0)?,
                    count: u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0),
                })
            })
            .collect()
    }

    async fn fill(
        &self,
        alerts: &mut [Alert],
        without_decisions: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<i64> = alerts.iter().map(|alert| alert.id).collect();
        let mut events = self
            .children(
                &ids,
                "SELECT alert_events, time, serialized FROM events WHERE alert_events",
                read_event,
            )
            .await?;
        let mut meta = self
            .children(
                &ids,
                "SELECT alert_metas, key, value FROM meta WHERE alert_metas",
                read_meta,
            )
            .await?;
        let mut decisions = if without_decisions {
            BTreeMap::new()
        } else {
            let sql = "SELECT alert_decisions, id, until, origin, scenario, scope, type, value, simulated FROM decisions WHERE alert_decisions";
            self.children(&ids, sql, |row| read_decision(row, now)).await?
        };
        for alert in alerts {
            alert.events = events.remove(&alert.id);
            alert.meta = meta.remove(&alert.id).unwrap_or_default();
            alert.decisions = decisions.remove(&alert.id);
        }
        Ok(())
    }

    async fn children<T>(
        &self,
        ids: &[i64],
        select: &'static str,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<BTreeMap<i64, Vec<T>>, StoreError> {
        let mut sql: QueryBuilder<Sqlite> = QueryBuilder::new(select);
        sql.push(" IN (");
        let mut list = sql.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        sql.push(") ORDER BY id");
        let mut children: BTreeMap<i64, Vec<T>> = BTreeMap::new();
        for row in sql.build().persistent(false).fetch_all(self.readers()).await? {
            children.entry(row.try_get(0)?).or_default().push(read(&row)?);
        }
        Ok(children)
    }
}

/// Empties the list of what is to be deleted; it lives in the writer's connection only.
pub(crate) async fn clear_doomed(tx: &mut crate::store::Tx<'_>) -> Result<(), StoreError> {
    sqlx::raw_sql("CREATE TEMP TABLE IF NOT EXISTS doomed (id INTEGER PRIMARY KEY); DELETE FROM doomed")
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Deletes what table `doomed` names; decisions in force are told as ended.
pub(crate) async fn delete_doomed(tx: &mut crate::store::Tx<'_>) -> Result<u64, StoreError> {
    let ended = sqlx::query("SELECT id FROM decisions WHERE alert_decisions IN (SELECT id FROM doomed)")
        .fetch_all(&mut *tx.connection)
        .await?;
    for row in &ended {
        tx.changes.push(Change::Ended(row.try_get(0)?));
    }
    // A retry of a deleted alert is a new alert.
    sqlx::query("DELETE FROM cso_alert_keys WHERE alert_id IN (SELECT id FROM doomed)")
        .execute(&mut *tx.connection)
        .await?;
    let done = sqlx::query("DELETE FROM alerts WHERE id IN (SELECT id FROM doomed)")
        .execute(&mut *tx.connection)
        .await?;
    Ok(done.rows_affected())
}

fn condition(sql: &mut QueryBuilder<Sqlite>, query: &AlertQuery, now: Timestamp) {
    const OWN: &str = "EXISTS (SELECT 1 FROM decisions d WHERE d.alert_decisions = a.id";
    if let Some(id) = query.id {
        sql.push(" AND a.id = ").push_bind(id);
    }
    let texts = [
        ("source_scope", &query.scope),
        ("source_value", &query.value),
        ("kind", &query.kind),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            sql.push(format!(" AND a.{column} = ")).push_bind(text.clone());
        }
    }
    if let Some(scenario) = &query.scenario {
        sql.push(" AND (a.scenario = ").push_bind(scenario.clone());
        sql.push(format!(" OR {OWN} AND d.scenario = "))
            .push_bind(scenario.clone())
            .push("))");
    }
    let times = [
        ("started_at >= ", query.since),
        ("started_at <= ", query.until),
        ("created_at <= ", query.created_before),
    ];
    for (comparison, time) in times {
        if let Some(time) = time {
            sql.push(format!(" AND a.{comparison}"))
                .push_bind(Stamp(time).text());
        }
    }
    for (column, text) in [("type", &query.decision_type), ("origin", &query.origin)] {
        if let Some(text) = text {
            sql.push(format!(" AND {OWN} AND d.{column} = "))
                .push_bind(text.clone())
                .push(")");
        }
    }
    if let Some((range, contains)) = &query.range {
        sql.push(format!(" AND {OWN} AND "));
        push_range(sql, range, *contains);
        sql.push(")");
    }
    if query.without_capi {
        sql.push(format!(
            " AND NOT {OWN} AND d.origin IN ('CAPI', 'lists')) AND NOT (NOT {OWN}) AND \
             (a.source_scope LIKE 'lists:%' OR a.source_scope = 'crowdsecurity/community-blocklist'))"
        ));
    }
    match query.has_active_decision {
        Some(true) => {
            sql.push(format!(" AND {OWN} AND d.until >= "))
                .push_bind(Stamp(now).text())
                .push(")");
        }
        Some(false) => {
            sql.push(format!(" AND NOT {OWN})"));
        }
        None => {}
    }
    if query.without_simulated {
        sql.push(" AND NOT a.simulated");
    }
}

fn text(row: &SqliteRow, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get::<Option<String>, _>(column)?.unwrap_or_default())
}

fn read_alert(row: &SqliteRow) -> Result<Alert, StoreError> {
    let number =
        |column: &str| -> Result<i32, StoreError> { Ok(row.try_get::<Option<i32>, _>(column)?.unwrap_or(0)) };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the column was written from an f32"
    )]
    let degrees = |column: &str| -> Result<f32, StoreError> {
        Ok(row.try_get::<Option<f64>, _>(column)?.unwrap_or(0.0) as f32)
    };
    let time = |column: &str| -> Result<String, StoreError> {
        Ok(rfc3339(
            Stamp::parse(&text(row, column)?).map_or(Timestamp::UNIX_EPOCH, |stamp| stamp.0),
        ))
    };
    Ok(Alert {
        capacity: number("capacity")?,
        created_at: time("created_at")?,
        events_count: number("events_count")?,
        id: row.try_get("id")?,
        kind: text(row, "kind")?,
        leakspeed: text(row, "leak_speed")?,
        machine_id: row
            .try_get::<Option<String>, _>("owner")?
            .unwrap_or_else(|| "N/A".to_owned()),
        message: text(row, "message")?,
        remediation: row.try_get::<Option<bool>, _>("remediation")?.unwrap_or(false),
        scenario: text(row, "scenario")?,
        scenario_hash: text(row, "scenario_hash")?,
        scenario_version: text(row, "scenario_version")?,
        simulated: row.try_get("simulated")?,
        source: Some(Source {
            as_name: text(row, "source_as_name")?,
            as_number: text(row, "source_as_number")?,
            cn: text(row, "source_country")?,
            ip: text(row, "source_ip")?,
            latitude: degrees("source_latitude")?,
            longitude: degrees("source_longitude")?,
            range: text(row, "source_range")?,
            scope: Some(text(row, "source_scope")?),
            value: Some(text(row, "source_value")?),
        }),
        start_at: time("started_at")?,
        stop_at: time("stopped_at")?,
        uuid: text(row, "uuid")?,
        ..Alert::default()
    })
}

/// Writes whole seconds in UTC, as Go's `time.RFC3339` does.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn read_event(row: &SqliteRow) -> Result<Event, StoreError> {
    let time: String = row.try_get(1)?;
    let at = Stamp::parse(&time).map_or(Timestamp::UNIX_EPOCH, |stamp| stamp.0);
    let serialized: String = row.try_get(2)?;
    Ok(Event {
        meta: serde_json::from_str(&serialized).unwrap_or_default(),
        timestamp: golang::time::Time::from_timestamp(at).to_go_string(),
    })
}

fn read_meta(row: &SqliteRow) -> Result<Meta, StoreError> {
    Ok(Meta {
        key: row.try_get(1)?,
        value: row.try_get(2)?,
    })
}

fn read_decision(row: &SqliteRow, now: Timestamp) -> Result<Decision, StoreError> {
    let until = Stamp::parse(&row.try_get::<Option<String>, _>(2)?.unwrap_or_default())
        .unwrap_or(Stamp(Timestamp::UNIX_EPOCH));
    Ok(Decision {
        duration: Some(remaining(until.nanoseconds(), Stamp(now).nanoseconds())),
        id: row.try_get(1)?,
        origin: Some(row.try_get(3)?),
        scenario: Some(row.try_get(4)?),
        scope: Some(row.try_get(5)?),
        simulated: Some(row.try_get(8)?),
        type_: Some(row.try_get(6)?),
        value: Some(row.try_get(7)?),
        ..Decision::default()
    })
}
