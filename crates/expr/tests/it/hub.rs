//! The public hub's expressions on made-up events: the same results, errors and writes as upstream's engine.
//!
//! `hub-verdicts.txt` holds, per expression, the hash of its text and eight verdicts; the texts are read from the hub
//! at test time. An event is made from the expression itself: its fields get its own literals, picked by a generator
//! that the recorder (upstream 1.7.8's `exprhelpers` under expr-lang 1.17.8) has too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use expr::{
    Env, EvalError, FieldId, Host, Library, Map, Memo, MethodId, Object, Objects, Place, Scheme, Type, Value,
};
use regex::Regex;

use crate::hub_expressions;

expr::object! {
    mod root = 0, "pipeline.Event" {
        TYPE "Type": Type::Int,
        EXPECT_MODE "ExpectMode": Type::Int,
        WHITELISTED "Whitelisted": Type::Bool,
        WHITELIST_REASON "WhitelistReason": Type::String,
        STAGE "Stage": Type::String,
        LINE "Line": Type::Object(line::KIND),
        PARSED "Parsed": Type::strings(),
        ENRICHED "Enriched": Type::strings(),
        UNMARSHALED "Unmarshaled": Type::anys(),
        OVERFLOW "Overflow": Type::Object(overflow::KIND),
        TIME "Time": Type::Time,
        STR_TIME "StrTime": Type::String,
        STR_TIME_FORMAT "StrTimeFormat": Type::String,
        MARSHALED_TIME "MarshaledTime": Type::String,
        PROCESS "Process": Type::Bool,
        APPSEC "Appsec": Type::Object(appsec::KIND),
        META "Meta": Type::strings(),
    } methods {
        SET_META "SetMeta"(Type::String, Type::String) -> Type::Bool, writes [META];
        SET_PARSED "SetParsed"(Type::String, Type::String) -> Type::Bool, writes [PARSED];
        GET_TYPE "GetType"() -> Type::String, reads [TYPE];
        GET_META "GetMeta"(Type::String) -> Type::String;
    }
}

expr::object! {
    mod line = 1, "pipeline.Line" {
        RAW "Raw": Type::String,
        SRC "Src": Type::String,
        TIME "Time": Type::Time,
        LABELS "Labels": Type::strings(),
        PROCESS "Process": Type::Bool,
        MODULE "Module": Type::String,
    }
}

expr::object! {
    mod overflow = 2, "pipeline.RuntimeAlert" {
        MAPKEY "Mapkey": Type::String,
        BUCKET_ID "BucketId": Type::String,
        WHITELISTED "Whitelisted": Type::Bool,
        REPROCESS "Reprocess": Type::Bool,
        SOURCES "Sources": Type::map(Type::Object(source::KIND)),
        ALERT "Alert": Type::Object(alert::KIND),
        API_ALERTS "APIAlerts": Type::array(Type::Object(alert::KIND)),
    } methods {
        GET_SOURCES "GetSources"() -> Type::array(Type::String);
    }
}

expr::object! {
    mod alert = 3, "models.Alert" {
        EVENTS_COUNT "EventsCount": Type::Int,
        REMEDIATION "Remediation": Type::Bool,
        SCENARIO "Scenario": Type::String,
        SOURCE "Source": Type::Object(source::KIND),
        EVENTS "Events": Type::array(Type::Object(event::KIND)),
    } methods {
        GET_SCOPE "GetScope"() -> Type::String;
        GET_VALUE "GetValue"() -> Type::String;
        GET_SCENARIO "GetScenario"() -> Type::String;
        GET_EVENTS_COUNT "GetEventsCount"() -> Type::Int;
        GET_META "GetMeta"(Type::String) -> Type::String;
    }
}

expr::object! {
    mod event = 6, "models.Event" {
        TIMESTAMP "Timestamp": Type::String,
    } methods {
        GET_META "GetMeta"(Type::String) -> Type::String;
    }
}

expr::object! {
    mod source = 4, "models.Source" {
        AS_NAME "AsName": Type::String,
        AS_NUMBER "AsNumber": Type::String,
        CN "Cn": Type::String,
        IP "IP": Type::String,
        RANGE "Range": Type::String,
        SCOPE "Scope": Type::String,
        VALUE "Value": Type::String,
    }
}

expr::object! {
    mod appsec = 5, "pipeline.AppsecEvent" {
        HAS_IN "HasInBandMatches": Type::Bool,
        HAS_OUT "HasOutBandMatches": Type::Bool,
        MATCHED_RULES "MatchedRules": Type::array(Type::anys()),
        VARS "Vars": Type::strings(),
    } methods {
        GET_NAME "GetName"() -> Type::String;
        GET_URI "GetURI"() -> Type::String;
        GET_HASH "GetHash"() -> Type::String;
        GET_VERSION "GetVersion"() -> Type::String;
        GET_METHOD "GetMethod"() -> Type::String;
        GET_RULE_IDS "GetRuleIDs"() -> Type::array(Type::Int);
        GET_MATCHED_ZONES "GetMatchedZones"() -> Type::array(Type::String);
    }
}

/// Holds every field by its id; instances other than the only one of a kind do not exist.
struct Event(BTreeMap<FieldId, Value>);

impl Env for Event {
    fn field(&self, _: Object, field: FieldId) -> Value {
        self.0.get(&field).cloned().unwrap_or_default()
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        let text = |index: usize| args[index].as_str().ok_or_else(|| EvalError::new("not a string"));
        match method {
            root::SET_META | root::SET_PARSED => {
                let field = if method == root::SET_META {
                    root::META
                } else {
                    root::PARSED
                };
                self.set_entry(Place { object, field }, text(0)?, Value::from(text(1)?))?;
                Ok(Value::Bool(true))
            }
            root::GET_TYPE => Ok(Value::from("log")),
            root::GET_META => Ok(self.0[&root::META].as_map().expect("map").read(text(0)?)),
            appsec::GET_RULE_IDS | appsec::GET_MATCHED_ZONES | overflow::GET_SOURCES => {
                Ok(Value::array(Vec::new()))
            }
            _ => Ok(Value::from("")),
        }
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        if let Some(Value::Map(map)) = self.0.get_mut(&place.field) {
            Arc::make_mut(map).insert(key, value);
        }
        Ok(())
    }

    fn host(&self) -> &dyn Host {
        &Clock
    }
}

struct Clock;

impl Host for Clock {
    fn now(&self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_second(1_714_979_289).ok()
    }
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The recorder's generator.
struct Random(u64);

impl Random {
    fn next(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % count as u64).expect("small")
    }

    fn pick(&mut self, literals: &[String]) -> String {
        let count = literals.len();
        match self.next(count + 2) {
            last if last == count => String::new(),
            last if last == count + 1 => "1.2.3.4".to_owned(),
            index => {
                let mut text = literals[index].clone();
                if self.next(4) == 0 {
                    text.push_str(&literals[self.next(count)]);
                }
                text
            }
        }
    }
}

/// What an expression reads and compares with, as the recorder finds it.
struct Mentions {
    fields: Vec<String>,
    paths: Vec<String>,
    literals: Vec<String>,
}

impl Mentions {
    fn of(source: &str) -> Self {
        let all = |pattern: &str, take: &dyn Fn(&regex::Captures<'_>) -> String| {
            let pattern = Regex::new(pattern).expect("pattern");
            let found: BTreeSet<String> = pattern.captures_iter(source).map(|found| take(&found)).collect();
            found.into_iter().collect::<Vec<_>>()
        };
        Self {
            fields: all(
                r"evt\.(Parsed|Meta|Enriched|Line\.Labels)\.([A-Za-z0-9_]+)",
                &|found| format!("{}.{}", &found[1], &found[2]),
            ),
            paths: all(r"evt\.Unmarshaled((?:\??\.[A-Za-z0-9_]+)+)", &|found| {
                found[1].replace('?', "").trim_start_matches('.').to_owned()
            }),
            literals: all(r#"'([^'\\]*)'|"([^"\\]*)""#, &|found| {
                found
                    .get(1)
                    .or_else(|| found.get(2))
                    .map_or_else(String::new, |text| text.as_str().to_owned())
            }),
        }
    }

    fn event(&self, source: &str, round: u64) -> Event {
        let mut random = Random(fnv(source).wrapping_add(round));
        let mut maps: BTreeMap<&str, Map> = ["Parsed", "Meta", "Enriched", "Line.Labels"]
            .map(|name| (name, Map::of_strings::<&str, &str>([])))
            .into();
        for field in &self.fields {
            let (map, key) = field.rsplit_once('.').expect("two parts");
            let text = random.pick(&self.literals);
            if text.is_empty() && random.next(2) == 0 {
                continue;
            }
            maps.get_mut(map).expect("known").insert(key, Value::from(text));
        }
        let mut unmarshaled = Value::map(Map::new());
        for path in &self.paths {
            let text = Value::from(random.pick(&self.literals));
            let value = match random.next(6) {
                0 => Value::Float(f64::from(u32::try_from(random.next(600)).expect("small"))),
                1 => Value::array(vec![text]),
                2 => Value::Nil,
                _ => text,
            };
            put(&mut unmarshaled, path, value);
        }
        let mut take = |name: &str| Value::map(maps.remove(name).expect("once"));
        let object = |kind| Value::Object(Object { kind, index: 0 });
        let time = Value::time(
            golang::time::Time::parse("2006-01-02T15:04:05Z", "2024-05-06T07:08:09Z").expect("time"),
        );
        let empty = || Value::from("");
        Event(BTreeMap::from([
            (root::TYPE, Value::Int(0)),
            (root::EXPECT_MODE, Value::Int(0)),
            (root::WHITELISTED, Value::Bool(false)),
            (root::WHITELIST_REASON, empty()),
            (root::STAGE, Value::from("s01-parse")),
            (root::LINE, object(line::KIND)),
            (root::PARSED, take("Parsed")),
            (root::META, take("Meta")),
            (root::ENRICHED, take("Enriched")),
            (line::LABELS, take("Line.Labels")),
            (root::UNMARSHALED, unmarshaled),
            (root::OVERFLOW, object(overflow::KIND)),
            (root::APPSEC, object(appsec::KIND)),
            (root::TIME, time.clone()),
            (line::TIME, time),
            (root::STR_TIME, empty()),
            (root::STR_TIME_FORMAT, empty()),
            (root::MARSHALED_TIME, empty()),
            (root::PROCESS, Value::Bool(true)),
            (line::RAW, Value::from(random.pick(&self.literals))),
            (line::SRC, Value::from(random.pick(&self.literals))),
            (line::MODULE, empty()),
            (overflow::MAPKEY, empty()),
            (overflow::BUCKET_ID, empty()),
            (overflow::WHITELISTED, Value::Bool(false)),
            (overflow::REPROCESS, Value::Bool(false)),
            (overflow::SOURCES, Value::map(Map::new())),
            (overflow::API_ALERTS, Value::array(Vec::new())),
            (appsec::HAS_IN, Value::Bool(false)),
            (appsec::HAS_OUT, Value::Bool(false)),
            (appsec::MATCHED_RULES, Value::array(Vec::new())),
            (appsec::VARS, Value::map(Map::of_strings::<&str, &str>([]))),
        ]))
    }
}

/// Stores a value at a dotted path, making the maps on the way; what is there already stays.
fn put(into: &mut Value, path: &str, value: Value) {
    let Value::Map(map) = into else { return };
    let map = Arc::make_mut(map);
    match path.split_once('.') {
        None if !map.contains_key(path) => map.insert(path, value),
        None => {}
        Some((first, rest)) => put(
            map.entry(Value::from(first), || Value::map(Map::new())),
            rest,
            value,
        ),
    }
}

/// Writes a value so that equal values of either implementation give equal texts.
fn canonical(value: &Value) -> String {
    match value {
        Value::Nil => "N".to_owned(),
        Value::Bool(true) => "T".to_owned(),
        Value::Bool(false) => "F".to_owned(),
        Value::Str(text) => format!("S{}:{text}", text.len()),
        Value::Int(number) => format!("I{number}"),
        Value::Weekday(number) | Value::Month(number) => format!("I{number}"),
        Value::Float(number) => format!("D{:016x}", number.to_bits()),
        Value::Duration(duration) => format!("P{}", duration.0),
        Value::Time(time) => format!("W{}", time.timestamp().as_nanosecond()),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<String>()),
        Value::Map(map) => {
            let mut pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}={}", canonical(&key.to_value()), canonical(value)))
                .collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Bytes(_) | Value::Zone(_) | Value::Object(_) | Value::Place(_) => "O".to_owned(),
    }
}

fn verdict(library: &Library, id: expr::ExprId, mut event: Event) -> String {
    let result = library.eval(id, &mut event, &mut Memo::new(library));
    let mut text = result.as_ref().map_or_else(|_| "E".to_owned(), canonical);
    for field in [root::META, root::PARSED, root::UNMARSHALED] {
        text.push_str(&canonical(&event.0[&field]));
    }
    let short = format!("{:08x}", fnv(&text) >> 32);
    let mark = match result {
        Err(_) => "e",
        Ok(Value::Bool(true)) => "t",
        Ok(_) => return short,
    };
    format!("{mark}{}", short.get(1..).unwrap_or_default())
}

fn objects() -> Arc<Objects> {
    Objects::new([
        root::define(),
        line::define(),
        overflow::define(),
        alert::define(),
        source::define(),
        appsec::define(),
        event::define(),
    ])
}

#[test]
fn expressions_of_the_public_hub_give_what_upstream_gives() {
    let Some(expressions) = hub_expressions::all() else {
        println!("skipped: no HUB_DIR");
        return;
    };
    let recorded: BTreeMap<&str, Vec<&str>> = include_str!("../fixtures/hub-verdicts.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(hash, verdicts)| (hash, verdicts.split(' ').collect()))
        .collect();
    let objects = objects();
    let scheme = Scheme::new(&objects).with_object("evt", root::KIND);
    let mut library = Library::new(&objects);
    let (mut same, mut unknown, mut differences) = (0, 0, Vec::new());
    for source in &expressions {
        let Some(expected) = recorded.get(format!("{:016x}", fnv(source)).as_str()) else {
            unknown += 1;
            continue;
        };
        let mentions = Mentions::of(source);
        let got: Vec<String> = match library.compile(source, &scheme, &Type::Any) {
            Err(error) if expected[0] == "c" => vec![error.to_string()],
            Err(error) => vec![format!("refused: {error}")],
            Ok(id) => (0..8)
                .map(|round| verdict(&library, id, mentions.event(source, round)))
                .collect(),
        };
        if expected[0] == "c" && got.len() == 1 || got == *expected {
            same += 1;
        } else {
            differences.push(format!(
                "{source}\n    got    {}\n    wanted {}",
                got.join(" "),
                expected.join(" ")
            ));
        }
    }
    println!(
        "{same} the same, {} differ, {unknown} not recorded",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(
        unknown * 20 < expressions.len(),
        "{unknown} of {} not recorded",
        expressions.len()
    );
}
