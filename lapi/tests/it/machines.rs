//! Machines: registration, login, tokens; alerts as they read them back; the admin interface.

use config::Secret;
use config::resolved::AutoRegistration;

use crate::{KEY, MACHINE, Running, bearer, by_hand};

const AGENT: &str = "User-Agent: crowdsec/v1";

#[tokio::test]
async fn registration_answers_as_upstream() {
    let token = "t".repeat(32);
    let lapi = Running::start_with(|settings| {
        settings.server.auto_registration = Some(AutoRegistration {
            token: Secret::new("t".repeat(32)),
            allowed_ranges: vec!["127.0.0.1/32".parse().unwrap()],
        });
    })
    .await;
    let check = async |body: &str, status: u16, expected: &str| {
        let answer = lapi.send("POST", "/v1/watchers", &[], body).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, expected),
            "{body}"
        );
    };
    check(r#"{"machine_id":"m1","password":"pw"}"#, 201, "").await;
    check(
        r#"{"machine_id":"m1","password":"pw"}"#,
        403,
        r#"{"message":"user 'm1': user already exist"}"#,
    )
    .await;
    check(
        r#"{"machine_id":"m2"}"#,
        422,
        r#"{"message":"validation failure list:\npassword in body is required"}"#,
    )
    .await;
    check(
        r#"{"machine_id":"m2","password":"pw","registration_token":"short"}"#,
        422,
        r#"{"message":"validation failure list:\nregistration_token in body should be at least 32 chars long"}"#,
    )
    .await;
    check("{", 400, r#"{"message":"unexpected EOF"}"#).await;
    let with =
        |token: &str| format!(r#"{{"machine_id":"m3","password":"pw","registration_token":"{token}"}}"#);
    check(
        &with(&"x".repeat(32)),
        401,
        r#"{"message":"invalid token for auto registration"}"#,
    )
    .await;
    check(&with(&token), 202, "").await;
    assert!(lapi.api.store.machine("m3").await.unwrap().unwrap().is_validated);
    check(
        &format!(r#"{{"machine_id":"m4","password":"{}"}}"#, "p".repeat(73)),
        400,
        r#"{"message":"database row: bcrypt: password length exceeds 72 bytes"}"#,
    )
    .await;
}

#[tokio::test]
async fn login_answers_as_upstream() {
    let lapi = Running::start().await;
    lapi.add_machine().await;
    lapi.send(
        "POST",
        "/v1/watchers",
        &[],
        r#"{"machine_id":"m2","password":"pw"}"#,
    )
    .await;
    let check = async |agent: &str, body: &str, expected: &str| {
        let answer = lapi.send("POST", "/v1/watchers/login", &[agent], body).await;
        assert_eq!(answer.status, 401, "{body}");
        assert_eq!(
            answer.text(),
            format!(r#"{{"code":401,"message":"{expected}"}}"#),
            "{body}"
        );
        assert_eq!(
            answer.header("www-authenticate"),
            Some("JWT realm=Crowdsec API local")
        );
    };
    let right = r#"{"machine_id":"m1","password":"pw","scenarios":["a","b"]}"#;
    check(
        AGENT,
        r#"{"machine_id":"m1","password":"no"}"#,
        "incorrect Username or Password",
    )
    .await;
    check(
        AGENT,
        r#"{"machine_id":"mx","password":"no"}"#,
        "ent: machine not found",
    )
    .await;
    check(
        AGENT,
        r#"{"machine_id":"m2","password":"pw"}"#,
        "machine m2 not validated",
    )
    .await;
    check(
        AGENT,
        r#"{"machine_id":"m1"}"#,
        r"validation failure list:\npassword in body is required",
    )
    .await;
    check(AGENT, "[", "missing: unexpected EOF").await;
    check("User-Agent: noslash", right, "incorrect Username or Password").await;
    assert_eq!(
        lapi.api.store.machine(MACHINE).await.unwrap().unwrap().scenarios,
        "a,b"
    );
    let answer = lapi.send("POST", "/v1/watchers/login", &[AGENT], right).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (200, Some(200)));
    let expire = answer.json()["expire"].as_str().unwrap().to_owned();
    assert!(
        expire.parse::<jiff::Timestamp>().is_ok() && expire.len() == 20,
        "{expire}"
    );
}

#[tokio::test]
async fn a_token_lets_a_machine_live_renew_and_leave() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    assert_eq!(lapi.send("GET", "/v1/heartbeat", &[&auth], "").await.status, 200);
    assert!(
        lapi.api
            .store
            .machine(MACHINE)
            .await
            .unwrap()
            .unwrap()
            .last_heartbeat
            .is_some()
    );
    let cookie = format!("Cookie: jwt={token}");
    let renewed = lapi.send("GET", "/v1/refresh_token", &[&cookie], "").await;
    assert_eq!(renewed.status, 200);
    assert_eq!(
        lapi.send("DELETE", "/v1/watchers/self", &[&auth], "")
            .await
            .status,
        204
    );
    let again = lapi.send("DELETE", "/v1/watchers/self", &[&auth], "").await;
    assert_eq!(
        (again.status, again.text().as_str()),
        (500, r#"{"message":"'m1' does not exist"}"#)
    );
    // A token outlives its machine; its alerts have no owner.
    assert_eq!(lapi.send("GET", "/v1/heartbeat", &[&auth], "").await.status, 200);
    assert_eq!(lapi.ban(&token, "Ip", "192.0.2.1", "ban", "1h").await.status, 201);
    let alerts = lapi.send("GET", "/v1/alerts", &[&auth], "").await.json();
    assert_eq!(alerts[0]["machine_id"], "N/A");
    for (header, message) in [
        ("Authorization: Basic x", "cookie token is empty"),
        (
            "Authorization: Bearer x",
            "token contains an invalid number of segments",
        ),
        ("Authorization: Bearer a.b.c", "illegal base64 data"),
    ] {
        let answer = lapi.send("GET", "/v1/heartbeat", &[header], "").await;
        assert_eq!(answer.text(), format!(r#"{{"code":401,"message":"{message}"}}"#));
    }
}

#[tokio::test]
async fn an_alert_reads_back_to_the_byte() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let body = r#"[{"capacity":5,"decisions":null,"events":[{"timestamp":"2026-11-22T15:00:00Z","meta":[{"key":"log_type","value":"<x>"}]}],
        "Events_count":6,"labels":null,"leakspeed":"10s","message":"m","meta":[{"key":"k","value":"[\"v\"]"}],"scenario":"a/b",
        "scenario_hash":"h","scenario_version":"0.1","simulated":false,"remediation":true,"kind":"crowdsec",
        "source":{"scope":"ip","value":"192.0.2.1","ip":"192.0.2.1","cn":"FR","latitude":48.5,"longitude":2},
        "start_at":"2026-11-22T15:00:00+05:00","stop_at":"2026-11-22T15:00:10Z"}]"#;
    let answer = lapi.send("POST", "/v1/alerts", &[&bearer(&token)], body).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, r#"["1"]"#));
    // The same alert again, as after a lost answer: the first id, nothing new.
    assert_eq!(
        lapi.send("POST", "/v1/alerts", &[&bearer(&token)], body)
            .await
            .text(),
        r#"["1"]"#
    );
    let answer = lapi.send("GET", "/v1/alerts/1", &[&bearer(&token)], "").await;
    let json = answer.json();
    let (created, uuid) = (
        json["created_at"].as_str().unwrap(),
        json["uuid"].as_str().unwrap(),
    );
    let expected = format!(
        r#"{{"capacity":5,"created_at":"{created}","decisions":null,"events":[{{"meta":[{{"key":"log_type","value":"\u003cx\u003e"}}],"timestamp":"2026-11-22 15:00:00 +0000 UTC"}}],"events_count":6,"id":1,"kind":"crowdsec","labels":null,"leakspeed":"10s","machine_id":"m1","message":"m","meta":[{{"key":"k","value":"[\"v\"]"}}],"remediation":true,"scenario":"a/b","scenario_hash":"h","scenario_version":"0.1","simulated":false,"source":{{"cn":"FR","ip":"192.0.2.1","latitude":48.5,"longitude":2,"scope":"Ip","value":"192.0.2.1"}},"start_at":"2026-11-22T10:00:00Z","stop_at":"2026-11-22T15:00:10Z","uuid":"{uuid}"}}"#
    );
    assert_eq!(answer.text(), expected);
    let missing = lapi.send("GET", "/v1/alerts/2", &[&bearer(&token)], "").await;
    assert_eq!(
        (missing.status, missing.text().as_str()),
        (404, r#"{"message":"object not found"}"#)
    );
}

#[tokio::test]
async fn alert_filters_select_and_refuse_as_upstream() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    lapi.ban(&token, "Range", "198.51.100.0/24", "captcha", "4h")
        .await;
    let auth = bearer(&token);
    let check = async |query: &str, status: u16, expected: &str| {
        let answer = lapi
            .send("GET", &format!("/v1/alerts?{query}"), &[&auth], "")
            .await;
        let ids = match (answer.status, answer.text().as_str()) {
            (200, "null") => "null".to_owned(),
            (200, _) => {
                let json = answer.json();
                let ids = json
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|alert| alert["id"].to_string());
                ids.collect::<Vec<_>>().join(" ")
            }
            (_, text) => text.to_owned(),
        };
        assert_eq!((answer.status, ids.trim()), (status, expected), "{query}");
    };
    check("", 200, "2 1").await;
    check("sort=ASC", 200, "1 2").await;
    check("limit=1", 200, "2").await;
    check("ip=192.0.2.1", 200, "1").await;
    check("ip=198.51.100.9", 200, "2").await;
    check("range=198.51.0.0/16&contains=false", 200, "2").await;
    check("scope=range", 200, "2").await;
    check("decision_type=captcha", 200, "2").await;
    check("has_active_decision=true&include_capi=false", 200, "2 1").await;
    check("has_active_decision=false", 200, "null").await;
    check("since=1h", 200, "2 1").await;
    check("until=1h", 200, "null").await;
    check("origin=CAPI", 200, "null").await;
    check(
        "foo=1",
        500,
        r#"{"message":"filter parameter 'foo' is unknown (=1): invalid filter"}"#,
    )
    .await;
    check("ip=zz", 500, r#"{"message":"invalid ip address 'zz'"}"#).await;
    check(
        "since=zz",
        500,
        r#"{"message":"while parsing duration: time: invalid duration \"zz\""}"#,
    )
    .await;
    check(
        "limit=zz",
        500,
        r#"{"message":"bad limit in parameters: [zz]: unable to query"}"#,
    )
    .await;
    check(
        "has_active_decision=zz",
        500,
        r#"{"message":"'zz' is not a boolean: strconv.ParseBool: parsing \"zz\": invalid syntax: unable to parse type"}"#,
    )
    .await;
}

#[tokio::test]
async fn alerts_are_deleted_from_trusted_addresses_only() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    lapi.ban(&token, "Ip", "192.0.2.1", "ban", "4h").await;
    lapi.ban(&token, "Ip", "192.0.2.2", "ban", "4h").await;
    let auth = bearer(&token);
    let from_afar = format!("DELETE /v1/alerts HTTP/1.1\r\nHost: a\r\n{auth}\r\nConnection: close\r\n\r\n");
    let answer = crate::http::exchange(lapi.address, Some("127.0.0.2"), from_afar.as_bytes()).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (403, r#"{"message":"access forbidden from this IP (127.0.0.2)"}"#)
    );
    let all = lapi.send("DELETE", "/v1/alerts", &[&auth], "").await;
    assert_eq!(all.text(), r#"{"nbDeleted":"2"}"#);
    assert_eq!(lapi.send("GET", "/v1/alerts", &[&auth], "").await.text(), "null");
}

#[tokio::test]
async fn one_bad_alert_harms_no_other() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let good: serde_json::Value = serde_json::from_str(&by_hand("Ip", "192.0.2.1", "ban", "1h")).unwrap();
    let bad: serde_json::Value = serde_json::from_str(&by_hand("Ip", "not an address", "ban", "1h")).unwrap();
    let body = serde_json::json!([bad[0], good[0]]).to_string();
    let answer = lapi.send("POST", "/v1/alerts", &[&bearer(&token)], &body).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, r#"["1"]"#));
    let object = lapi.send("POST", "/v1/alerts", &[&bearer(&token)], "{}").await;
    assert_eq!(
        (object.status, object.text().as_str()),
        (
            400,
            r#"{"message":"json: cannot unmarshal object into Go value of type models.AddAlertsRequest"}"#
        )
    );
    let lacking = lapi.send("POST", "/v1/alerts", &[&bearer(&token)], "[{}]").await;
    assert!(
        lacking.status == 500
            && lacking
                .text()
                .starts_with(r#"{"message":"validation failure list:\n0.capacity in body is required\n"#)
    );
}

#[tokio::test]
async fn the_admin_interface_is_idempotent_and_closed_to_others() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let admin = std::fs::read_to_string(lapi.folder.path().join("admin_token")).unwrap();
    let auth = bearer(&admin);
    let body = format!(r#"{{"key_sha512":"{}"}}"#, lapi::store::bouncers::hash_key(KEY));
    for status in [201, 204, 204] {
        assert_eq!(
            lapi.send("PUT", "/admin/v1/bouncers/edge", &[&auth], &body)
                .await
                .status,
            status
        );
    }
    assert_eq!(lapi.get("/v1/decisions").await.text(), "null");
    let state = lapi
        .send("GET", "/admin/v1/bouncers/edge", &[&auth], "")
        .await
        .json();
    assert_eq!(
        (state["ip_address"].as_str(), state["auth_type"].as_str()),
        (Some("127.0.0.1"), Some("api-key"))
    );
    let other = format!(
        r#"{{"key_sha512":"{}"}}"#,
        lapi::store::bouncers::hash_key("other")
    );
    assert_eq!(
        lapi.send("PUT", "/admin/v1/bouncers/edge", &[&auth], &other)
            .await
            .status,
        204
    );
    assert_eq!(lapi.get("/v1/decisions").await.status, 403);
    for _ in 0..2 {
        assert_eq!(
            lapi.send("DELETE", "/admin/v1/bouncers/edge", &[&auth], "")
                .await
                .status,
            204
        );
    }
    assert_eq!(
        lapi.send("GET", "/admin/v1/bouncers", &[&auth], "").await.text(),
        "[]"
    );
    assert_eq!(
        lapi.send("GET", "/admin/v1/status", &[&auth], "").await.json()["machines"],
        1
    );
    let machine = bearer(&token);
    for (headers, status) in [
        (vec![machine.as_str()], 403),
        (vec!["X-Api-Key: probe-key"], 403),
        (vec![], 401),
    ] {
        assert_eq!(
            lapi.send("GET", "/admin/v1/bouncers", &headers, "").await.status,
            status
        );
    }
    let bad = lapi
        .send("PUT", "/admin/v1/bouncers/x", &[&auth], r#"{"key":"plain"}"#)
        .await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn an_admin_token_from_the_environment_leaves_no_file() {
    let token = "t".repeat(32);
    let lapi = Running::start_with(|settings| settings.admin_token = Some(Secret::new("t".repeat(32)))).await;
    assert!(!lapi.folder.path().join("admin_token").exists());
    let status = async |token: &str| {
        lapi.send("GET", "/admin/v1/status", &[&bearer(token)], "")
            .await
            .status
    };
    assert_eq!(status(&token).await, 200);
    assert_eq!(status("other").await, 403);
}

#[tokio::test]
async fn an_agents_report_is_stored_with_what_it_says_about_the_agent() {
    let lapi = Running::start().await;
    let token = lapi.add_machine().await;
    let auth = bearer(&token);
    let report = r#"{"version":"v1.7","utc_startup_timestamp":1,"os":{"name":"debian","version":"12","family":"linux"},"feature_flags":["a","b"],
        "metrics":[{"meta":{"window_size_seconds":1800,"utc_now_timestamp":2},"items":[{"name":"read","value":3,"unit":"line"}]}],
        "hub_items":{"parsers":[{"name":"p","version":"1","status":"official"}]},"datasources":{"file":2}}"#;
    let check = async |body: &str, status: u16, expected: &str| {
        let answer = lapi.send("POST", "/v1/usage-metrics", &[&auth], body).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, expected),
            "{body}"
        );
    };
    check(&format!(r#"{{"log_processors":[{report}]}}"#), 201, "").await;
    check("{}", 400, r#"{"message":"Missing log processor data"}"#).await;
    check(
        &format!(r#"{{"log_processors":[{report},{report}]}}"#),
        400,
        r#"{"message":"Payload has more than one log processor"}"#,
    )
    .await;
    let machine = lapi.api.store.machine(MACHINE).await.unwrap().unwrap();
    assert_eq!(
        (machine.version.as_str(), machine.feature_flags.as_str()),
        ("v1.7", "a,b")
    );
    assert_eq!(
        (machine.os_name.as_str(), machine.datasources.as_str()),
        ("debian", r#"{"file":2}"#)
    );
    let rows = lapi.api.store.usage().await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].kind.as_str(), rows[0].by.as_str()),
        (1, "LP", MACHINE)
    );
    assert_eq!(
        rows[0].payload,
        r#"{"metrics":[{"items":[{"name":"read","unit":"line","value":3}],"meta":{"utc_now_timestamp":2,"window_size_seconds":1800}}]}"#
    );
    // Without a header the user agent tells who asks.
    let agent = lapi.send("POST", "/v1/usage-metrics", &[AGENT], "{}").await;
    assert_eq!(
        (agent.status, agent.text().as_str()),
        (401, r#"{"code":401,"message":"cookie token is empty"}"#)
    );
    assert_eq!(
        lapi.send("POST", "/v1/usage-metrics", &[], "{}").await.status,
        403
    );
}
