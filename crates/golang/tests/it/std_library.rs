//! Verdicts of `time`, `strings`, `strconv`, `url`, `regexp` and `json` (`tests/record/std.go`).

use std::collections::BTreeMap;

use golang::duration::Duration;
use golang::time::{Time, WEEKDAYS};
use golang::{fmt, json, regexp, strings, time, url};

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

fn at(input: &[String]) -> Time {
    Time::from_unix(
        number(&input[0]),
        u32::try_from(number(&input[1])).expect("nanoseconds"),
    )
}

fn or_refused<T: ToString, E: ToString>(result: Result<T, E>) -> String {
    result.map_or_else(
        |error| format!("! {}", error.to_string()),
        |value| value.to_string(),
    )
}

/// Writes what `fmt.Sprint` writes for `FindAllStringSubmatchIndex`.
fn all_matches(regex: &regex::Regex, subject: &str) -> String {
    let matches: Vec<String> = regex
        .captures_iter(subject)
        .map(|captures| {
            let ends: Vec<String> = captures
                .iter()
                .map(|group| {
                    group.map_or_else(|| "-1 -1".to_owned(), |m| format!("{} {}", m.start(), m.end()))
                })
                .collect();
            format!("[{}]", ends.join(" "))
        })
        .collect();
    format!("[{}]", matches.join(" "))
}

fn verdict(kind: &str, input: &[String]) -> String {
    let text = input[0].as_str();
    match kind {
        "time.parse" => or_refused(Time::parse(text, &input[1]).map(|t| t.to_go_string())),
        "time.format" => {
            let offset = i32::try_from(number(&input[2])).expect("an offset");
            at(input).with_offset(offset, input[3].as_str()).format(&input[4])
        }
        "time.adddate" => at(input)
            .add_date(number(&input[2]), number(&input[3]), number(&input[4]))
            .rfc3339_nano(),
        "time.round" => {
            let unit = Duration::parse(&input[2]).expect("a duration");
            let (time, civil) = (at(input), at(input).civil());
            let (round, down) = (
                time.round(unit).rfc3339_nano(),
                time.truncate(unit).rfc3339_nano(),
            );
            format!(
                "{round} {down} {} {}",
                WEEKDAYS[civil.weekday()],
                civil.year_day()
            )
        }
        "duration" => or_refused(Duration::parse(text)),
        "upper" => strings::to_upper(text),
        "lower" => strings::to_lower(text),
        "title" => strings::title(text),
        "trimspace" => strings::trim_space(text).to_owned(),
        "fields" => strings::fields(text).collect::<Vec<_>>().join("|"),
        "quote" => strings::quote(text),
        "quoteascii" => strings::quote_ascii(text),
        "json" => json::quote(text),
        "pathescape" => url::path_escape(text),
        "queryescape" => url::query_escape(text),
        "pathunescape" => or_refused(url::path_unescape(text)),
        "queryunescape" => or_refused(url::query_unescape(text)),
        "quotemeta" => regexp::quote_meta(text),
        "jsonfloat" => json::float(text.parse().expect("a float")),
        "g" => fmt::format_float(text.parse().expect("a float"), 'g', None),
        "f6" => fmt::format_float(text.parse().expect("a float"), 'f', Some(6)),
        "parsefloat" => {
            fmt::parse_float(text).map_or_else(|| "!".to_owned(), |v| fmt::format_float(v, 'g', None))
        }
        "regexp" => match regexp::compile(text) {
            Err(_) => "!".to_owned(),
            Ok(regex) => input[1..]
                .iter()
                .map(|s| all_matches(&regex, s))
                .collect::<Vec<_>>()
                .join(";"),
        },
        kind => format!("unknown kind {kind}"),
    }
}

#[test]
fn verdicts_equal_those_of_the_go_standard_library() {
    let rows: Vec<(String, Vec<String>, String)> =
        serde_json::from_str(include_str!("../fixtures/std.json")).expect("the fixture is JSON");
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (kind, input, expected) in &rows {
        let seen = verdict(kind, input);
        // most refusals of times are recorded without their text
        let equal = seen == *expected || (expected == "!" && seen.starts_with("! "));
        if !equal {
            wrong
                .entry(kind)
                .or_default()
                .push(format!("{input:?}: {seen:?}, Go {expected:?}"));
        }
    }
    let shown: Vec<String> = wrong
        .iter()
        .map(|(kind, rows)| format!("{kind}: {} differ\n  {}", rows.len(), rows.join("\n  ")))
        .collect();
    assert!(
        shown.is_empty(),
        "of {} verdicts\n{}",
        rows.len(),
        shown.join("\n")
    );
}

#[test]
fn zero_times_know_themselves() {
    assert!(Time::parse(time::RFC3339, "0001-01-01T00:00:00Z").is_ok_and(|t| t.is_zero()));
}
