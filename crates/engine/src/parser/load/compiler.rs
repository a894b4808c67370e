//! Compiles nodes: the checks are upstream's, in upstream's order, but none stops the others (`pkg/parser/node.go`).

use std::collections::HashSet;

use expr::{ExprId, Type};
use golang::duration::Duration;

use super::place::Place;
use crate::{
    Name, Text,
    counters::Definition,
    enrich::Method,
    grok::{self, LibraryError},
    loader::Loader,
    parser::{
        node::{
            Failures, GrokStep, Node, NodeCells, StashStep, Static, StaticSource, Subject, Target, Whitelist,
        },
        spec::{GrokSpec, NodeSpec, StashSpec, StaticSpec, WhitelistSpec},
    },
    stash::Strategy,
};

/// Compiles the nodes of one document.
pub(super) struct Compiler<'l, 'w> {
    pub(super) stage: Name,
    pub(super) library: &'l mut grok::Library,
    pub(super) loader: &'l mut Loader<'w>,
}

impl Compiler<'_, '_> {
    /// Compiles a node and its children; what is wrong goes to the loader.
    pub(super) fn node(&mut self, spec: &NodeSpec, place: &Place<'_>, parent: &str) -> Node {
        let name = match (spec.name.as_str(), parent) {
            ("", "") => String::new(),
            ("", parent) => format!("child-{parent}"),
            (name, _) => name.to_owned(),
        };
        let name = Name::new(&name);
        let filter = self.optional(&spec.filter, &place.key("filter"));
        let whitelist = self.whitelist(&spec.whitelist, name, &place.key("whitelist"));
        for (pattern, text) in &spec.pattern_syntax {
            self.pattern(pattern, text, &place.key("pattern_syntax").key(pattern));
        }
        let grok = self.grok(&spec.grok, &place.key("grok"));
        let stash = (spec.stash.iter().enumerate())
            .filter_map(|(i, spec)| self.stash(spec, &place.key(&format!("stash[{i}]"))))
            .collect();
        let children = (spec.nodes.iter().enumerate())
            .map(|(i, spec)| self.node(spec, &place.key(&format!("nodes[{i}]")), &name))
            .collect();
        let statics = self.statics(&spec.statics, place, true);
        let is_empty = spec.grok.is_empty()
            && spec.nodes.is_empty()
            && spec.statics.is_empty()
            && spec.whitelist.is_empty();
        if is_empty {
            self.refuse(
                place,
                "the node is empty",
                "give it a grok, nodes, statics or a whitelist",
            );
        }
        if !matches!(spec.onsuccess.as_str(), "" | "continue" | "next_stage") {
            let message = format!("onsuccess {:?} is not known", spec.onsuccess);
            self.refuse(&place.key("onsuccess"), message, "write continue or next_stage");
        }
        Node {
            name,
            filter,
            whitelist,
            grok,
            stash,
            children,
            statics,
            advances: spec.onsuccess == "next_stage",
            cells: self.cells(name),
            failures: Failures::default(),
        }
    }

    fn cells(&mut self, name: Name) -> Option<NodeCells> {
        if name.is_empty() || !self.loader.count_nodes {
            return None;
        }
        let mut cell = |metric| {
            self.loader.plan.add(Definition {
                metric,
                name,
                stage: self.stage,
                reason: Name::new(""),
            })
        };
        Some(NodeCells {
            hits: cell("cs_node_hits_total"),
            ok: cell("cs_node_hits_ok_total"),
            ko: cell("cs_node_hits_ko_total"),
        })
    }

    fn refuse(&mut self, place: &Place<'_>, message: impl Into<String>, cure: &str) {
        self.loader.problems.push(place.problem(message, cure));
    }

    fn expression(&mut self, source: &str, place: &Place<'_>) -> Option<ExprId> {
        match self
            .loader
            .library
            .compile(source, &self.loader.scheme, &Type::Any)
        {
            Ok(id) => Some(id),
            Err(error) => {
                let (line, column) = place.in_expression(source, &error);
                let message = format!("the expression does not compile: {}", error.message);
                let problem = place.problem(message, format!("mend {}", shortened(source)));
                self.loader.problems.push(problem.at(line, column));
                None
            }
        }
    }

    fn optional(&mut self, source: &str, place: &Place<'_>) -> Option<ExprId> {
        if source.is_empty() {
            None
        } else {
            self.expression(source, place)
        }
    }

    fn whitelist(&mut self, spec: &WhitelistSpec, name: Name, place: &Place<'_>) -> Option<Whitelist> {
        if spec.is_empty() {
            return None;
        }
        let (mut ips, mut cidrs, mut expressions) = (HashSet::new(), Vec::new(), Vec::new());
        for (i, text) in spec.ip.iter().enumerate() {
            if let Ok(address) = text.parse() {
                ips.insert(address);
                continue;
            }
            let place = place.key(&format!("ip[{i}]"));
            self.refuse(
                &place,
                format!("{text:?} is not an address"),
                "write an IPv4 or IPv6 address",
            );
        }
        for (i, text) in spec.cidr.iter().enumerate() {
            if let Ok(network) = text.parse() {
                cidrs.push(network);
                continue;
            }
            let place = place.key(&format!("cidr[{i}]"));
            self.refuse(
                &place,
                format!("{text:?} is not a network"),
                "write it as 192.0.2.0/24",
            );
        }
        for (i, source) in spec.expression.iter().enumerate() {
            expressions.extend(self.expression(source, &place.key(&format!("expression[{i}]"))));
        }
        let reason = Name::new(&spec.reason);
        let mut cell = |metric| {
            self.loader.plan.add(Definition {
                metric,
                name,
                stage: self.stage,
                reason,
            })
        };
        let (hits, ok) = (cell("cs_node_wl_hits_total"), cell("cs_node_wl_hits_ok_total"));
        Some(Whitelist {
            reason: constant(&spec.reason),
            ips,
            cidrs,
            expressions,
            hits,
            ok,
        })
    }

    fn pattern(&mut self, name: &str, text: &str, place: &Place<'_>) {
        match self.library.define(name, text) {
            Ok(()) => {}
            // Upstream: patterns are global, the first definition stays.
            Err(error @ LibraryError::Duplicate(_)) => {
                let warning =
                    place.problem(error.to_string(), "the first definition is used; rename this one");
                self.loader.warnings.push(warning);
            }
            Err(error) => self.refuse(place, error.to_string(), "mend the pattern"),
        }
    }

    fn grok(&mut self, spec: &GrokSpec, place: &Place<'_>) -> Option<GrokStep> {
        if spec.is_empty() {
            return None;
        }
        if spec.name.is_empty() && spec.pattern.is_empty() {
            self.refuse(place, "the grok has no pattern", "give it a name or a pattern");
            return None;
        }
        if spec.apply_on.is_empty() && spec.expression.is_empty() {
            self.refuse(
                place,
                "the grok has nothing to look at",
                "give it apply_on or an expression",
            );
            return None;
        }
        let statics = self.statics(&spec.statics, place, false);
        let subject = match spec.apply_on.as_str() {
            "" => Subject::Expression(self.expression(&spec.expression, &place.key("expression"))?),
            "Line.Raw" => Subject::LineRaw,
            key => Subject::Parsed(Name::new(key)),
        };
        // Upstream: a pattern given beside a name is the one that is used.
        let (compiled, key) = if spec.pattern.is_empty() {
            (self.library.compile_name(&spec.name), "name")
        } else {
            (self.library.compile(&spec.pattern), "pattern")
        };
        match compiled {
            Ok(grok) => Some(GrokStep {
                subject,
                grok,
                statics,
            }),
            Err(error) => {
                self.refuse(&place.key(key), error.to_string(), "mend the pattern");
                None
            }
        }
    }

    fn stash(&mut self, spec: &StashSpec, place: &Place<'_>) -> Option<StashStep> {
        for (key, text) in [
            ("name", &spec.name),
            ("key", &spec.key),
            ("value", &spec.value),
            ("ttl", &spec.ttl),
        ] {
            if text.is_empty() {
                self.refuse(
                    place,
                    format!("the stash has no {key}"),
                    "give it name, key, value and ttl",
                );
                return None;
            }
        }
        let Ok(ttl) = Duration::parse(&spec.ttl) else {
            let message = format!("ttl {:?} is not a duration", spec.ttl);
            self.refuse(&place.key("ttl"), message, "write it as 30s, 5m or 1h");
            return None;
        };
        // Upstream means 100 by default, but panics when size is absent (`pkg/parser/node.go`).
        let size = spec.size.unwrap_or(100);
        let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
            self.refuse(
                &place.key("size"),
                "size must be above 0",
                "write how many entries to keep",
            );
            return None;
        };
        let strategy = match spec.strategy.as_str() {
            "" | "LRU" | "ARC" => Strategy::Lru,
            "LFU" => Strategy::Lfu,
            other => {
                let message = format!("there is no strategy {other:?}");
                self.refuse(&place.key("strategy"), message, "write LRU, LFU or ARC");
                return None;
            }
        };
        let key = self.expression(&spec.key, &place.key("key"))?;
        let value = self.expression(&spec.value, &place.key("value"))?;
        self.loader.world.stash.declare(&spec.name, size, ttl, strategy);
        Some(StashStep {
            cache: spec.name.clone(),
            key,
            value,
        })
    }

    /// Compiles statics; those of a node are checked, those of a grok are not (as upstream).
    fn statics(&mut self, specs: &[StaticSpec], place: &Place<'_>, is_checked: bool) -> Vec<Static> {
        let mut statics = Vec::new();
        for (i, spec) in specs.iter().enumerate() {
            let place = place.key(&format!("statics[{i}]"));
            if is_checked && !self.is_static_valid(spec, &place) {
                continue;
            }
            if let Some(one) = self.one_static(spec, &place) {
                statics.push(one);
            }
        }
        statics
    }

    fn is_static_valid(&mut self, spec: &StaticSpec, place: &Place<'_>) -> bool {
        let is_method = !spec.method.is_empty();
        let has_target = [&spec.meta, &spec.parsed, &spec.target]
            .iter()
            .any(|text| !text.is_empty());
        if !is_method && !has_target {
            self.refuse(
                place,
                "the static has no destination",
                "give it meta, parsed, target or method",
            );
            return false;
        }
        if spec.value.is_empty() && spec.expression.is_empty() {
            self.refuse(
                place,
                "the static has nothing to write",
                "give it a value or an expression",
            );
            return false;
        }
        true
    }

    fn one_static(&mut self, spec: &StaticSpec, place: &Place<'_>) -> Option<Static> {
        let target = if !spec.method.is_empty() {
            let Some(method) = Method::find(&spec.method) else {
                let message = format!(
                    "there is no method {:?}, so this static does nothing",
                    spec.method
                );
                let cure = "use GeoIpCity, GeoIpASN, IpToRange, reverse_dns, ParseDate or UnmarshalJSON";
                self.loader
                    .warnings
                    .push(place.key("method").problem(message, cure));
                return None;
            };
            Target::Method(method)
        } else if !spec.parsed.is_empty() {
            Target::Parsed(Name::new(&spec.parsed))
        } else if !spec.meta.is_empty() {
            Target::Meta(Name::new(&spec.meta))
        } else if !spec.enriched.is_empty() {
            Target::Enriched(Name::new(&spec.enriched))
        } else {
            Target::of_path(&spec.target)
        };
        if target == Target::Unknown {
            let message = format!(
                "there is no target {:?}, so this static does nothing",
                spec.target
            );
            let cure = "write evt.StrTime, evt.Parsed.<name>, evt.Meta.<name> or another field of the event";
            self.loader
                .warnings
                .push(place.key("target").problem(message, cure));
        }
        let source = if !spec.value.is_empty() {
            StaticSource::Constant(constant(&spec.value))
        } else if spec.expression.is_empty() {
            StaticSource::Nothing
        } else {
            StaticSource::Expression(self.expression(&spec.expression, &place.key("expression"))?)
        };
        // An unknown target keeps its expression: evaluating it may have effects that later nodes see.
        Some(Static { source, target })
    }
}

/// Returns the beginning of an expression, for messages.
fn shortened(source: &str) -> String {
    const LONGEST: usize = 120;
    let line = source.trim().replace('\n', " ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Returns `text` as a value that all events of all workers share; interned, so that copies count nothing.
fn constant(text: &str) -> Text {
    Name::try_new(text).map_or_else(|| Text::from(text), Name::to_text)
}
