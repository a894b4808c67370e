//! Rows of the allowlist tables, read as a whole: they are few. Upstream: `pkg/database/allowlists.go`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};
use wire::range::Range;

use super::StoreError;
use crate::live::Allowlists;
use crate::live::allowlists::{Item, List};
use crate::stamp::Stamp;

/// Reads all lists with their items.
pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Allowlists, StoreError> {
    let items = sqlx::query(
        "SELECT j.allow_list_id, i.value, i.comment, i.created_at, i.expires_at FROM allow_list_items i \
         JOIN allow_list_allowlist_items j ON j.allow_list_item_id = i.id ORDER BY i.id",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut by_list: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for row in &items {
        let value: String = row.try_get(1)?;
        let Ok(range) = Range::parse(&value) else { continue };
        by_list.entry(row.try_get(0)?).or_default().push(Item {
            range,
            value,
            comment: row.try_get::<Option<String>, _>(2)?.unwrap_or_default(),
            created_at: time(row, 3)?.unwrap_or_default(),
            expires_at: time(row, 4)?.filter(|end| end.as_second() > 0),
        });
    }
    let rows = sqlx::query(
        "SELECT id, name, from_console, description, allowlist_id, created_at, updated_at FROM allow_lists ORDER BY name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let lists = rows
        .iter()
        .map(|row| {
            Ok(List {
                items: by_list.remove(&row.try_get(0)?).unwrap_or_default(),
                name: row.try_get(1)?,
                from_console: row.try_get(2)?,
                description: row.try_get::<Option<String>, _>(3)?.unwrap_or_default(),
                console_id: row.try_get::<Option<String>, _>(4)?.unwrap_or_default(),
                created_at: time(row, 5)?.unwrap_or_default(),
                updated_at: time(row, 6)?.unwrap_or_default(),
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Allowlists { lists })
}

fn time(row: &SqliteRow, index: usize) -> Result<Option<Timestamp>, StoreError> {
    let text: Option<String> = row.try_get(index)?;
    Ok(text.as_deref().and_then(Stamp::parse).map(|stamp| stamp.0))
}
