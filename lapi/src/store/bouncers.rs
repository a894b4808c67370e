//! Rows of the `bouncers` table. Upstream: `pkg/database/bouncers.go`.

use jiff::Timestamp;
use sha2::{Digest as _, Sha512};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{Store, StoreError, Tx, state};
use crate::live::{Bouncer, Change};
use crate::stamp::Stamp;

/// A bouncer as `cscli` and the admin API show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BouncerRow {
    /// Row id.
    pub id: i64,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When its row last changed.
    pub updated_at: Option<Timestamp>,
    /// Unique name.
    pub name: String,
    /// Never set by upstream, never enforced.
    pub revoked: bool,
    /// Address it pulls from; empty until its first pull.
    pub ip_address: String,
    /// Kind of bouncer.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// Last complete pull; `None` when it never pulled.
    pub last_pull: Option<Timestamp>,
    /// `api-key` or `tls`.
    pub auth_type: String,
    /// Operating system.
    pub os_name: String,
    /// Family of the operating system.
    pub os_family: String,
    /// Version of the operating system.
    pub os_version: String,
    /// Features switched on, comma-separated.
    pub feature_flags: String,
    /// Whether it was made because a known key came from a new address.
    pub auto_created: bool,
}

// Columns are always named: another program may rebuild the table while our statements are prepared.
const ALL: &str = "SELECT id, created_at, updated_at, name, api_key, revoked, ip_address, type, version, last_pull, auth_type, \
                   osname, osfamily, osversion, featureflags, auto_created FROM bouncers ORDER BY id";
const NAMED: &str = "SELECT id, created_at, updated_at, name, api_key, revoked, ip_address, type, version, last_pull, auth_type, \
                     osname, osfamily, osversion, featureflags, auto_created FROM bouncers WHERE name = ?";
const RETURNING: &str = " RETURNING id, created_at, updated_at, name, api_key, revoked, ip_address, type, version, last_pull, \
                         auth_type, osname, osfamily, osversion, featureflags, auto_created";

/// Who is made.
#[derive(Debug, Clone)]
pub struct NewBouncer {
    /// Unique name.
    pub name: String,
    /// Lower-case hex SHA-512 of its key.
    pub key_hash: String,
    /// Address; empty when not known yet.
    pub ip_address: String,
    /// `api-key` or `tls`.
    pub auth_type: &'static str,
    /// Whether nobody asked for it by name.
    pub auto_created: bool,
}

/// Returns what the `api_key` column holds for a key.
pub fn hash_key(key: &str) -> String {
    hex::encode(Sha512::digest(key.as_bytes()))
}

/// Makes a key: 32 random bytes in base64 without padding.
pub fn generate_key() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(rand::random::<[u8; 32]>())
}

impl Store {
    /// Makes a bouncer with an API key; fails when the name is taken.
    pub async fn add_bouncer(&self, name: &str, key: &str) -> Result<(), StoreError> {
        let new = NewBouncer {
            name: name.to_owned(),
            key_hash: hash_key(key),
            ip_address: String::new(),
            auth_type: "api-key",
            auto_created: false,
        };
        self.write(move |tx| Box::pin(async move { insert(tx, &new).await.map(|_id| ()) }))
            .await
    }

    /// Lists bouncers by id.
    pub async fn bouncers(&self) -> Result<Vec<BouncerRow>, StoreError> {
        match self.select_bouncers(None).await {
            Err(error) if self.mended(&error).await => self.select_bouncers(None).await,
            result => result,
        }
    }

    /// Returns a bouncer by name.
    pub async fn bouncer(&self, name: &str) -> Result<Option<BouncerRow>, StoreError> {
        let found = match self.select_bouncers(Some(name)).await {
            Err(error) if self.mended(&error).await => self.select_bouncers(Some(name)).await,
            result => result,
        };
        Ok(found?.pop())
    }

    async fn select_bouncers(&self, name: Option<&str>) -> Result<Vec<BouncerRow>, StoreError> {
        let query = match name {
            Some(name) => sqlx::query(NAMED).bind(name),
            None => sqlx::query(ALL),
        };
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }

    /// Deletes a bouncer and the ones that were made from its key; fails when there is none of that name.
    ///
    /// One that was made from another's key cannot be deleted alone: it would come back with the next pull.
    pub async fn delete_bouncer(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.write(move |tx| Box::pin(async move { delete(tx, &name).await }))
            .await
    }

    /// Deletes bouncers without a pull since `before`; returns their names.
    pub async fn prune_bouncers(&self, before: Timestamp) -> Result<Vec<String>, StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let rows = sqlx::query("DELETE FROM bouncers WHERE last_pull <= ? RETURNING id, name")
                    .bind(Stamp(before).text())
                    .fetch_all(&mut *tx.connection)
                    .await?;
                deleted(tx, &rows)
            })
        })
        .await
    }
}

fn deleted(tx: &mut Tx<'_>, rows: &[SqliteRow]) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::with_capacity(rows.len());
    for row in rows {
        tx.changes.push(Change::BouncerGone(row.try_get(0)?));
        names.push(row.try_get(1)?);
    }
    Ok(names)
}

async fn delete(tx: &mut Tx<'_>, name: &str) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT auto_created, auth_type FROM bouncers WHERE name = ?")
        .bind(name)
        .fetch_optional(&mut *tx.connection)
        .await?
        .ok_or_else(|| StoreError::Missing(format!("bouncer '{name}' does not exist")))?;
    let auth_type: String = row.try_get(1)?;
    if row.try_get::<bool, _>(0)? && auth_type == "api-key" {
        return Err(StoreError::Exists(format!(
            "bouncer '{name}' is auto-created and cannot be deleted, delete parent bouncer instead"
        )));
    }
    let rows = sqlx::query(
        "DELETE FROM bouncers WHERE name = ? OR (auto_created AND substr(name, 1, length(?) + 1) = ? || '@') RETURNING id, name",
    )
    .bind(name)
    .bind(name)
    .bind(name)
    .fetch_all(&mut *tx.connection)
    .await?;
    deleted(tx, &rows).map(drop)
}

/// Inserts a row, inside the caller's transaction; returns its id.
pub(crate) async fn insert(tx: &mut Tx<'_>, new: &NewBouncer) -> Result<i64, StoreError> {
    let now = Stamp(tx.now).text();
    let sql = "INSERT INTO bouncers (created_at, updated_at, name, api_key, revoked, ip_address, last_pull, auth_type, auto_created) \
               VALUES (?, ?, ?, ?, false, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING RETURNING \
               id, created_at, updated_at, name, api_key, revoked, ip_address, type, version, last_pull, auth_type, osname, osfamily, \
               osversion, featureflags, auto_created";
    // A table of 1.4.6 demands a last pull; "long ago" means "everything" as absence does.
    let never = if never_needs_a_time(tx.connection).await? {
        Some("0001-01-01 00:00:00+00:00")
    } else {
        None
    };
    let row = sqlx::query(sql)
        .bind(&now)
        .bind(&now)
        .bind(&new.name)
        .bind(&new.key_hash)
        .bind(&new.ip_address)
        .bind(never)
        .bind(new.auth_type)
        .bind(new.auto_created)
        .fetch_optional(&mut *tx.connection)
        .await?
        .ok_or_else(|| StoreError::Exists(format!("bouncer {} already exists", new.name)))?;
    let bouncer = live(&row)?;
    let id = bouncer.id;
    tx.changes.push(Change::Bouncer(Box::new(bouncer)));
    Ok(id)
}

async fn never_needs_a_time(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT \"notnull\" FROM pragma_table_info('bouncers') WHERE name = 'last_pull'")
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some_and(|row| row.try_get::<i64, _>(0).unwrap_or(0) != 0))
}

/// Sets columns of one row (given as `name = ?` pairs) and tells the read model.
pub(crate) async fn update(
    tx: &mut Tx<'_>,
    id: i64,
    columns: &[(&'static str, String)],
) -> Result<(), StoreError> {
    let now = Stamp(tx.now).text();
    let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new("UPDATE bouncers SET updated_at = ");
    sql.push_bind(now);
    for (column, value) in columns {
        sql.push(format!(", {column} = ")).push_bind(value.clone());
    }
    sql.push(" WHERE id = ").push_bind(id).push(RETURNING);
    if let Some(row) = sql.build().fetch_optional(&mut *tx.connection).await? {
        tx.changes.push(Change::Bouncer(Box::new(live(&row)?)));
    }
    Ok(())
}

/// Stores a cursor; the read model has it already.
pub(crate) async fn set_last_pull(tx: &mut Tx<'_>, id: i64, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("UPDATE bouncers SET last_pull = ?, updated_at = ? WHERE id = ?")
        .bind(Stamp(at).text())
        .bind(Stamp(tx.now).text())
        .bind(id)
        .execute(&mut *tx.connection)
        .await?;
    Ok(())
}

/// Stores when a bouncer last asked for single decisions, and that this is no cursor: it was not told everything.
pub(crate) async fn set_last_question(tx: &mut Tx<'_>, id: i64, at: Timestamp) -> Result<(), StoreError> {
    set_last_pull(tx, id, at).await?;
    let name = format!("{}{id}", state::ASKED);
    Ok(state::put(tx.connection, &name, &Stamp(at).text()).await?)
}

/// Reads all rows for the read model.
pub(super) async fn all_rows(connection: &mut SqliteConnection) -> Result<Vec<Bouncer>, StoreError> {
    let questions = state::questions(connection).await?;
    let rows = sqlx::query(ALL).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let bouncer = live(row)?;
            let stored: Option<String> = row.try_get("last_pull")?;
            if stored.is_some() && questions.get(&bouncer.id) == stored.as_ref() {
                return Ok(bouncer.without_cursor());
            }
            Ok(bouncer)
        })
        .collect()
}

fn live(row: &SqliteRow) -> Result<Bouncer, StoreError> {
    let all = read(row)?;
    let cursor = all.last_pull.map(|at| Stamp(at).nanoseconds());
    let mut bouncer = Bouncer::new(all.id, all.name, row.try_get("api_key")?, cursor);
    bouncer.ip_address = all.ip_address;
    bouncer.kind = all.kind;
    bouncer.version = all.version;
    bouncer.auth_type = all.auth_type;
    bouncer.auto_created = all.auto_created;
    Ok(bouncer)
}

fn read(row: &SqliteRow) -> Result<BouncerRow, StoreError> {
    let text = |column: &str| -> Result<String, StoreError> {
        Ok(row.try_get::<Option<String>, _>(column)?.unwrap_or_default())
    };
    let time = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(Stamp::parse(&text(column)?).map(|stamp| stamp.0))
    };
    Ok(BouncerRow {
        id: row.try_get("id")?,
        created_at: time("created_at")?,
        updated_at: time("updated_at")?,
        name: text("name")?,
        revoked: row.try_get("revoked")?,
        ip_address: text("ip_address")?,
        kind: text("type")?,
        version: text("version")?,
        last_pull: time("last_pull")?.filter(|at| at.as_second() > 0),
        auth_type: text("auth_type")?,
        os_name: text("osname")?,
        os_family: text("osfamily")?,
        os_version: text("osversion")?,
        feature_flags: text("featureflags")?,
        auto_created: row.try_get::<Option<bool>, _>("auto_created")?.unwrap_or(false),
    })
}

/// Makes a bouncer or gives one that is there the key (and its children the same); says whether it was made.
pub(crate) async fn put(tx: &mut Tx<'_>, new: &NewBouncer) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT id, api_key FROM bouncers WHERE name = ?")
        .bind(&new.name)
        .fetch_optional(&mut *tx.connection)
        .await?;
    let Some(row) = row else {
        return insert(tx, new).await.map(|_id| true);
    };
    let old: String = row.try_get(1)?;
    if old != new.key_hash {
        let children = sqlx::query("SELECT id FROM bouncers WHERE api_key = ? AND auth_type = 'api-key'")
            .bind(&old)
            .fetch_all(&mut *tx.connection)
            .await?;
        for child in children {
            update(tx, child.try_get(0)?, &[("api_key", new.key_hash.clone())]).await?;
        }
    }
    Ok(false)
}
