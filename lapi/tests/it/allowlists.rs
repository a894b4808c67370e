//! Allowlists: read over HTTP, kept by the ingest.

use crate::{Running, bearer, by_hand};

/// Writes a list as `cscli` would, from outside.
async fn add_office(lapi: &Running) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(lapi.folder.path().join("crowdsec.db"));
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
        .await
        .unwrap();
    let range = wire::range::Range::parse("192.0.2.0/24").unwrap();
    let sql = format!(
        "INSERT INTO allow_lists (created_at, updated_at, name, from_console, description) VALUES \
         ('2026-11-22 15:00:00.5+00:00', '2026-11-22 15:00:00+00:00', 'office', false, 'ours'); \
         INSERT INTO allow_list_items (created_at, updated_at, comment, value, start_ip, end_ip, start_suffix, end_suffix, ip_size) \
         VALUES ('2026-11-22 15:00:00+00:00', '2026-11-22 15:00:00+00:00', 'desk', '192.0.2.0/24', {}, {}, {}, {}, 4); \
         INSERT INTO allow_list_allowlist_items VALUES (1, 1)",
        range.start_ip, range.end_ip, range.start_suffix, range.end_suffix
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut other)
        .await
        .unwrap();
    lapi.api.store.look().await;
}

#[tokio::test]
async fn allowlists_are_read_from_their_tables() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    let get = async |target: &str| {
        let answer = lapi.send("GET", target, &[&auth], "").await;
        (answer.status, answer.text())
    };
    assert_eq!(get("/v1/allowlists").await, (200, "[]".to_owned()));
    assert_eq!(
        get("/v1/allowlists/x").await,
        (500, r#"{"message":"allowlist 'x' not found"}"#.to_owned())
    );
    assert_eq!(
        get("/v1/allowlists/check/192.0.2.1").await,
        (200, "{}".to_owned())
    );
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(lapi.folder.path().join("crowdsec.db"));
    let mut other = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options)
        .await
        .unwrap();
    let range = wire::range::Range::parse("192.0.2.0/24").unwrap();
    let sql = format!(
        "INSERT INTO allow_lists (created_at, updated_at, name, from_console, description) VALUES \
         ('2026-11-22 15:00:00.5+00:00', '2026-11-22 15:00:00+00:00', 'office', false, 'ours'); \
         INSERT INTO allow_list_items (created_at, updated_at, comment, value, start_ip, end_ip, start_suffix, end_suffix, ip_size) \
         VALUES ('2026-11-22 15:00:00+00:00', '2026-11-22 15:00:00+00:00', 'desk', '192.0.2.0/24', {}, {}, {}, {}, 4); \
         INSERT INTO allow_list_allowlist_items VALUES (1, 1)",
        range.start_ip, range.end_ip, range.start_suffix, range.end_suffix
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut other)
        .await
        .unwrap();
    lapi.api.store.look().await;
    let list = |items: &str| {
        format!(
            r#"{{"created_at":"2026-11-22T15:00:00.500Z","description":"ours","items":[{items}],"name":"office","updated_at":"2026-11-22T15:00:00.000Z"}}"#
        )
    };
    let item = r#"{"created_at":"2026-11-22T15:00:00.000Z","description":"desk","expiration":"0001-01-01T00:00:00.000Z","value":"192.0.2.0/24"}"#;
    assert_eq!(get("/v1/allowlists").await, (200, format!("[{}]", list(""))));
    assert_eq!(
        get("/v1/allowlists/office?with_content=true").await,
        (200, list(item))
    );
}

#[tokio::test]
async fn addresses_are_checked_one_by_one_and_together() {
    let lapi = Running::start().await;
    let auth = bearer(&lapi.add_machine().await);
    add_office(&lapi).await;
    let get = async |target: &str| {
        let answer = lapi.send("GET", target, &[&auth], "").await;
        (answer.status, answer.text())
    };
    let reason = "192.0.2.0/24 from office (desk)";
    assert_eq!(
        get("/v1/allowlists/check/192.0.2.0%2F25").await,
        (200, format!(r#"{{"allowlisted":true,"reason":"{reason}"}}"#))
    );
    assert_eq!(
        lapi.send("HEAD", "/v1/allowlists/check/192.0.2.1", &[&auth], "")
            .await
            .status,
        200
    );
    assert_eq!(
        lapi.send("HEAD", "/v1/allowlists/check/203.0.113.1", &[&auth], "")
            .await
            .status,
        204
    );
    let many = lapi
        .send(
            "POST",
            "/v1/allowlists/check",
            &[&auth],
            r#"{"targets":["203.0.113.1","192.0.2.1"]}"#,
        )
        .await;
    assert_eq!(
        many.text(),
        format!(r#"{{"results":[{{"allowlists":["{reason}"],"target":"192.0.2.1"}}]}}"#)
    );
    let empty = lapi
        .send("POST", "/v1/allowlists/check", &[&auth], r#"{"targets":[]}"#)
        .await;
    assert_eq!(
        (empty.status, empty.text().as_str()),
        (400, r#"{"message":"targets list cannot be empty"}"#)
    );
}

#[tokio::test]
async fn an_alert_about_an_allowlisted_source_is_dropped_unless_cscli_decided() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    add_office(&lapi).await;
    // An alert about it is dropped unless it carries decisions.
    let alert = by_hand("Ip", "192.0.2.1", "ban", "1h");
    let mut bare: serde_json::Value = serde_json::from_str(&alert).unwrap();
    bare[0]["decisions"] = serde_json::Value::Null;
    let post = async |body: &str| lapi.send("POST", "/v1/alerts", &[&auth], body).await.text();
    assert_eq!(post(&bare.to_string()).await, "[]");
    assert_eq!(post(&alert).await, r#"["1"]"#);
}
