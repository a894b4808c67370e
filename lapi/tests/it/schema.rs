//! The database file: mode, schema, and what older programs leave in it.

use std::os::unix::fs::PermissionsExt as _;

use lapi::store::{Options, Store};
use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::{KEY, Running};

async fn open(path: &std::path::Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Lists what a table has; the order of columns does not matter to anyone.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<String> {
    let rows = sqlx::query("SELECT name FROM pragma_table_info(?) ORDER BY name")
        .bind(table)
        .fetch_all(connection);
    rows.await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_new_database_is_private_and_has_upstreams_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crowdsec.db");
    let store = Store::open(&Options::new(&path)).await.unwrap();
    store.close().await;
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o640
    );
    let mut connection = open(&path).await;
    let rows = sqlx::query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        names.join(" "),
        "alerts allow_list_allowlist_items allow_list_items allow_lists bouncers config_items cso_alert_keys \
         cso_limited_machines cso_state decisions events locks machines meta metrics"
    );
}

/// Rebuilds a table with fewer columns, as an old program's migration does while we are running.
const REBUILD: &str = "ALTER TABLE bouncers RENAME TO old; \
    CREATE TABLE bouncers (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, created_at datetime NULL, updated_at datetime NULL, \
    name text NOT NULL, api_key text NOT NULL, revoked bool NOT NULL, ip_address text NULL DEFAULT '', type text NULL, \
    version text NULL, until datetime NULL, last_pull datetime NOT NULL, auth_type text NOT NULL DEFAULT 'api-key'); \
    INSERT INTO bouncers SELECT id, created_at, updated_at, name, api_key, revoked, ip_address, type, version, NULL, \
    COALESCE(last_pull, created_at), auth_type FROM old; DROP TABLE old;";

#[tokio::test]
async fn a_table_rebuilt_by_an_older_program_gets_its_columns_back_and_serves_on() {
    let lapi = Running::start().await;
    lapi.add_bouncer("fw").await;
    assert_eq!(lapi.get("/v1/decisions").await.status, 200);
    let path = lapi.folder.path().join("crowdsec.db");
    let mut other = open(&path).await;
    sqlx::raw_sql(REBUILD).execute(&mut other).await.unwrap();
    assert_eq!(
        lapi.pull_from(Some("127.0.0.5"), "GET", "/v1/decisions")
            .await
            .status,
        200
    );
    let names: Vec<_> = lapi
        .api
        .store
        .bouncers()
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, ["fw", "fw@127.0.0.5"]);
    let found = columns(&mut other, "bouncers").await;
    assert!(
        found.contains(&"auto_created".to_owned()) && found.contains(&"until".to_owned()),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_another_program_writes_is_seen() {
    let lapi = Running::start().await;
    lapi.add_bouncer("fw").await;
    lapi.get("/v1/decisions/stream?startup=true").await;
    let other = Store::open(&Options::new(lapi.folder.path().join("crowdsec.db")))
        .await
        .unwrap();
    other.add_bouncer("second", "second-key").await.unwrap();
    let request =
        "GET /v1/decisions HTTP/1.1\r\nHost: a\r\nX-Api-Key: second-key\r\nConnection: close\r\n\r\n";
    assert_eq!(
        crate::http::exchange(lapi.address, None, request.as_bytes())
            .await
            .status,
        200
    );
    // A decision with a time of its own, before the cursor of the bouncer: it is told from when it is noticed.
    let mut raw = open(&lapi.folder.path().join("crowdsec.db")).await;
    sqlx::raw_sql(
        "INSERT INTO decisions (created_at, updated_at, until, scenario, type, start_ip, end_ip, start_suffix, end_suffix, ip_size, \
         scope, value, origin, simulated) VALUES ('2020-01-01 00:00:00+00:00', '2020-01-01 00:00:00+00:00', \
         '2099-01-01 00:00:00+00:00', 's', 'ban', 0, 0, 0, 0, 0, 'Country', 'FR', 'cscli', false)",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    lapi.api.store.look().await;
    let delta = lapi.get("/v1/decisions/stream?scopes=country").await.json();
    assert_eq!(delta["new"][0]["value"], "FR");
    sqlx::raw_sql("UPDATE decisions SET until = '2021-01-01 00:00:00+00:00'")
        .execute(&mut raw)
        .await
        .unwrap();
    lapi.api.store.look().await;
    let delta = lapi.get("/v1/decisions/stream?scopes=country").await.json();
    assert_eq!(delta["deleted"][0]["value"], "FR");
    other.delete_bouncer("fw").await.unwrap();
    lapi.api.store.look().await;
    let answer = lapi.pull_from(None, "GET", "/v1/decisions").await;
    assert_eq!((answer.status, KEY), (403, "probe-key"));
}

#[tokio::test]
async fn old_rows_are_flushed_but_bans_in_force_stay() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    for index in 0..10 {
        let duration = if index == 2 { "4h" } else { "1s" };
        lapi.ban(&token, "Ip", &format!("192.0.2.{index}"), "ban", duration)
            .await;
    }
    lapi.send(
        "DELETE",
        "/v1/decisions?scenario=nobody",
        &[&crate::bearer(&token)],
        "",
    )
    .await;
    for index in [0, 1, 3, 4, 5, 6, 7, 8, 9] {
        let target = format!("/v1/decisions?ip=192.0.2.{index}");
        lapi.send("DELETE", &target, &[&crate::bearer(&token)], "").await;
    }
    assert_eq!(lapi.api.store.flush_alerts(Some(5), None).await.unwrap(), 3);
    let alerts = lapi
        .send("GET", "/v1/alerts?sort=ASC", &[&crate::bearer(&token)], "")
        .await
        .json();
    let ids: Vec<_> = alerts
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| alert["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [3, 5, 6, 7, 8, 9, 10]);
    assert_eq!(
        lapi.api
            .store
            .flush_alerts(None, Some(std::time::Duration::ZERO))
            .await
            .unwrap(),
        6
    );
}
