//! Rows of the `machines` table. Upstream: `pkg/database/machines.go`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, Tx};
use crate::stamp::Stamp;

/// A machine as `cscli` and the admin API show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineRow {
    /// Row id.
    pub id: i64,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When its row last changed.
    pub updated_at: Option<Timestamp>,
    /// When it last pushed alerts.
    pub last_push: Option<Timestamp>,
    /// When it last said that it lives.
    pub last_heartbeat: Option<Timestamp>,
    /// Login.
    pub machine_id: String,
    /// bcrypt hash.
    pub password: String,
    /// Address of its last login.
    pub ip_address: String,
    /// Scenarios it runs, comma-separated.
    pub scenarios: String,
    /// Its version.
    pub version: String,
    /// Whether it may log in.
    pub is_validated: bool,
    /// `password` or `tls`.
    pub auth_type: String,
    /// Operating system.
    pub os_name: String,
    /// Family of the operating system.
    pub os_family: String,
    /// Version of the operating system.
    pub os_version: String,
    /// Features switched on, comma-separated.
    pub feature_flags: String,
    /// Installed items, JSON.
    pub hub_state: String,
    /// Datasources by type, JSON.
    pub datasources: String,
}

// Columns are always named: another program may rebuild the table while our statements are prepared.
const ALL: &str = "SELECT id, created_at, updated_at, last_push, last_heartbeat, machine_id, password, ip_address, scenarios, \
                   version, is_validated, auth_type, osname, osfamily, osversion, featureflags, hubstate, datasources \
                   FROM machines ORDER BY id";
const NAMED: &str = "SELECT id, created_at, updated_at, last_push, last_heartbeat, machine_id, password, ip_address, scenarios, \
                     version, is_validated, auth_type, osname, osfamily, osversion, featureflags, hubstate, datasources \
                     FROM machines WHERE machine_id = ?";

/// Who is made.
#[derive(Debug, Clone)]
pub struct NewMachine {
    /// Login.
    pub machine_id: String,
    /// bcrypt hash, from [`hash_password`].
    pub password_hash: String,
    /// Address; empty when made by hand.
    pub ip_address: String,
    /// Whether it may log in at once.
    pub validated: bool,
    /// Whether an existing row gets the new password instead of a refusal.
    pub force: bool,
    /// `password` or `tls`.
    pub auth_type: &'static str,
}

/// Hashes a password as upstream does (bcrypt, cost 10); slow on purpose, so never on a thread that serves.
///
/// Fails on more than 72 bytes, as Go's library does.
pub fn hash_password(password: &str) -> Result<String, StoreError> {
    if password.len() > 72 {
        return Err(StoreError::Row(
            "bcrypt: password length exceeds 72 bytes".to_owned(),
        ));
    }
    let parts = bcrypt::hash_with_result(password, 10).map_err(|error| StoreError::Row(error.to_string()))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

impl Store {
    /// Makes a machine, or with `force` replaces the password of one.
    pub async fn add_machine(&self, new: NewMachine) -> Result<(), StoreError> {
        self.write(move |tx| Box::pin(async move { insert(tx, &new).await }))
            .await
    }

    /// Makes a machine or replaces its password, and says whether it may delete alerts and decisions.
    pub async fn put_machine(&self, new: NewMachine, may_delete_decisions: bool) -> Result<(), StoreError> {
        let sql = if may_delete_decisions {
            "DELETE FROM cso_limited_machines WHERE id = (SELECT id FROM machines WHERE machine_id = ?)"
        } else {
            "INSERT OR IGNORE INTO cso_limited_machines (id) SELECT id FROM machines WHERE machine_id = ?"
        };
        self.write(move |tx| {
            Box::pin(async move {
                insert(tx, &new).await?;
                sqlx::query(sql)
                    .bind(&new.machine_id)
                    .execute(&mut *tx.connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Lists the ids of machines that may not delete alerts and decisions; all others may, as upstream's do.
    pub(crate) async fn limited_machines(&self) -> Result<BTreeSet<i64>, StoreError> {
        let ids = sqlx::query_scalar("SELECT id FROM cso_limited_machines")
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().collect())
    }

    /// Says whether a machine may delete alerts and decisions.
    pub(crate) async fn may_delete_decisions(&self, machine_id: &str) -> Result<bool, StoreError> {
        let limited: Option<i64> = sqlx::query_scalar(
            "SELECT l.id FROM cso_limited_machines l JOIN machines m ON m.id = l.id WHERE m.machine_id = ?",
        )
        .bind(machine_id)
        .fetch_optional(self.readers())
        .await?;
        Ok(limited.is_none())
    }

    /// Lists machines by id.
    pub async fn machines(&self) -> Result<Vec<MachineRow>, StoreError> {
        match self.select_machines(None).await {
            Err(error) if self.mended(&error).await => self.select_machines(None).await,
            result => result,
        }
    }

    /// Returns a machine by login.
    pub async fn machine(&self, machine_id: &str) -> Result<Option<MachineRow>, StoreError> {
        let found = match self.select_machines(Some(machine_id)).await {
            Err(error) if self.mended(&error).await => self.select_machines(Some(machine_id)).await,
            result => result,
        };
        Ok(found?.pop())
    }

    async fn select_machines(&self, machine_id: Option<&str>) -> Result<Vec<MachineRow>, StoreError> {
        let query = match machine_id {
            Some(id) => sqlx::query(NAMED).bind(id),
            None => sqlx::query(ALL),
        };
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// Deletes a machine; its alerts stay, without owner.
    pub async fn delete_machine(&self, machine_id: &str) -> Result<(), StoreError> {
        let id = machine_id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let done = sqlx::query("DELETE FROM machines WHERE machine_id = ?")
                    .bind(&id)
                    .execute(&mut *tx.connection)
                    .await?;
                // No foreign key: an old program that rebuilds its tables would leave it pointing nowhere.
                sqlx::query("DELETE FROM cso_limited_machines WHERE id NOT IN (SELECT id FROM machines)")
                    .execute(&mut *tx.connection)
                    .await?;
                found(done.rows_affected(), &id)
            })
        })
        .await
    }

    /// Allows a machine to log in.
    pub async fn validate_machine(&self, machine_id: &str) -> Result<(), StoreError> {
        self.update_machine(machine_id, vec![("is_validated", None)])
            .await
    }

    /// Deletes machines without heartbeat since `before`, or those that were never validated; returns their logins.
    pub async fn prune_machines(
        &self,
        before: Timestamp,
        only_pending: bool,
    ) -> Result<Vec<String>, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let condition = if only_pending {
                    "NOT is_validated"
                } else {
                    "COALESCE(last_heartbeat, created_at) <= ? AND is_validated"
                };
                let sql = format!("DELETE FROM machines WHERE {condition} RETURNING machine_id");
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
                if !only_pending {
                    query = query.bind(Stamp(before).text());
                }
                let rows = query.fetch_all(&mut *tx.connection).await?;
                rows.iter()
                    .map(|row| row.try_get(0).map_err(StoreError::from))
                    .collect()
            })
        })
        .await
    }

    /// Sets columns of a machine; no value stands for `true`. Fails when there is none of that login.
    pub(crate) async fn update_machine(
        &self,
        machine_id: &str,
        columns: Vec<(&'static str, Option<String>)>,
    ) -> Result<(), StoreError> {
        let id = machine_id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let count = update(tx, &id, &columns).await?;
                found(count, &id)
            })
        })
        .await
    }

    /// Notes that a machine lives; an unknown one changes nothing.
    pub(crate) async fn heartbeat(&self, machine_id: &str) -> Result<(), StoreError> {
        let id = machine_id.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query("UPDATE machines SET last_heartbeat = ? WHERE machine_id = ?")
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

fn found(count: u64, machine_id: &str) -> Result<(), StoreError> {
    if count == 0 {
        return Err(StoreError::Missing(format!("'{machine_id}' does not exist")));
    }
    Ok(())
}

/// Sets columns of a row inside the caller's transaction; returns how many rows there were.
pub(crate) async fn update(
    tx: &mut Tx<'_>,
    machine_id: &str,
    columns: &[(&'static str, Option<String>)],
) -> Result<u64, StoreError> {
    let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new("UPDATE machines SET updated_at = ");
    sql.push_bind(Stamp(tx.now).text());
    for (column, value) in columns {
        sql.push(format!(", {column} = "));
        match value {
            Some(text) => sql.push_bind(text.clone()),
            None => sql.push("true"),
        };
    }
    sql.push(" WHERE machine_id = ").push_bind(machine_id.to_owned());
    Ok(sql.build().execute(&mut *tx.connection).await?.rows_affected())
}

async fn insert(tx: &mut Tx<'_>, new: &NewMachine) -> Result<(), StoreError> {
    let now = Stamp(tx.now).text();
    let conflict = if new.force {
        "ON CONFLICT (machine_id) DO UPDATE SET password = excluded.password, updated_at = excluded.updated_at, \
         auth_type = excluded.auth_type, is_validated = max(is_validated, excluded.is_validated)"
    } else {
        "ON CONFLICT (machine_id) DO NOTHING"
    };
    let sql = format!(
        "INSERT INTO machines (created_at, updated_at, last_push, machine_id, password, ip_address, is_validated, auth_type) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) {conflict}"
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&now)
        .bind(&now)
        .bind(&now)
        .bind(&new.machine_id)
        .bind(&new.password_hash)
        .bind(&new.ip_address)
        .bind(new.validated)
        .bind(new.auth_type)
        .execute(&mut *tx.connection)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Exists(format!(
            "user '{}': user already exist",
            new.machine_id
        )));
    }
    Ok(())
}

fn read(row: &SqliteRow) -> Result<MachineRow, StoreError> {
    let text = |column: &str| -> Result<String, StoreError> {
        Ok(row.try_get::<Option<String>, _>(column)?.unwrap_or_default())
    };
    let time = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(Stamp::parse(&text(column)?).map(|stamp| stamp.0))
    };
    Ok(MachineRow {
        id: row.try_get("id")?,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
        last_push: time("last_push")?,
        last_heartbeat: time("last_heartbeat")?,
        machine_id: text("machine_id")?,
        password: text("password")?,
        ip_address: text("ip_address")?,
        scenarios: text("scenarios")?,
        version: text("version")?,
        is_validated: row.try_get("is_validated")?,
        auth_type: text("auth_type")?,
        os_name: text("osname")?,
        os_family: text("osfamily")?,
        os_version: text("osversion")?,
        feature_flags: text("featureflags")?,
        hub_state: text("hubstate")?,
        datasources: text("datasources")?,
    })
}
