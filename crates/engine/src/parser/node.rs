//! A compiled node: what is asked of an event, in the order it is asked.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use expr::ExprId;
use ipnet::IpNet;

use crate::{Name, Text, counters::CellId, enrich, grok::Grok};

/// One stage with its top-level nodes in load order.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: Name,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Name,
    pub(crate) filter: Option<ExprId>,
    pub(crate) whitelist: Option<Whitelist>,
    pub(crate) grok: Option<GrokStep>,
    pub(crate) stash: Vec<StashStep>,
    pub(crate) children: Vec<Node>,
    pub(crate) statics: Vec<Static>,
    /// `onsuccess: next_stage`.
    pub(crate) advances: bool,
    pub(crate) cells: Option<NodeCells>,
    pub(crate) failures: Failures,
}

/// Hits, successes and failures of a named node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeCells {
    pub(crate) hits: CellId,
    pub(crate) ok: CellId,
    pub(crate) ko: CellId,
}

#[derive(Debug)]
pub(crate) struct Whitelist {
    pub(crate) reason: Text,
    pub(crate) ips: HashSet<IpAddr>,
    pub(crate) cidrs: Vec<IpNet>,
    pub(crate) expressions: Vec<ExprId>,
    pub(crate) hits: CellId,
    pub(crate) ok: CellId,
}

#[derive(Debug)]
pub(crate) struct GrokStep {
    pub(crate) subject: Subject,
    pub(crate) grok: Arc<Grok>,
    pub(crate) statics: Vec<Static>,
}

/// What a grok is run on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    LineRaw,
    Parsed(Name),
    Expression(ExprId),
}

#[derive(Debug)]
pub(crate) struct StashStep {
    pub(crate) cache: String,
    pub(crate) key: ExprId,
    pub(crate) value: ExprId,
}

#[derive(Debug)]
pub(crate) struct Static {
    pub(crate) source: StaticSource,
    pub(crate) target: Target,
}

#[derive(Debug)]
pub(crate) enum StaticSource {
    /// Neither value nor expression: never writes.
    Nothing,
    Constant(Text),
    Expression(ExprId),
}

/// Where a static goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Method(enrich::Method),
    Parsed(Name),
    Meta(Name),
    Enriched(Name),
    Unmarshaled(Name),
    Label(Name),
    StrTime,
    StrTimeFormat,
    MarshaledTime,
    WhitelistReason,
    Stage,
    LineRaw,
    LineSrc,
    LineModule,
    SourceScope,
    SourceValue,
    SourceIp,
    SourceRange,
    SourceCn,
    SourceAsName,
    SourceAsNumber,
    AlertMessage,
    AlertScenario,
    AlertKind,
    /// A name upstream does not know either: a warning at load, nothing at run time.
    Unknown,
}

impl Target {
    /// Returns what the path of a `target:` names. Upstream: `pkg/parser/runtime.go`, `setTargetByName`.
    pub(crate) fn of_path(path: &str) -> Self {
        let path = path.strip_prefix("evt.").unwrap_or(path);
        if let Some((map, key)) = path.split_once('.') {
            match map {
                "Parsed" => return Self::Parsed(Name::new(key)),
                "Meta" => return Self::Meta(Name::new(key)),
                "Enriched" => return Self::Enriched(Name::new(key)),
                "Unmarshaled" => return Self::Unmarshaled(Name::new(key)),
                _ => {}
            }
        }
        if let Some(key) = path.strip_prefix("Line.Labels.") {
            return Self::Label(Name::new(key));
        }
        match path {
            "StrTime" => Self::StrTime,
            "StrTimeFormat" => Self::StrTimeFormat,
            "MarshaledTime" => Self::MarshaledTime,
            "WhitelistReason" => Self::WhitelistReason,
            "Stage" => Self::Stage,
            "Line.Raw" => Self::LineRaw,
            "Line.Src" => Self::LineSrc,
            "Line.Module" => Self::LineModule,
            "Overflow.Alert.Source.Scope" => Self::SourceScope,
            "Overflow.Alert.Source.Value" => Self::SourceValue,
            "Overflow.Alert.Source.IP" => Self::SourceIp,
            "Overflow.Alert.Source.Range" => Self::SourceRange,
            "Overflow.Alert.Source.Cn" => Self::SourceCn,
            "Overflow.Alert.Source.AsName" => Self::SourceAsName,
            "Overflow.Alert.Source.AsNumber" => Self::SourceAsNumber,
            "Overflow.Alert.Message" => Self::AlertMessage,
            "Overflow.Alert.Scenario" => Self::AlertScenario,
            "Overflow.Alert.Kind" => Self::AlertKind,
            _ => Self::Unknown,
        }
    }
}

/// How often a node failed at run time; decides which failures are worth a line in the log.
#[derive(Debug, Default)]
pub(crate) struct Failures(AtomicU32);

impl Failures {
    /// Counts one failure and returns whether to log it: the 1st, 2nd, 4th, 8th …
    pub(crate) fn is_worth_a_line(&self) -> bool {
        self.0
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1)
            .is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_may_be_written_with_and_without_evt() {
        for (path, target) in [
            ("evt.StrTime", Target::StrTime),
            ("StrTime", Target::StrTime),
            ("evt.Parsed.a.b", Target::Parsed(Name::new("a.b"))),
            ("Meta.source_ip", Target::Meta(Name::new("source_ip"))),
            ("evt.Line.Labels.type", Target::Label(Name::new("type"))),
            ("evt.Overflow.Alert.Source.Value", Target::SourceValue),
            ("source_ip", Target::Unknown),
        ] {
            assert_eq!(Target::of_path(path), target, "{path}");
        }
    }
}
