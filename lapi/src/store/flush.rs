//! What is deleted by itself, once a minute. Upstream: `pkg/database/flush.go`.

use jiff::{SignedDuration, Timestamp};

use super::alerts::query::{clear_doomed, delete_doomed};
use super::{Store, StoreError, Tx};
use crate::live::Change;
use crate::stamp::Stamp;
use sqlx::Row as _;

/// How long retried alerts are recognised; older keys go.
const KEYS: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Deletes orphans, old alerts and alerts beyond the count, except those with a decision in force.
    ///
    /// `max_items` counts ids, as upstream does: what lies that far below the newest alert goes.
    pub async fn flush_alerts(
        &self,
        max_items: Option<u64>,
        max_age: Option<std::time::Duration>,
    ) -> Result<u64, StoreError> {
        self.write(move |tx| Box::pin(async move { flush_alerts(tx, max_items, max_age).await }))
            .await
    }

    /// Forgets alerts that are too old to be retried; needed whether or not anything is flushed.
    pub async fn forget_retries(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM cso_alert_keys WHERE created_at <= ?")
                    .bind(before(tx.now, KEYS))
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Deletes reports, expired allowlist items and silent machines and bouncers as configured.
    pub async fn flush_others(&self, settings: config::resolved::Flush) -> Result<(), StoreError> {
        self.write(move |tx| Box::pin(async move { flush_others(tx, &settings).await }))
            .await
    }
}

async fn flush_alerts(
    tx: &mut Tx<'_>,
    max_items: Option<u64>,
    max_age: Option<std::time::Duration>,
) -> Result<u64, StoreError> {
    let now = Stamp(tx.now).text();
    sqlx::query("DELETE FROM events WHERE alert_events IS NULL")
        .execute(&mut *tx.connection)
        .await?;
    sqlx::query("DELETE FROM decisions WHERE alert_decisions IS NULL AND until <= ?")
        .bind(&now)
        .execute(&mut *tx.connection)
        .await?;
    clear_doomed(tx).await?;
    if let Some(age) = max_age {
        let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        sqlx::query(
            "INSERT OR IGNORE INTO doomed SELECT a.id FROM alerts a WHERE a.created_at <= ? AND NOT EXISTS \
             (SELECT 1 FROM decisions d WHERE d.alert_decisions = a.id AND d.until >= ?)",
        )
        .bind(before(tx.now, age))
        .bind(&now)
        .execute(&mut *tx.connection)
        .await?;
    }
    if let Some(items) = max_items {
        sqlx::query(
            "INSERT OR IGNORE INTO doomed SELECT a.id FROM alerts a WHERE \
             a.id < (SELECT id FROM alerts ORDER BY created_at DESC, id DESC LIMIT 1) - ? AND NOT EXISTS \
             (SELECT 1 FROM decisions d WHERE d.alert_decisions = a.id AND d.until >= ?)",
        )
        .bind(i64::try_from(items).unwrap_or(i64::MAX))
        .bind(&now)
        .execute(&mut *tx.connection)
        .await?;
    }
    delete_doomed(tx).await
}

fn before(now: Timestamp, age: SignedDuration) -> String {
    Stamp(now.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH)).text()
}

fn ago(now: Timestamp, age: std::time::Duration) -> String {
    before(now, SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX))
}

async fn flush_others(tx: &mut Tx<'_>, settings: &config::resolved::Flush) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM metrics WHERE received_at <= ?")
        .bind(ago(tx.now, settings.metrics_max_age))
        .execute(&mut *tx.connection)
        .await?;
    sqlx::query("DELETE FROM allow_list_items WHERE expires_at IS NOT NULL AND expires_at <= ? AND expires_at > '1970'")
        .bind(Stamp(tx.now).text())
        .execute(&mut *tx.connection)
        .await?;
    let machines = [
        ("tls", settings.machines.certificate),
        ("password", settings.machines.secret),
    ];
    for (auth, age) in machines {
        let Some(age) = age else { continue };
        sqlx::query(
            "DELETE FROM machines WHERE last_heartbeat <= ? AND auth_type = ? AND ip_address NOT IN ('127.0.0.1', '::1') \
             AND NOT EXISTS (SELECT 1 FROM alerts WHERE machine_alerts = machines.id)",
        )
        .bind(ago(tx.now, age))
        .bind(auth)
        .execute(&mut *tx.connection)
        .await?;
    }
    let bouncers = [
        ("tls", settings.bouncers.certificate),
        ("api-key", settings.bouncers.secret),
    ];
    for (auth, age) in bouncers {
        let Some(age) = age else { continue };
        let rows = sqlx::query(
            "DELETE FROM bouncers WHERE last_pull <= ? AND last_pull > '1970' AND auth_type = ? RETURNING id",
        )
        .bind(ago(tx.now, age))
        .bind(auth)
        .fetch_all(&mut *tx.connection)
        .await?;
        for row in rows {
            tx.changes.push(Change::BouncerGone(row.try_get(0)?));
        }
    }
    Ok(())
}
