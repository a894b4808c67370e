//! Compiles parser and post-overflow documents; what upstream refuses at start is refused here, all of it at once.

use std::collections::BTreeMap;

use expr::{ExprId, Type};
use golang::{
    duration::Duration,
    yaml::{self, Dialect},
};

use super::{
    node::{GrokStep, Node, NodeCells, Stage, StashStep, Static, StaticSource, Subject, Target, Whitelist},
    spec::{GrokSpec, NodeSpec, StashSpec, StaticSpec, WhitelistSpec},
};
use crate::{
    ItemFile, Name, Problem, Text,
    counters::Definition,
    enrich::Method,
    grok::{self, LibraryError},
    rules::Loader,
    stash::Strategy,
};

/// Compiles the files of one kind, in the order given, into stages; defects go to the loader.
pub(crate) fn load(items: &[&ItemFile], loader: &mut Loader<'_>) -> Vec<Stage> {
    let mut library = grok::Library::default();
    for file in &loader.world.patterns {
        // Upstream skips files with a dot in their name (backups of editors).
        if file.name.contains('.') {
            continue;
        }
        for (line, error) in library.define_file(&file.text) {
            let problem = Problem::in_file(&file.name, error.to_string(), "mend or remove this pattern");
            loader.problems.push(problem.at(line, 1));
        }
    }
    let mut stages: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for item in items {
        for node in documents(item, &mut library, loader) {
            stages.entry(item.stage.as_str()).or_default().push(node);
        }
    }
    stages
        .into_iter()
        .map(|(name, nodes)| Stage {
            name: Name::new(name),
            nodes,
        })
        .collect()
}

fn documents(item: &ItemFile, library: &mut grok::Library, loader: &mut Loader<'_>) -> Vec<Node> {
    let parsed = match yaml::documents(&item.text) {
        Ok(documents) => documents,
        Err(problem) => {
            loader.problems.push(yaml_problem(item, &problem));
            return Vec::new();
        }
    };
    let mut nodes = Vec::new();
    for document in parsed.iter().filter(|document| !document.node.is_null()) {
        let spec: NodeSpec = match document.node.decode(Dialect::V2Strict) {
            Ok(spec) => spec,
            Err(problem) => {
                loader.problems.push(yaml_problem(item, &problem));
                continue;
            }
        };
        // Upstream: a document without any of the three is taken for an empty one.
        if spec.name.is_empty() && spec.description.is_empty() && spec.author.is_empty() {
            continue;
        }
        let place = Place {
            item,
            name: &spec.name,
            node: &document.node,
            path: String::new(),
        };
        if !is_format_known(&spec.format, &place, loader) {
            continue;
        }
        for (index, entry) in spec.data.iter().enumerate() {
            if let Err(error) = loader.data.load(entry, loader.world) {
                let place = place.key(&format!("data[{index}]"));
                match error {
                    // The hub downloads the file later, or never: upstream logs and goes on.
                    crate::data::DataError::Missing(_) => loader.warnings.push(place.problem(
                        error.to_string(),
                        "run `cscli hub update` and `cscli hub upgrade`, or put the file into the data directory",
                    )),
                    _ => loader.problems.push(place.problem(error.to_string(), "mend the entry or the file")),
                }
            }
        }
        let mut compiler = Compiler {
            stage: Name::new(&item.stage),
            library,
            loader,
        };
        let before = compiler.loader.problems.len();
        let node = compiler.node(&spec, &place, "");
        if compiler.loader.problems.len() == before {
            nodes.push(node);
        }
    }
    nodes
}

/// Turns what the YAML reader found wrong into a problem of the item.
pub(crate) fn yaml_problem(item: &ItemFile, problem: &yaml::Problem) -> Problem {
    Problem::in_file(&item.path, problem.message.clone(), "")
        .at(problem.line, problem.column)
        .of(&item.name)
        .field(problem.path.clone())
}

fn is_format_known(format: &str, place: &Place<'_>, loader: &mut Loader<'_>) -> bool {
    let place = place.key("format");
    match format_version(format) {
        Some(version) if (1.0..=3.0).contains(&version) => true,
        Some(_) => {
            let message = format!("format {format} is not supported, so this document is left out");
            loader
                .warnings
                .push(place.problem(message, "use a format from 1.0 to 3.0"));
            false
        }
        None => {
            let message = format!("format {format:?} is not a version");
            loader
                .problems
                .push(place.problem(message, "write a format from 1.0 to 3.0"));
            false
        }
    }
}

/// Reads a format version as a number, `1.0` when absent; a patch level does not matter.
pub(crate) fn format_version(format: &str) -> Option<f64> {
    if format.is_empty() {
        return Some(1.0);
    }
    let mut parts = format.split('.');
    let (major, minor) = (parts.next()?, parts.next().unwrap_or("0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(major) || !is_number(minor) || !parts.all(is_number) {
        return None;
    }
    format!("{major}.{minor}").parse().ok()
}

/// Where in a document the compiler is, for problems.
#[derive(Clone)]
struct Place<'a> {
    item: &'a ItemFile,
    name: &'a str,
    node: &'a yaml::Node,
    path: String,
}

impl Place<'_> {
    /// Goes down to `key`, which may be an element (`nodes[2]`); an absent key keeps the position.
    fn key(&self, key: &str) -> Self {
        let (name, index) = match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (key, None),
        };
        let mut node = self.node.get(name).unwrap_or(self.node);
        if let Some(index) = index
            && let yaml::Kind::Sequence(items) = node.kind()
            && let Some(item) = items.get(index)
        {
            node = item;
        }
        let path = if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        };
        Self {
            node,
            path,
            ..self.clone()
        }
    }

    /// Returns where in the file an expression's error is: exactly for an expression on one line, else its beginning.
    fn in_expression(&self, source: &str, error: &expr::CompileError) -> (usize, usize) {
        let (line, column) = (self.node.line(), self.node.column());
        if source.contains('\n') {
            return (line, column);
        }
        let written = self
            .item
            .text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default();
        let quote = written
            .chars()
            .nth(column.saturating_sub(1))
            .is_some_and(|c| matches!(c, '"' | '\''));
        let is_quoted = quote && !source.starts_with(['"', '\'']);
        (
            line,
            column + usize::from(is_quoted) + error.column.saturating_sub(1),
        )
    }

    fn problem(&self, message: impl Into<String>, cure: impl Into<String>) -> Problem {
        Problem::in_file(&self.item.path, message, cure)
            .at(self.node.line(), self.node.column())
            .of(if self.name.is_empty() {
                &self.item.name
            } else {
                self.name
            })
            .field(self.path.clone())
    }
}

struct Compiler<'l, 'w> {
    stage: Name,
    library: &'l mut grok::Library,
    loader: &'l mut Loader<'w>,
}

impl Compiler<'_, '_> {
    fn node(&mut self, spec: &NodeSpec, place: &Place<'_>, parent: &str) -> Node {
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
            failures: super::node::Failures::default(),
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
        let (mut ips, mut cidrs, mut expressions) =
            (std::collections::HashSet::new(), Vec::new(), Vec::new());
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
        // Upstream means 100 by default, but panics when size is absent (agent.md §1.4).
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
