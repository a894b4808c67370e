//! What bouncers are told, and that they are told everything.

use crate::Running;
use crate::http::Response;

fn values(answer: &Response, part: &str) -> Vec<String> {
    let json = answer.json();
    let items = json[part]
        .as_array()
        .unwrap_or_else(|| panic!("{part} is no array: {json}"))
        .clone();
    items
        .iter()
        .map(|item| item["value"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_ban_and_its_end_reach_a_bouncer_once_each_way() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    assert_eq!(
        lapi.get("/v1/decisions/stream?startup=true").await.text(),
        r#"{"new": [], "deleted": []}"#
    );
    assert_eq!(
        lapi.ban(&token, "ip", "192.0.2.1", "ban", "4h").await.text(),
        r#"["1"]"#
    );
    let first = lapi.get("/v1/decisions/stream").await;
    assert_eq!(values(&first, "new"), ["192.0.2.1"]);
    assert_eq!(
        values(&lapi.get("/v1/decisions/stream").await, "new"),
        Vec::<String>::new()
    );
    let answer = lapi
        .send(
            "DELETE",
            "/v1/decisions?ip=192.0.2.1",
            &[&crate::bearer(&token)],
            "",
        )
        .await;
    assert_eq!(answer.text(), r#"{"nbDeleted":"1"}"#);
    let second = lapi.get("/v1/decisions/stream?").await;
    assert_eq!(values(&second, "deleted"), ["192.0.2.1"]);
    assert_eq!(first.json()["new"][0]["id"], second.json()["deleted"][0]["id"]);
    assert_eq!(first.json()["new"][0]["scope"], "Ip");
    assert_eq!(lapi.get("/v1/decisions?ip=192.0.2.1").await.text(), "null");
}

#[tokio::test]
async fn one_key_from_two_addresses_has_two_cursors() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("shared").await;
    for source in ["127.0.0.1", "127.0.0.2"] {
        lapi.pull_from(Some(source), "GET", "/v1/decisions/stream?startup=true")
            .await;
    }
    lapi.ban(&token, "Ip", "192.0.2.7", "ban", "4h").await;
    for source in ["127.0.0.1", "127.0.0.2"] {
        for expected in [1, 0] {
            let answer = lapi.pull_from(Some(source), "GET", "/v1/decisions/stream").await;
            assert_eq!(values(&answer, "new").len(), expected, "{source}");
        }
    }
    let names: Vec<_> = lapi
        .api
        .store
        .bouncers()
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, ["shared", "shared@127.0.0.2"]);
}

#[tokio::test]
async fn cursors_and_decisions_survive_a_restart() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    assert_eq!(values(&lapi.get("/v1/decisions/stream").await, "new").len(), 1);
    let folder = lapi.stop().await;
    let lapi = Running::start_in(folder, |_| {}).await;
    assert_eq!(values(&lapi.get("/v1/decisions/stream").await, "new").len(), 0);
    assert_eq!(
        values(&lapi.get("/v1/decisions/stream?startup=true").await, "new").len(),
        1
    );
    // The token of before is still good: the secret is kept beside the database.
    let answer = lapi
        .send("GET", "/v1/heartbeat", &[&crate::bearer(&token)], "")
        .await;
    assert_eq!((answer.status, answer.version.as_str()), (200, "HTTP/1.1"));
}

#[tokio::test]
async fn active_decisions_are_counted_in_the_metrics() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    let text = String::from_utf8(lapi.metrics.text().await.unwrap()).unwrap();
    for line in [
        r#"cs_active_decisions{action="ban",origin="cscli",reason="manual 'ban' from 'm1'"} 1"#,
        r#"cs_alerts{reason="manual 'ban' from 'm1'"} 1"#,
        r#"cs_lapi_machine_requests_total{machine="m1",method="POST",route="/v1/alerts"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_question_for_single_decisions_is_no_pull_even_after_a_restart() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.add_bouncer("fw").await;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    assert_eq!(lapi.get("/v1/decisions?ip=192.0.2.1").await.status, 200);
    let lapi = Running::start_in(lapi.stop().await, |_| {}).await;
    assert!(
        lapi.api
            .store
            .bouncer("fw")
            .await
            .unwrap()
            .unwrap()
            .last_pull
            .is_some()
    );
    assert_eq!(
        values(&lapi.get("/v1/decisions/stream").await, "new"),
        ["192.0.2.1"]
    );
    assert_eq!(
        values(&lapi.get("/v1/decisions/stream").await, "new"),
        Vec::<String>::new()
    );
}
