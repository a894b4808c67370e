//! Brings any database of upstream's up to the schema that stands in `migrations/sqlite`; never drops anything.

use std::collections::BTreeSet;

use sqlx::{Row as _, SqliteConnection};

use super::StoreError;

const TABLES: &str = include_str!("../../migrations/sqlite/tables.sql");
const INDEXES: &str = include_str!("../../migrations/sqlite/indexes.sql");

/// Makes missing tables, columns and indexes in one transaction.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let done = change(connection).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    sqlx::raw_sql(end).execute(&mut *connection).await?;
    done
}

async fn change(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(TABLES).execute(&mut *connection).await?;
    for (table, columns) in described() {
        let present = present_columns(connection, table).await?;
        for (name, definition) in columns {
            if present.contains(name) {
                continue;
            }
            // A column added to rows that exist may not be NOT NULL without a constant default.
            let definition = if definition.contains("DEFAULT") {
                definition.replace(['(', ')'], "")
            } else {
                definition.replace("NOT NULL", "NULL")
            };
            let sql = format!("ALTER TABLE `{table}` ADD COLUMN `{definition}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut *connection)
                .await?;
        }
    }
    sqlx::raw_sql(INDEXES).execute(&mut *connection).await?;
    Ok(())
}

async fn present_columns(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<BTreeSet<String>, StoreError> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info(?)")
        .bind(table)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| row.try_get(0).map_err(StoreError::from))
        .collect()
}

/// Reads table and column definitions back out of the description, so that they stand in one place.
fn described() -> impl Iterator<Item = (&'static str, Vec<(&'static str, &'static str)>)> {
    TABLES.lines().filter_map(|line| {
        let rest = line.strip_prefix("CREATE TABLE IF NOT EXISTS `")?;
        let (table, body) = rest.split_once("` (")?;
        let body = body
            .trim_end_matches(" WITHOUT ROWID;")
            .trim_end_matches(';')
            .strip_suffix(')')?;
        let columns = body
            .split(", `")
            .filter_map(|part| {
                let part = part.trim_start_matches('`');
                let part = part.split(", CONSTRAINT").next()?.split(", PRIMARY KEY").next()?;
                let (name, kind) = part.split_once("` ")?;
                // Continuations of key lists have no type behind their name.
                let first = kind.split(' ').next()?;
                ["integer", "datetime", "text", "bool", "real", "json"]
                    .contains(&first)
                    .then_some((name, part))
            })
            .collect();
        Some((table, columns))
    })
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn every_table_is_read_back_from_the_description() {
        let tables: Vec<_> = described().collect();
        assert_eq!(tables.len(), 15);
        let bouncers = &tables.iter().find(|(table, _)| *table == "bouncers").unwrap().1;
        assert_eq!(bouncers.len(), 16);
        assert!(bouncers.contains(&("last_pull", "last_pull` datetime NULL")));
    }
}
