//! All scenarios of a configuration, compiled: which events they take, and what their expressions answer in a bucket.

use std::{collections::HashMap, sync::Arc};

use expr::{CompileError, EvalError, ExprId, FilterSet, Host, Library, Memo, Scheme, Type, Value};

use super::{
    Closed, Judge, Pour, ScenarioId, View,
    load::{line_of, line_with, load},
    scope::{BucketEnv, Schemes},
    spec::Spec,
};
use crate::{
    Event, ItemFile, Problem, Text,
    env::{EventEnv, RunHost},
    event::RuntimeAlert,
    loader::Loader,
};

/// The compiled scenarios, in load order.
#[derive(Debug)]
pub struct Scenarios {
    /// The documents as checked.
    pub specs: Arc<[Spec]>,
    /// Number of each document's (filter, name) pair: equal numbers share buckets.
    pub families: Arc<[u32]>,
    compiled: Vec<Compiled>,
    filters: Option<FilterSet>,
}

/// The expressions of one scenario.
#[derive(Debug)]
struct Compiled {
    filter: ExprId,
    groupby: Option<ExprId>,
    distinct: Option<ExprId>,
    cancel_on: Option<ExprId>,
    condition: Option<ExprId>,
    overflow_filter: Option<ExprId>,
    scope: Option<ExprId>,
    weights: Vec<ExprId>,
}

/// What one evaluation needs besides the scenarios: the graph, what is remembered, the world.
pub struct Bench<'a> {
    /// The compiled expressions.
    pub library: &'a Library,
    /// Results remembered for the event at hand.
    pub memo: &'a mut Memo,
    /// The world.
    pub host: &'a RunHost<'a>,
    /// Takes what went wrong in an expression at run time: the scenario, the key of the expression, the error.
    pub failed: &'a mut dyn FnMut(&Spec, &'static str, &EvalError),
}

impl Scenarios {
    /// Reads and compiles the scenarios of `files`, which are sorted by install path.
    pub(crate) fn load(files: &[&ItemFile], schemes: &Schemes, loader: &mut Loader<'_>) -> Self {
        let mut specs = Vec::new();
        for file in files {
            let mut loaded = load(file);
            specs.append(&mut loaded.specs);
            loader.problems.append(&mut loaded.problems);
            loader.warnings.append(&mut loaded.warnings);
        }
        for spec in &specs {
            load_data(spec, text_of(files, spec), loader);
        }
        Self::compile(specs, files, &mut loader.library, schemes, &mut loader.problems)
    }

    /// Compiles `specs`, whose texts stand in `files`; what does not compile is added to `problems`.
    fn compile(
        specs: Vec<Spec>,
        files: &[&ItemFile],
        library: &mut Library,
        schemes: &Schemes,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut families: HashMap<(&str, &str), u32> = HashMap::new();
        let mut numbers = Vec::with_capacity(specs.len());
        for spec in &specs {
            let next = u32::try_from(families.len()).unwrap_or(u32::MAX);
            numbers.push(*families.entry((&spec.filter, spec.name.as_str())).or_insert(next));
        }
        let mut compiled = Vec::with_capacity(specs.len());
        for spec in &specs {
            let mut compiler = Compiler {
                spec,
                text: text_of(files, spec),
                library,
                problems,
            };
            compiled.extend(compiler.scenario(schemes));
        }
        Self {
            families: numbers.into(),
            specs: specs.into(),
            compiled,
            filters: None,
        }
    }

    /// Joins all filters into one program; `host` gives the data files they name.
    pub fn join_filters(&mut self, library: &Library, host: &dyn Host) {
        let filters: Vec<ExprId> = self.compiled.iter().map(|scenario| scenario.filter).collect();
        self.filters = Some(FilterSet::new(library, &filters, host));
    }

    /// Returns the pours of `event`: one for each scenario whose filter is true, in load order.
    ///
    /// A failing filter or groupby skips that scenario only. The memo must have been cleared for `event`.
    pub fn pours(&self, bench: &mut Bench<'_>, event: &mut Event) -> Vec<Pour> {
        let Some(filters) = &self.filters else {
            return Vec::new();
        };
        let mut pours = Vec::new();
        let mut env = EventEnv::new(event, bench.host);
        let mut run = filters.start();
        while let Some((index, verdict)) = run.next(filters, bench.library, &mut env, bench.memo) {
            let (Some(spec), Some(compiled)) = (self.specs.get(index), self.compiled.get(index)) else {
                continue;
            };
            if let Err(error) = verdict {
                (bench.failed)(spec, "filter", &error);
                continue;
            }
            let partition = match compiled
                .groupby
                .map(|id| bench.library.eval(id, &mut env, bench.memo))
            {
                None => Text::default(),
                Some(Ok(Value::Str(text))) => text,
                Some(Ok(other)) => {
                    (bench.failed)(spec, "groupby", &not_a_string(&other));
                    continue;
                }
                Some(Err(error)) => {
                    (bench.failed)(spec, "groupby", &error);
                    continue;
                }
            };
            let distinct = compiled.distinct.and_then(|id| {
                let value = bench.library.eval(id, &mut env, bench.memo);
                text_or_empty(value, spec, "distinct", bench.failed)
            });
            pours.push(Pour {
                scenario: u32::try_from(index).unwrap_or(u32::MAX),
                partition,
                distinct,
            });
        }
        pours
    }

    /// Returns the value of the scope expression of `scenario` for `event`; `None` without one or when it failed.
    pub fn scope_value(
        &self,
        bench: &mut Bench<'_>,
        scenario: ScenarioId,
        event: &Arc<Event>,
    ) -> Option<Text> {
        let (spec, compiled) = self.get(scenario)?;
        let id = compiled.scope?;
        let value = eval(bench, id, event, &[], None);
        text_or_empty(value, spec, "scope", bench.failed)
    }

    fn get(&self, scenario: ScenarioId) -> Option<(&Spec, &Compiled)> {
        Some((
            self.specs.get(scenario as usize)?,
            self.compiled.get(scenario as usize)?,
        ))
    }
}

/// The scenarios with what is needed to evaluate them: answers a shard's questions.
pub struct ScenarioJudge<'a, 'b> {
    /// The scenarios.
    pub scenarios: &'a Scenarios,
    /// Graph, memo and world.
    pub bench: Bench<'b>,
    /// Builds the overflow that `overflow_filter` sees as `signal`.
    pub signal: &'a mut dyn FnMut(&mut Bench<'b>, &Closed) -> Option<RuntimeAlert>,
}

impl ScenarioJudge<'_, '_> {
    fn holds(
        &mut self,
        key: &'static str,
        id: Option<ExprId>,
        event: &Arc<Event>,
        bucket: Option<View<'_>>,
        scenario: ScenarioId,
    ) -> bool {
        let (Some(id), Some((spec, _))) = (id, self.scenarios.get(scenario)) else {
            return false;
        };
        let queue: Vec<Arc<Event>> = bucket
            .map(|view| view.queue.events().iter().cloned().collect())
            .unwrap_or_default();
        let value = eval(
            &mut self.bench,
            id,
            event,
            &queue,
            bucket.map(|view| (spec, view)),
        );
        truth(value, spec, key, self.bench.failed).unwrap_or(false)
    }
}

impl Judge for ScenarioJudge<'_, '_> {
    fn distinct(&mut self, scenario: ScenarioId, event: &Arc<Event>) -> Option<Text> {
        let (spec, compiled) = self.scenarios.get(scenario)?;
        let value = eval(&mut self.bench, compiled.distinct?, event, &[], None);
        text_or_empty(value, spec, "distinct", self.bench.failed)
    }

    fn cancels(&mut self, scenario: ScenarioId, event: &Arc<Event>) -> bool {
        let id = self
            .scenarios
            .get(scenario)
            .and_then(|(_, compiled)| compiled.cancel_on);
        self.holds("cancel_on", id, event, None, scenario)
    }

    fn condition(&mut self, event: &Arc<Event>, bucket: View<'_>) -> bool {
        let id = self
            .scenarios
            .get(bucket.scenario)
            .and_then(|(_, compiled)| compiled.condition);
        self.holds("condition", id, event, Some(bucket), bucket.scenario)
    }

    fn weight(&mut self, index: usize, event: &Arc<Event>, bucket: View<'_>) -> bool {
        let id = self
            .scenarios
            .get(bucket.scenario)
            .and_then(|(_, compiled)| compiled.weights.get(index).copied());
        self.holds("bayesian_conditions", id, event, Some(bucket), bucket.scenario)
    }

    fn lets_pass(&mut self, closed: &Closed) -> bool {
        let Some((spec, compiled)) = self.scenarios.get(closed.scenario) else {
            return true;
        };
        let Some(id) = compiled.overflow_filter else {
            return true;
        };
        let Some(signal) = (self.signal)(&mut self.bench, closed) else {
            return true;
        };
        let mut event = Event::from_overflow(signal, closed.stop.time.timestamp(), Text::default());
        let queue = super::queue::Queue::of(closed.events.iter().cloned());
        let view = View {
            scenario: closed.scenario,
            key: &closed.key,
            queue: &queue,
            first: Some(&closed.first),
            last: Some(&closed.last),
            total: closed.total,
        };
        self.bench.memo.clear();
        let mut events = EventEnv::new(&mut event, self.bench.host);
        events.queue = &closed.events;
        let mut env = BucketEnv {
            events,
            bucket: Some((spec, view)),
        };
        let value = self.bench.library.eval(id, &mut env, self.bench.memo);
        truth(value, spec, "overflow_filter", self.bench.failed).unwrap_or(true)
    }
}

/// Evaluates `id` for a shared event and the bucket it is in; a write to the event stays in this evaluation.
fn eval(
    bench: &mut Bench<'_>,
    id: ExprId,
    event: &Arc<Event>,
    queue: &[Arc<Event>],
    bucket: Option<(&Spec, View<'_>)>,
) -> Result<Value, EvalError> {
    bench.memo.clear();
    let mut copy = Event::clone(event);
    let mut events = EventEnv::new(&mut copy, bench.host);
    events.queue = queue;
    bench
        .library
        .eval(id, &mut BucketEnv { events, bucket }, bench.memo)
}

/// Evaluates a context expression for a queued event.
pub(crate) fn eval_context(
    bench: &mut Bench<'_>,
    id: ExprId,
    event: &Arc<Event>,
) -> Result<Value, EvalError> {
    eval(bench, id, event, &[], None)
}

fn text_or_empty(
    value: Result<Value, EvalError>,
    spec: &Spec,
    key: &'static str,
    failed: &mut dyn FnMut(&Spec, &'static str, &EvalError),
) -> Option<Text> {
    match value {
        Ok(Value::Str(text)) => Some(text),
        Ok(_) => Some(Text::default()),
        Err(error) => {
            failed(spec, key, &error);
            None
        }
    }
}

fn truth(
    value: Result<Value, EvalError>,
    spec: &Spec,
    key: &'static str,
    failed: &mut dyn FnMut(&Spec, &'static str, &EvalError),
) -> Option<bool> {
    match value {
        Ok(Value::Bool(truth)) => Some(truth),
        Ok(other) => {
            failed(
                spec,
                key,
                &EvalError::new(format!("expected bool, but got {}", other.type_name())),
            );
            Some(false)
        }
        Err(error) => {
            failed(spec, key, &error);
            None
        }
    }
}

fn not_a_string(value: &Value) -> EvalError {
    EvalError::new(format!("expected string, but got {}", value.type_name()))
}

fn text_of<'a>(files: &[&'a ItemFile], spec: &Spec) -> &'a str {
    files
        .iter()
        .find(|file| *file.path == *spec.file)
        .map_or("", |file| &file.text)
}

/// Loads the data files of a scenario; one that is not there only warns, as upstream does.
fn load_data(spec: &Spec, text: &str, loader: &mut Loader<'_>) {
    for (index, entry) in spec.data.iter().enumerate() {
        let Err(error) = loader.data.load(entry, loader.world) else {
            continue;
        };
        let begin = line_of(text, spec.line, "data");
        let line = line_with(text, begin, &entry.dest_file).unwrap_or(begin);
        let problem = Problem::in_file(&spec.file, error.to_string(), error.cure())
            .at(line, 1)
            .of(&spec.name)
            .field(format!("data[{index}]"));
        let into = if error.is_tolerated() {
            &mut loader.warnings
        } else {
            &mut loader.problems
        };
        into.push(problem);
    }
}

/// Compiles the expressions of one document and says where one is wrong.
struct Compiler<'a> {
    spec: &'a Spec,
    text: &'a str,
    library: &'a mut Library,
    problems: &'a mut Vec<Problem>,
}

impl Compiler<'_> {
    fn scenario(&mut self, schemes: &Schemes) -> Option<Compiled> {
        let spec = self.spec;
        let event = &schemes.event;
        let filter = self.required("filter", &spec.filter, event);
        let groupby = self.optional("groupby", spec.groupby.as_deref(), event);
        let distinct = self.optional("distinct", spec.distinct.as_deref(), event);
        let cancel_on = self.optional("cancel_on", spec.cancel_on.as_deref(), event);
        let condition = self.optional("condition", spec.condition.as_deref(), &schemes.condition);
        let overflow_filter = self.optional(
            "overflow_filter",
            spec.overflow_filter.as_deref(),
            &schemes.overflow,
        );
        let scope = self.optional("scope", spec.scope.expression.as_deref(), event);
        let weights = spec
            .weights
            .iter()
            .filter_map(|weight| self.required("bayesian_conditions", &weight.condition, &schemes.condition))
            .collect();
        filter.map(|filter| Compiled {
            filter,
            groupby,
            distinct,
            cancel_on,
            condition,
            overflow_filter,
            scope,
            weights,
        })
    }

    fn optional(&mut self, field: &str, source: Option<&str>, scheme: &Scheme) -> Option<ExprId> {
        source.and_then(|source| self.required(field, source, scheme))
    }

    fn required(&mut self, field: &str, source: &str, scheme: &Scheme) -> Option<ExprId> {
        match self.library.compile(source, scheme, &Type::Any) {
            Ok(id) => Some(id),
            Err(error) => {
                let line = line_of(self.text, self.spec.line, field);
                self.problems
                    .push(expression_problem(self.spec, field, line, &error));
                None
            }
        }
    }
}

fn expression_problem(spec: &Spec, field: &str, line: usize, error: &CompileError) -> Problem {
    let cure = "correct the expression";
    Problem::in_file(&spec.file, format!("invalid {field}: {error}"), cure)
        .at(line, 1)
        .of(spec.name.as_str())
        .field(field)
}
