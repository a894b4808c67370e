//! The event: a log line with what parsers found in it, or an overflow with the alert it is about to become.

mod fields;
mod name;
mod runtime_alert;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use golang::time::Time;
use jiff::Timestamp;

pub use self::{
    fields::Fields,
    name::Name,
    runtime_alert::{Alert, Identity, RuntimeAlert, Source},
};
use crate::Text;

/// A line as acquisition hands it over.
#[derive(Debug, Clone)]
pub struct RawLine {
    /// The line without its line end.
    pub text: Text,
    /// File path, container name or other origin (`Line.Src`).
    pub source: Arc<str>,
    /// Labels of the acquisition entry, shared by all its lines; `type` chooses the parser.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Name of the acquisition module (`file`).
    pub module: Name,
    /// When the line was read.
    pub at: Timestamp,
}

/// `Line` of an event.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line without its line end (`Raw`).
    pub raw: Text,
    /// Origin (`Src`).
    pub src: Arc<str>,
    /// When the line was read (`Time`).
    pub at: Timestamp,
    /// Labels of the acquisition entry.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Name of the acquisition module.
    pub module: Text,
    /// Upstream's `Process`; always true for lines.
    pub process: bool,
}

/// Which clock buckets follow. Upstream: `LIVE` and `TIMEMACHINE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Wall clock.
    #[default]
    Live,
    /// Time written in the log.
    TimeMachine,
}

/// What an event is about (`Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Type {
    /// A log line (0).
    #[default]
    Log,
    /// An overflow (1).
    Overflow,
    /// A WAF request (2).
    Appsec,
}

/// A log line or an overflow on its way through parsers and scenarios. Upstream: `pkg/pipeline/event.go`.
#[derive(Debug, Clone)]
pub struct Event {
    /// What the event is about.
    pub kind: Type,
    /// Which clock buckets follow (`ExpectMode`).
    pub mode: Mode,
    /// Whether a whitelist matched.
    pub whitelisted: bool,
    /// First reason; later whitelists do not change it.
    pub whitelist_reason: Text,
    /// Stage the event is in.
    pub stage: Name,
    /// Where the event came from; empty for overflows.
    pub line: Line,
    /// What groks captured and statics wrote.
    pub parsed: Fields,
    /// What enrichers answered.
    pub enriched: Fields,
    /// What scenarios group by and alerts show.
    pub meta: Fields,
    /// What `UnmarshalJSON`, `ParseKV` and the like stored; `None` until something is.
    pub unmarshaled: Option<Arc<expr::Map>>,
    /// The overflow; `None` for log events, which read its fields as zero values.
    pub overflow: Option<Box<RuntimeAlert>>,
    /// Wall clock at acquisition; the log's time in time machine once `ParseDate` ran.
    pub time: Time,
    /// Time as found in the log.
    pub str_time: Text,
    /// Go layout of `str_time`.
    pub str_time_format: Text,
    /// RFC 3339 form of the log's time; the clock of time-machine buckets.
    pub marshaled_time: Text,
    /// After parsing: whether every stage completed.
    pub process: bool,
}

impl Line {
    /// Returns the label `key`; absent reads as the empty string.
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }
}

impl Event {
    /// Returns a fresh log event for `line`.
    pub fn from_line(line: RawLine, mode: Mode) -> Self {
        Self {
            kind: Type::Log,
            mode,
            whitelisted: false,
            whitelist_reason: Text::default(),
            stage: Name::new(""),
            line: Line {
                raw: line.text,
                src: line.source,
                at: line.at,
                labels: line.labels,
                module: line.module.to_text(),
                process: true,
            },
            parsed: Fields::default(),
            enriched: Fields::default(),
            meta: Fields::default(),
            unmarshaled: None,
            overflow: None,
            time: Time::from_timestamp(line.at),
            str_time: Text::default(),
            str_time_format: Text::default(),
            marshaled_time: Text::default(),
            process: true,
        }
    }

    /// Returns an overflow event; overflows always follow the wall clock.
    pub fn from_overflow(overflow: RuntimeAlert, at: Timestamp, marshaled_time: Text) -> Self {
        let line = RawLine {
            text: Text::default(),
            source: Arc::from(""),
            labels: Arc::default(),
            module: Name::new(""),
            at,
        };
        let mut event = Self::from_line(line, Mode::Live);
        event.kind = Type::Overflow;
        event.overflow = Some(Box::new(overflow));
        event.marshaled_time = marshaled_time;
        event
    }

    /// Returns what upstream's `GetType` returns: `log`, `overflow` or `unknown`.
    pub fn type_name(&self) -> &'static str {
        match self.kind {
            Type::Log => "log",
            Type::Overflow => "overflow",
            Type::Appsec => "unknown",
        }
    }

    /// Returns the addresses the event is about: `Meta.source_ip` of a line, the sources of an overflow.
    ///
    /// Upstream: `Event.ParseIPSources`; what is not an address is left out.
    pub fn source_addresses(&self) -> Vec<IpAddr> {
        match self.kind {
            Type::Log => self
                .meta
                .get("source_ip")
                .and_then(|text| text.parse().ok())
                .into_iter()
                .collect(),
            Type::Overflow => self
                .overflow
                .iter()
                .flat_map(|overflow| overflow.sources.keys())
                .filter_map(|text| text.parse().ok())
                .collect(),
            Type::Appsec => Vec::new(),
        }
    }

    /// Returns what upstream's `GetMeta` returns: for overflows the first event of the alerts that has `key`.
    pub fn get_meta(&self, key: &str) -> Text {
        match &self.overflow {
            Some(overflow) if self.kind == Type::Overflow => overflow
                .alerts
                .iter()
                .flat_map(|alert| &alert.events)
                .find_map(|event| event.meta.get(key))
                .cloned()
                .unwrap_or_default(),
            _ => self.meta.get(key).cloned().unwrap_or_default(),
        }
    }
}
