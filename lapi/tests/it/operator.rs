//! What the operator relies on: reports of agents, where alerts come from, what a machine may delete.

use serde_json::{Value, json};

use crate::{KEY, MACHINE, Running, bearer};

const REPORT: &str = r#"{"sources":[{"name":"traefik/edge","type":"traefik","files":2,"read":10,"parsed":9,
    "last_line":"2026-01-01T00:00:00Z","error":"","new":1}],"version":"1.2.3","started":"2026-01-01T00:00:00Z"}"#;

fn admin(lapi: &Running) -> String {
    bearer(&std::fs::read_to_string(lapi.folder.path().join("admin_token")).unwrap())
}

async fn report(lapi: &Running, auth: &str, body: &str) -> (u16, String) {
    let answer = lapi.send("POST", "/v1/watchers/report", &[auth], body).await;
    (answer.status, answer.text())
}

async fn status(lapi: &Running) -> Value {
    lapi.send("GET", "/admin/v1/status", &[&admin(lapi)], "")
        .await
        .json()
}

#[tokio::test]
async fn the_status_has_every_machine_with_its_last_report() {
    let lapi = Running::start().await;
    let auth = bearer(&lapi.add_machine().await);
    let before = status(&lapi).await;
    assert_eq!(
        before["nodes"],
        json!([{"machine": MACHINE, "last_heartbeat": null, "reported_at": null, "sources": []}])
    );
    assert_eq!(report(&lapi, &auth, REPORT).await, (200, String::new()));
    let node = status(&lapi).await["nodes"][0].clone();
    assert_eq!(
        node["sources"],
        json!([{"name": "traefik/edge", "type": "traefik", "files": 2, "read": 10, "parsed": 9,
            "last_line": "2026-01-01T00:00:00Z"}])
    );
    assert_eq!(
        (&node["version"], &node["started"]),
        (&json!("1.2.3"), &json!("2026-01-01T00:00:00Z"))
    );
    assert!(node["reported_at"].is_string());
}

#[tokio::test]
async fn a_report_is_taken_from_known_machines_only() {
    let lapi = Running::start().await;
    let auth = bearer(&lapi.add_machine().await);
    lapi.add_bouncer("fw").await;
    let key = format!("X-Api-Key: {KEY}");
    assert_eq!(report(&lapi, &key, REPORT).await.0, 401);
    assert_eq!(report(&lapi, &admin(&lapi), REPORT).await.0, 401);
    lapi.api.store.delete_machine(MACHINE).await.unwrap();
    assert_eq!(report(&lapi, &auth, REPORT).await.0, 403);
    assert_eq!(status(&lapi).await["nodes"], json!([]));
}

#[tokio::test]
async fn a_report_has_bounds() {
    let lapi = Running::start().await;
    let auth = bearer(&lapi.add_machine().await);
    let many = |count: usize| json!({"sources": vec![json!({"name": "x"}); count]}).to_string();
    assert_eq!(report(&lapi, &auth, &many(1000)).await.0, 200);
    let too_many = r#"{"message":"sources has 1001 entries, at most 1000 are taken"}"#;
    assert_eq!(
        report(&lapi, &auth, &many(1001)).await,
        (422, too_many.to_owned())
    );
    let long = json!({"version": "x".repeat(1025)}).to_string();
    assert_eq!(report(&lapi, &auth, &long).await.0, 422);
    assert_eq!(report(&lapi, &auth, &"x".repeat(6 << 20)).await.0, 400);
    assert_eq!(report(&lapi, &auth, "[").await.0, 400);
    let kept = status(&lapi).await["nodes"][0]["sources"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(kept, 1000);
}

#[tokio::test]
async fn reports_of_machines_that_are_gone_are_forgotten() {
    let lapi = Running::start().await;
    let auth = bearer(&lapi.add_machine().await);
    assert_eq!(report(&lapi, &auth, REPORT).await.0, 200);
    lapi.api.store.delete_machine(MACHINE).await.unwrap();
    lapi.add_machine().await;
    let node = status(&lapi).await["nodes"][0].clone();
    assert_eq!(
        (&node["machine"], &node["reported_at"], &node["sources"]),
        (&json!(MACHINE), &Value::Null, &json!([]))
    );
}

/// An alert as an agent raises it, from an address; two with the same message would be one that is sent again.
fn alert(address: &str, message: &str) -> String {
    let now = "2026-01-01T00:00:00Z";
    json!([{
        "capacity": 0, "events": [], "events_count": 1, "leakspeed": "0", "message": message, "scenario": "test/x",
        "scenario_hash": "", "scenario_version": "", "simulated": false, "start_at": now, "stop_at": now,
        "source": {"scope": "Ip", "value": address, "ip": address},
    }])
    .to_string()
}

#[tokio::test]
async fn the_status_tells_where_alerts_come_from_newest_first() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    for (address, message) in [("10.0.0.1", "one"), ("192.0.2.9", "two"), ("10.0.0.1", "three")] {
        let answer = lapi
            .send("POST", "/v1/alerts", &[&auth], &alert(address, message))
            .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    // By hand, and of a network: neither says what clients look like.
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    assert_eq!(
        status(&lapi).await["alert_sources"],
        json!([{"value": "10.0.0.1", "count": 2}, {"value": "192.0.2.9", "count": 1}])
    );
}

#[tokio::test]
async fn a_machine_without_the_right_deletes_neither_alerts_nor_decisions() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    let hash = lapi::store::machines::hash_password("pw").unwrap();
    let put = async |may: Option<bool>| {
        let mut body = json!({"password_bcrypt": hash});
        if let Some(may) = may {
            body["may_delete_decisions"] = may.into();
        }
        let path = format!("/admin/v1/machines/{MACHINE}");
        lapi.send("PUT", &path, &[&admin(&lapi)], &body.to_string())
            .await
            .status
    };
    let delete = async |path: &str| lapi.send("DELETE", path, &[&auth], "").await.status;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    assert_eq!(put(None).await, 204);
    for path in ["/v1/alerts", "/v1/alerts/1", "/v1/decisions", "/v1/decisions/1"] {
        let answer = lapi.send("DELETE", path, &[&auth], "").await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (
                403,
                r#"{"message":"machine m1 may not delete alerts and decisions"}"#
            ),
            "{path}"
        );
    }
    let machines = lapi
        .send("GET", "/admin/v1/machines", &[&admin(&lapi)], "")
        .await
        .json();
    assert_eq!(machines[0]["may_delete_decisions"], false);
    assert_eq!(put(Some(true)).await, 204);
    assert_eq!(delete("/v1/decisions/1").await, 200);
    // A machine that is made anew has upstream's rights, whatever its namesake had.
    assert_eq!(put(Some(false)).await, 204);
    lapi.api.store.delete_machine(MACHINE).await.unwrap();
    let auth = bearer(&lapi.add_machine().await);
    assert_eq!(lapi.send("DELETE", "/v1/alerts", &[&auth], "").await.status, 200);
}
