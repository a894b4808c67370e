//! Runs an event through the stages: the order of things inside a node is upstream's to the letter (`pkg/parser/runtime.go`, `node.go`).

use std::sync::Arc;

use expr::{EvalError, ExprId, FieldId, Library, LogLevel, Memo, Value};

use super::{
    Recorder,
    node::{GrokStep, Node, Stage, StashStep, Static, StaticSource, Subject, Target, Whitelist},
};
use crate::{
    Event, Mode, Name, Text,
    counters::Tally,
    enrich::Method,
    env::{
        EventEnv, RunHost, event as fields, line as line_fields, runtime_alert as overflow_fields,
        source as source_fields,
    },
    event::Type,
    grok,
};

/// One pass of one event.
pub(crate) struct Run<'a> {
    pub(crate) library: &'a Library,
    pub(crate) host: &'a RunHost<'a>,
    pub(crate) stages: &'a [Stage],
    pub(crate) memo: &'a mut Memo,
    pub(crate) grok: &'a mut grok::Cache,
    pub(crate) tally: &'a Tally,
}

/// The event cannot be used: a static gave a value that is no text.
#[derive(Debug, thiserror::Error)]
#[error("unexpected return type for static: {0}")]
pub(crate) struct Abort(&'static str);

impl Run<'_> {
    /// Runs all stages; `event.process` says whether every stage had a success.
    pub(crate) fn stages(
        &mut self,
        event: &mut Event,
        mut recorder: Option<&mut dyn Recorder>,
    ) -> Result<(), Abort> {
        if event.stage.is_empty()
            && let Some(first) = self.stages.first()
        {
            event.stage = first.name;
        }
        for (index, stage) in self.stages.iter().enumerate() {
            if self.position(event.stage).is_some_and(|at| at > index) {
                continue;
            }
            if event.stage != stage.name {
                event.process = false;
                return Ok(());
            }
            let mut is_parsed = false;
            for node in &stage.nodes {
                let success = self.node(node, event)?;
                if let Some(recorder) = recorder.as_deref_mut() {
                    recorder.node(&stage.name, &node.name, success, event);
                }
                is_parsed |= success;
                if (success && node.advances) || event.stage != stage.name {
                    break;
                }
            }
            if !is_parsed {
                event.process = false;
                return Ok(());
            }
        }
        event.process = true;
        Ok(())
    }

    fn position(&self, stage: Name) -> Option<usize> {
        self.stages.iter().position(|known| known.name == stage)
    }

    /// Runs one node; the answer is whether it succeeded.
    fn node(&mut self, node: &Node, event: &mut Event) -> Result<bool, Abort> {
        if let Some(filter) = node.filter
            && !self.filter(node, filter, event)
        {
            return Ok(false);
        }
        if let Some(cells) = &node.cells {
            self.tally.count(cells.hits);
        }
        let whitelisted = match &node.whitelist {
            Some(whitelist) => self.whitelist(node, whitelist, event),
            None => false,
        };
        let grokked = match &node.grok {
            Some(step) => Some(self.grok(node, step, event)?),
            None => None,
        };
        let mut state = grokked.unwrap_or(true);
        if state {
            for step in &node.stash {
                self.stash(node, step, event);
            }
        }
        for child in &node.children {
            if self.node(child, event)? {
                state = true;
                if node.advances {
                    break;
                }
            } else if grokked != Some(true) {
                state = false;
            }
        }
        if let Some(cells) = &node.cells {
            self.tally.count(if state { cells.ok } else { cells.ko });
        }
        if !state {
            return Ok(false);
        }
        if whitelisted || node.whitelist.is_none() {
            self.statics(node, &node.statics, event)?;
        }
        if node.advances {
            self.advance(event);
        }
        Ok(true)
    }

    /// Moves the event to the stage after its own, which a child may already have moved.
    fn advance(&mut self, event: &mut Event) {
        if let Some(at) = self.position(event.stage)
            && let Some(next) = self.stages.get(at + 1)
        {
            event.stage = next.name;
            self.memo.invalidate(fields::STAGE);
        }
    }

    fn eval(&mut self, expression: ExprId, event: &mut Event) -> Result<Value, EvalError> {
        let mut env = EventEnv::new(event, self.host);
        self.library.eval(expression, &mut env, self.memo)
    }

    fn filter(&mut self, node: &Node, filter: ExprId, event: &mut Event) -> bool {
        match self.eval(filter, event) {
            Ok(Value::Bool(answer)) => answer,
            Ok(other) => {
                self.warn(node, || {
                    format!("filter gave {} instead of a bool", other.type_name())
                });
                false
            }
            Err(error) => {
                self.warn(node, || format!("filter failed: {error}"));
                false
            }
        }
    }

    fn whitelist(&mut self, node: &Node, whitelist: &Whitelist, event: &mut Event) -> bool {
        self.tally.count(whitelist.hits);
        let matched = is_listed(whitelist, event) || self.is_excused(node, whitelist, event);
        if !matched {
            return false;
        }
        self.tally.count(whitelist.ok);
        if !event.whitelisted {
            event.whitelisted = true;
            event.whitelist_reason = whitelist.reason.clone();
        }
        if event.kind == Type::Overflow
            && let Some(overflow) = &mut event.overflow
        {
            overflow.whitelisted = true;
        }
        for field in [
            fields::WHITELISTED,
            fields::WHITELIST_REASON,
            overflow_fields::WHITELISTED,
        ] {
            self.memo.invalidate(field);
        }
        true
    }

    fn is_excused(&mut self, node: &Node, whitelist: &Whitelist, event: &mut Event) -> bool {
        for expression in &whitelist.expressions {
            match self.eval(*expression, event) {
                Ok(Value::Bool(true)) => return true,
                Ok(Value::Bool(false)) => {}
                Ok(other) => {
                    self.warn(node, || {
                        format!("whitelist gave {} instead of a bool", other.type_name())
                    });
                }
                Err(error) => {
                    self.warn(node, || format!("whitelist failed: {error}"));
                    return false;
                }
            }
        }
        false
    }

    fn grok(&mut self, node: &Node, step: &GrokStep, event: &mut Event) -> Result<bool, Abort> {
        let subject = match step.subject {
            Subject::LineRaw => event.line.raw.clone(),
            Subject::Parsed(name) => match event.parsed.get_name(name) {
                Some(text) => text.clone(),
                None => return Ok(false),
            },
            Subject::Expression(expression) => match self.eval(expression, event) {
                Ok(Value::Str(text)) => text,
                Ok(Value::Int(number)) => Text::from(number.to_string()),
                Ok(Value::Float(number)) => Text::from(float(number)),
                Ok(_) => Text::default(),
                Err(error) => {
                    self.warn(node, || format!("grok expression failed: {error}"));
                    Text::default()
                }
            },
        };
        let Some(spans) = step.grok.captures(&subject, self.grok) else {
            return Ok(false);
        };
        for (name, span) in step.grok.names().iter().zip(spans) {
            // A group that took no part writes too: it empties what an earlier node captured.
            let value = span
                .map(|(from, to)| subject.substr(from..to))
                .unwrap_or_default();
            event.parsed.set(*name, value);
        }
        self.memo.invalidate(fields::PARSED);
        self.statics(node, &step.statics, event)?;
        Ok(true)
    }

    fn stash(&mut self, node: &Node, step: &StashStep, event: &mut Event) {
        let texts = [self.eval(step.key, event), self.eval(step.value, event)];
        if let [Ok(Value::Str(key)), Ok(Value::Str(value))] = &texts {
            let (stash, now) = (&self.host.world().stash, self.host.time());
            stash.set(&step.cache, key, value, None, now);
            return;
        }
        self.warn(node, || {
            format!("stash {}: key and value must be strings", step.cache)
        });
    }

    fn statics(&mut self, node: &Node, statics: &[Static], event: &mut Event) -> Result<(), Abort> {
        for one in statics {
            let value = match &one.source {
                StaticSource::Nothing => Text::default(),
                StaticSource::Constant(text) => text.clone(),
                StaticSource::Expression(expression) => match self.eval(*expression, event) {
                    Ok(value) => self.static_text(node, value)?,
                    Err(error) => {
                        self.warn(node, || format!("static failed: {error}"));
                        continue;
                    }
                },
            };
            if value.is_empty() && one.target != Target::Method(Method::ParseDate) {
                continue;
            }
            self.write(&one.target, value, event);
        }
        Ok(())
    }

    fn static_text(&mut self, node: &Node, value: Value) -> Result<Text, Abort> {
        Ok(match value {
            Value::Str(text) => text,
            Value::Int(number) => Text::from(number.to_string()),
            Value::Float(number) => Text::from(float(number)),
            Value::Nil => Text::default(),
            Value::Map(_) | Value::Array(_) => {
                self.warn(node, || {
                    "static gave a map or a list, which is no text".to_owned()
                });
                Text::default()
            }
            other => return Err(Abort(other.type_name())),
        })
    }

    fn write(&mut self, target: &Target, value: Text, event: &mut Event) {
        let field = match target {
            Target::Method(method) => {
                method.run(&value, event, self.host);
                for field in method_writes(*method, event.mode) {
                    self.memo.invalidate(*field);
                }
                return;
            }
            Target::Parsed(name) => {
                event.parsed.set(*name, value);
                fields::PARSED
            }
            Target::Meta(name) => {
                event.meta.set(*name, value);
                fields::META
            }
            Target::Enriched(name) => {
                event.enriched.set(*name, value);
                fields::ENRICHED
            }
            Target::StrTime => {
                event.str_time = value;
                fields::STR_TIME
            }
            Target::StrTimeFormat => {
                event.str_time_format = value;
                fields::STR_TIME_FORMAT
            }
            Target::MarshaledTime => {
                event.marshaled_time = value;
                fields::MARSHALED_TIME
            }
            other => match write_rare(other, value, event) {
                Some(field) => field,
                None => return,
            },
        };
        self.memo.invalidate(field);
    }

    fn warn(&self, node: &Node, message: impl FnOnce() -> String) {
        if node.failures.is_worth_a_line() {
            let line = format!("{}: {}", node.name, message());
            self.host.world().outside.log(LogLevel::Warn, &line);
        }
    }
}

fn is_listed(whitelist: &Whitelist, event: &Event) -> bool {
    if whitelist.ips.is_empty() && whitelist.cidrs.is_empty() {
        return false;
    }
    // Exact comparison: an IPv4 address written as IPv6 is no IPv4 address, as with Go's netip.
    event.source_addresses().iter().any(|address| {
        whitelist.ips.contains(address) || whitelist.cidrs.iter().any(|network| network.contains(address))
    })
}

fn method_writes(method: Method, mode: Mode) -> &'static [FieldId] {
    match method {
        Method::UnmarshalJson => &[fields::UNMARSHALED],
        Method::ParseDate if mode == Mode::TimeMachine => &[fields::ENRICHED, fields::TIME],
        _ => &[fields::ENRICHED],
    }
}

/// Writes what few items write; returns the field that changed.
fn write_rare(target: &Target, value: Text, event: &mut Event) -> Option<FieldId> {
    Some(match target {
        Target::Unmarshaled(name) => {
            let map = event.unmarshaled.get_or_insert_with(Arc::default);
            Arc::make_mut(map).insert(name.as_str(), Value::Str(value));
            fields::UNMARSHALED
        }
        Target::Label(name) => {
            let labels = Arc::make_mut(&mut event.line.labels);
            labels.insert(name.as_str().to_owned(), value.to_string());
            line_fields::LABELS
        }
        Target::WhitelistReason => {
            event.whitelist_reason = value;
            fields::WHITELIST_REASON
        }
        Target::Stage => {
            event.stage = Name::new(&value);
            fields::STAGE
        }
        Target::LineRaw => {
            event.line.raw = value;
            line_fields::RAW
        }
        Target::LineSrc => {
            event.line.src = Arc::from(value.as_str());
            line_fields::SRC
        }
        Target::LineModule => {
            event.line.module = value;
            line_fields::MODULE
        }
        _ => return write_alert(target, value, event),
    })
}

fn write_alert(target: &Target, value: Text, event: &mut Event) -> Option<FieldId> {
    let overflow = event.overflow.as_deref_mut()?;
    let alert = overflow.alerts.first_mut()?;
    match target {
        Target::AlertMessage => alert.message = value,
        Target::AlertScenario => alert.scenario = value,
        Target::AlertKind => alert.kind = value,
        _ => {
            let source = alert.source.as_mut()?;
            let identity = overflow.identities.get_mut(source.identity);
            match target {
                Target::SourceScope => identity?.scope = value,
                Target::SourceValue => identity?.value = value,
                Target::SourceIp => source.ip = value,
                Target::SourceRange => source.range = value,
                Target::SourceCn => source.cn = value,
                Target::SourceAsName => source.as_name = value,
                Target::SourceAsNumber => source.as_number = value,
                _ => return None,
            }
            return Some(match target {
                Target::SourceScope => source_fields::SCOPE,
                Target::SourceValue => source_fields::VALUE,
                Target::SourceIp => source_fields::IP,
                Target::SourceRange => source_fields::RANGE,
                Target::SourceCn => source_fields::CN,
                Target::SourceAsName => source_fields::AS_NAME,
                _ => source_fields::AS_NUMBER,
            });
        }
    }
    Some(match target {
        Target::AlertMessage => crate::env::alert::MESSAGE,
        Target::AlertScenario => crate::env::alert::SCENARIO,
        _ => crate::env::alert::KIND_,
    })
}

/// Writes a float as Go's `%f` does.
fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{number:.6}")
    }
}
