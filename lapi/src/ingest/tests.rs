//! What becomes of alerts under profiles and allowlists.

use std::path::PathBuf;

use config::resolved::{DecisionTemplate, OnError, OnSuccess, Profile};
use expr::NoHost;
use wire::alert::Source;

use super::*;
use crate::live::allowlists::{Item, List};

const NOW: &str = "2026-11-22T15:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn alert(scope: &str, value: &str) -> Alert {
    Alert {
        scenario: "test/scan".to_owned(),
        remediation: true,
        start_at: "2026-11-22T14:00:00+02:00".to_owned(),
        stop_at: "2026-11-22T14:30:00Z".to_owned(),
        source: Some(Source {
            scope: Some(scope.to_owned()),
            value: Some(value.to_owned()),
            ..Source::default()
        }),
        ..Alert::default()
    }
}

fn profile(filter: &str, kind: &str) -> Profile {
    Profile {
        name: kind.to_owned(),
        debug: false,
        filters: vec![filter.to_owned()],
        decisions: vec![DecisionTemplate {
            kind: kind.to_owned(),
            duration: "4h".to_owned(),
            length: std::time::Duration::from_secs(4 * 3600),
            scope: None,
            origin: None,
            simulated: false,
        }],
        duration_expr: None,
        on_success: OnSuccess::Continue,
        on_failure: None,
        on_error: OnError::Refuse,
        notifications: vec![format!("notify-{kind}")],
        file: PathBuf::from("profiles.yaml"),
        line: 1,
    }
}

fn run(alert: Alert, profiles: Vec<Profile>) -> Result<Verdict, ProfileError> {
    let profiles = Profiles::compile(profiles).map_err(|mut problems| problems.remove(0))?;
    decide(alert, "m1", &profiles, &Allowlists::default(), &NoHost, now())
}

fn stored(alert: Alert, profiles: Vec<Profile>) -> Draft {
    match run(alert, profiles).unwrap() {
        Verdict::Store(draft) => *draft,
        Verdict::Drop(reason) => panic!("dropped: {reason}"),
    }
}

/// Kinds and ends of what is stored, and who is told.
fn summary(draft: &Draft) -> String {
    let decisions = draft
        .decisions
        .iter()
        .map(|one| format!("{} {} until {}", one.kind, one.value, one.until));
    format!(
        "{} | {}",
        decisions.collect::<Vec<_>>().join(", "),
        draft.notifications.join(", ")
    )
}

#[test]
fn a_matching_profile_bans_from_the_overflow_on() {
    let draft = stored(
        alert("ip", "192.0.2.1"),
        vec![profile(
            r#"Alert.Remediation == true && Alert.GetScope() == "Ip""#,
            "ban",
        )],
    );
    assert_eq!(
        summary(&draft),
        "ban 192.0.2.1 until 2026-11-22T18:30:00Z | notify-ban"
    );
    let one = &draft.decisions[0];
    assert_eq!(
        (one.origin.as_str(), one.scenario.as_str(), one.scope.as_str()),
        ("crowdsec", "test/scan", "Ip")
    );
    assert_eq!(draft.started_at.to_string(), "2026-11-22T12:00:00Z");
    assert!(draft.content_key.is_some() && draft.alert.machine_id == "m1");
}

#[test]
fn the_first_profile_decides_and_later_ones_still_notify() {
    let two = || vec![profile("true", "ban"), profile("true", "captcha")];
    let draft = stored(alert("Ip", "192.0.2.1"), two());
    assert_eq!(
        summary(&draft),
        "ban 192.0.2.1 until 2026-11-22T18:30:00Z | notify-ban, notify-captcha"
    );
    let mut stopping = two();
    stopping[0].on_success = OnSuccess::Break;
    let draft = stored(alert("Ip", "192.0.2.1"), stopping);
    assert_eq!(draft.notifications, ["notify-ban"]);
}

#[test]
fn each_true_filter_gives_the_decisions_again() {
    let mut double = profile("true", "ban");
    double.filters.push("Alert.Scenario contains \"scan\"".to_owned());
    assert_eq!(stored(alert("Ip", "192.0.2.1"), vec![double]).decisions.len(), 2);
}

#[test]
fn an_expression_sets_the_duration_or_the_written_one_counts() {
    let check = |source: &str, expected: &str| {
        let mut timed = profile("true", "ban");
        timed.duration_expr = Some(source.to_owned());
        let draft = stored(alert("Ip", "192.0.2.1"), vec![timed]);
        assert_eq!(draft.decisions[0].until.to_string(), expected, "{source}");
    };
    check(
        "Sprintf('%dh', (GetDecisionsCount(Alert.GetValue()) + 1) * 2)",
        "2026-11-22T16:30:00Z",
    );
    check("'1d'", "2026-11-23T14:30:00Z");
    check("'nonsense'", "2026-11-22T18:30:00Z");
}

#[test]
fn a_failing_filter_does_what_on_error_says() {
    let check = |on_error: OnError, expected: Result<&str, ()>| {
        let mut failing = profile("Alert.Events[3].Timestamp == \"x\"", "ban");
        failing.on_error = on_error;
        let got = run(
            alert("Ip", "192.0.2.1"),
            vec![failing, profile("true", "captcha")],
        );
        match (got, expected) {
            (Err(_), Err(())) => {}
            (Ok(Verdict::Store(draft)), Ok(expected)) => assert_eq!(draft.notifications.join(","), expected),
            (got, _) => panic!("{on_error:?}: {got:?}"),
        }
    };
    check(OnError::Refuse, Err(()));
    check(OnError::Continue, Ok("notify-captcha"));
    check(OnError::Ignore, Ok("notify-captcha"));
    check(OnError::Apply, Ok("notify-ban,notify-captcha"));
    check(OnError::Break, Ok("notify-captcha"));
}

#[test]
fn decisions_made_by_hand_stay_as_they_are_and_may_repeat() {
    let mut by_hand = alert("Ip", "192.0.2.1");
    by_hand.simulated = true;
    let decision = |value: &str| Decision {
        duration: Some("1d12h".to_owned()),
        origin: Some("cscli".to_owned()),
        scenario: Some("why".to_owned()),
        scope: Some("ip".to_owned()),
        type_: Some("throttle".to_owned()),
        value: Some(value.to_owned()),
        ..Decision::default()
    };
    by_hand.decisions = Some(vec![decision("192.0.2.9"), decision("not an address")]);
    let draft = stored(by_hand.clone(), vec![profile("true", "ban")]);
    assert_eq!(
        summary(&draft),
        "throttle 192.0.2.9 until 2026-11-24T02:30:00Z | notify-ban"
    );
    assert_eq!((draft.content_key, draft.decisions[0].simulated), (None, true));
    by_hand.decisions = Some(vec![decision("not an address")]);
    assert!(matches!(run(by_hand, vec![]).unwrap(), Verdict::Drop(_)));
}

#[test]
fn an_allowlisted_source_is_dropped_until_the_item_expires() {
    let list = |expires_at: Option<&str>| Allowlists {
        lists: vec![List {
            name: "office".to_owned(),
            console_id: String::new(),
            from_console: false,
            description: String::new(),
            created_at: now(),
            updated_at: now(),
            items: vec![Item {
                value: "192.0.2.0/24".to_owned(),
                comment: "ours".to_owned(),
                range: Range::parse("192.0.2.0/24").unwrap(),
                created_at: now(),
                expires_at: expires_at.map(|text| text.parse().unwrap()),
            }],
        }],
    };
    let profiles = Profiles::compile(vec![profile("true", "ban")]).unwrap();
    let check = |scope: &str, value: &str, lists: &Allowlists, dropped: bool| {
        let verdict = decide(alert(scope, value), "m1", &profiles, lists, &NoHost, now()).unwrap();
        assert_eq!(matches!(verdict, Verdict::Drop(_)), dropped, "{scope} {value}");
    };
    check("Ip", "192.0.2.7", &list(None), true);
    check("Range", "192.0.0.0/16", &list(None), true);
    check("Ip", "198.51.100.1", &list(None), false);
    check("username", "192.0.2.7", &list(None), false);
    check("Ip", "192.0.2.7", &list(Some("2026-11-22T14:59:59Z")), false);
    let pushed = |origin: &str, value: &str| Decision {
        duration: Some("1h".to_owned()),
        origin: Some(origin.to_owned()),
        scope: Some("Ip".to_owned()),
        value: Some(value.to_owned()),
        ..Decision::default()
    };
    let kept = |decisions: Vec<Decision>| {
        let carrying = Alert {
            decisions: Some(decisions),
            ..alert("Ip", "192.0.2.7")
        };
        match decide(carrying, "m1", &profiles, &list(None), &NoHost, now()).unwrap() {
            Verdict::Store(draft) => draft.decisions.len(),
            Verdict::Drop(_) => 0,
        }
    };
    assert_eq!(
        kept(vec![
            pushed("cscli", "192.0.2.7"),
            pushed("console", "192.0.2.8"),
            pushed("console", "1.2.3.4")
        ]),
        2
    );
    assert_eq!(kept(vec![pushed("console", "192.0.2.8")]), 0);
    let reasons = list(None).reasons(&Range::parse("192.0.2.7").unwrap(), now());
    assert_eq!(reasons, ["192.0.2.0/24 from office (ours)"]);
}

#[test]
fn an_unknown_field_or_function_is_named() {
    let check = |source: &str, expected: &str| {
        let problems = Profiles::compile(vec![profile(source, "ban")]).unwrap_err();
        let text = problems[0].to_string();
        assert!(
            text.starts_with("profiles.yaml: profile ban: filters at line 1, column"),
            "{text}"
        );
        assert!(text.contains(expected), "{text}");
    };
    check("Alert.Nonsense == 1", "Nonsense");
    check("Nope(Alert.Scenario)", "Nope");
}
