//! Enrichers (`method:` of a static): facts that are looked up rather than read from the line. Upstream: `pkg/parser/enrich.go`.

pub mod date;
pub mod geoip;

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use golang::time::Time;

use crate::{Event, Mode, Name, Text, env::RunHost};

/// Written for every line with a date, so it is interned once.
static MARSHALED_TIME: LazyLock<Name> = LazyLock::new(|| Name::new("MarshaledTime"));

/// The methods upstream knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Country and place of an address.
    GeoIpCity,
    /// Autonomous system of an address.
    GeoIpAsn,
    /// Network of an address.
    IpToRange,
    /// First name of an address.
    ReverseDns,
    /// Time of the line.
    ParseDate,
    /// The line as JSON.
    UnmarshalJson,
}

impl Method {
    /// Returns the method called `name`.
    pub fn find(name: &str) -> Option<Self> {
        Some(match name {
            "GeoIpCity" => Self::GeoIpCity,
            "GeoIpASN" => Self::GeoIpAsn,
            "IpToRange" => Self::IpToRange,
            "reverse_dns" => Self::ReverseDns,
            "ParseDate" => Self::ParseDate,
            "UnmarshalJSON" => Self::UnmarshalJson,
            _ => return None,
        })
    }

    /// Runs the method on `argument` and merges its answer into `Enriched`.
    pub fn run(self, argument: &str, event: &mut Event, host: &RunHost<'_>) {
        let world = host.world();
        let address = || argument.parse::<IpAddr>().ok();
        match self {
            Self::ParseDate => parse_date(argument, event, host),
            Self::UnmarshalJson => unmarshal(event),
            Self::GeoIpCity => {
                if let Some(address) = address() {
                    merge(event, geoip::city(world, address));
                }
            }
            Self::GeoIpAsn => {
                if let Some(address) = address() {
                    merge(event, geoip::asn(world, address));
                }
            }
            Self::IpToRange => {
                if let Some(range) = address().and_then(|address| geoip::range(world, address)) {
                    merge(event, vec![("SourceRange", range)]);
                }
            }
            Self::ReverseDns => {
                if let Some(name) = address().and_then(|address| world.outside.reverse_dns(address)) {
                    merge(event, vec![("reverse_dns", name)]);
                }
            }
        }
    }
}

fn merge(event: &mut Event, facts: Vec<(&'static str, String)>) {
    for (name, value) in facts {
        event.enriched.set(Name::new(name), Text::from(value));
    }
}

fn parse_date(text: &str, event: &mut Event, host: &RunHost<'_>) {
    let now = host.time();
    let found = date::parse(text, &event.str_time_format, &host.world().zone, now);
    let marshaled = match found {
        Some(date::Found::Time(time)) => {
            let marshaled = time.rfc3339_nano();
            if event.mode == Mode::TimeMachine {
                event.time = time;
            }
            marshaled
        }
        Some(date::Found::Marshaled(text)) => text,
        None => Time::from_timestamp(now).rfc3339_nano(),
    };
    event.enriched.set(*MARSHALED_TIME, Text::from(marshaled));
}

fn unmarshal(event: &mut Event) {
    let Ok(serde_json::Value::Object(entries)) = serde_json::from_str(&event.line.raw) else {
        return;
    };
    let map = event.unmarshaled.get_or_insert_with(Arc::default);
    let map = Arc::make_mut(map);
    for (key, value) in entries {
        map.insert(key, to_value(value));
    }
}

/// Turns JSON into values as Go's `json.Unmarshal` into `interface{}` does: every number is a float.
fn to_value(json: serde_json::Value) -> expr::Value {
    match json {
        serde_json::Value::Null => expr::Value::Nil,
        serde_json::Value::Bool(truth) => expr::Value::Bool(truth),
        serde_json::Value::Number(number) => expr::Value::Float(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => expr::Value::text(text),
        serde_json::Value::Array(items) => expr::Value::array(items.into_iter().map(to_value).collect()),
        serde_json::Value::Object(entries) => expr::Value::map(
            entries
                .into_iter()
                .map(|(key, value)| (Text::from(key), to_value(value)))
                .collect(),
        ),
    }
}
