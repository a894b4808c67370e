//! The variable `results` of assertions: what nodes or buckets did, as the expression language sees it.

use std::sync::Arc;

use engine::{
    Event, World,
    env::{self, EventEnv, RunHost},
    trace::{NodeResult, Trace},
};
use expr::{
    Env, EvalError, ExprId, FieldId, Function, Host, Key, Library, Map, Memo, MethodId, Missing, Object,
    Objects, Place, Scheme, Signature, Type, Value, VariableId, object,
};
use jiff::Timestamp;

object! {
    /// Upstream: `pkg/dumps`, `ParserResult`.
    pub mod result = 200, "dumps.ParserResult" {
        IDX "Idx": Type::Int,
        EVT "Evt": Type::Object(env::event::KIND),
        SUCCESS "Success": Type::Bool,
    }
}

const RESULTS: VariableId = VariableId(200);

/// What one assertion file is about.
pub struct Results {
    library: Library,
    scheme: Scheme,
    value: Value,
    /// Every event that can be reached; instance `n` of an event object is entry `n - 1`.
    events: Vec<Arc<Event>>,
    nodes: Vec<NodeResult>,
    now: Timestamp,
}

impl Results {
    /// Returns the results of parsers and post-overflows: by stage, by node, in line order.
    pub fn of_parsers(trace: &Trace, now: Timestamp) -> Self {
        let mut nodes = Vec::new();
        let mut stages = Map::with_missing(Missing::Nil);
        for (stage, names) in &trace.nodes {
            let mut by_name = Map::with_missing(Missing::EmptyArray);
            for (name, results) in names {
                let objects = results.iter().map(|result| {
                    nodes.push(result.clone());
                    Value::Object(Object {
                        kind: result::KIND,
                        index: index(nodes.len()),
                    })
                });
                by_name.insert(name.as_str(), Value::array(objects.collect()));
            }
            stages.insert(stage.as_str(), Value::map(by_name));
        }
        let events = nodes.iter().map(|node| node.event.clone()).collect();
        let ty = Type::map(Type::map(Type::array(Type::Object(result::KIND))));
        Self::new(ty, Value::map(stages), events, nodes, now)
    }

    /// Returns the overflows, in the order upstream numbers them.
    pub fn of_overflows(trace: &Trace, now: Timestamp) -> Self {
        let events = trace.sorted_overflows();
        let objects = (1..=events.len()).map(|number| {
            Value::Object(Object {
                kind: env::event::KIND,
                index: index(number),
            })
        });
        let ty = Type::array(Type::Object(env::event::KIND));
        Self::new(ty, Value::array(objects.collect()), events, Vec::new(), now)
    }

    fn new(ty: Type, value: Value, events: Vec<Arc<Event>>, nodes: Vec<NodeResult>, now: Timestamp) -> Self {
        let objects = Objects::new(env::definitions().into_iter().chain([result::define()]));
        let basename = Function::pure(
            "basename",
            Signature::fixed([Type::String], Type::String),
            |call| Ok(Value::text(base(call.text(0)?))),
        );
        let scheme = Scheme::new(&objects)
            .with_variable("results", ty, RESULTS)
            .with_functions([basename]);
        Self {
            library: Library::new(&objects),
            scheme,
            value,
            events,
            nodes,
            now,
        }
    }

    /// Compiles and evaluates `expression`.
    pub fn eval(&mut self, expression: &str) -> Result<Value, Error> {
        let id = self
            .library
            .compile(expression, &self.scheme, &Type::Any)
            .map_err(|error| Error::Compile(error.to_string()))?;
        self.run(id).map_err(|error| Error::Run {
            expression: expression.to_owned(),
            error,
        })
    }

    fn run(&self, id: ExprId) -> Result<Value, EvalError> {
        let world = World::default();
        let host = RunHost::bare(&world, self.now);
        let mut nothing = empty_event(self.now);
        let mut events = EventEnv::new(&mut nothing, &host);
        events.queue = &self.events;
        let mut env = ResultsEnv {
            events,
            results: self,
        };
        self.library.eval(id, &mut env, &mut Memo::new(&self.library))
    }
}

/// Why an assertion has no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not an expression over the results.
    #[error("{0}")]
    Compile(String),
    /// It speaks of something that is not there.
    #[error("while running expression {expression}: {error}")]
    Run {
        /// The expression.
        expression: String,
        /// What happened.
        #[source]
        error: EvalError,
    },
}

/// Go's `filepath.Base`.
fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some(base) if !base.is_empty() => base,
        _ if path.is_empty() => ".",
        _ => "/",
    }
}

fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn empty_event(at: Timestamp) -> Event {
    let line = engine::RawLine {
        text: engine::Text::default(),
        source: Arc::from(""),
        labels: Arc::default(),
        module: engine::Name::new(""),
        at,
    };
    Event::from_line(line, engine::Mode::TimeMachine)
}

struct ResultsEnv<'a> {
    events: EventEnv<'a>,
    results: &'a Results,
}

impl Env for ResultsEnv<'_> {
    fn field(&self, object: Object, field: FieldId) -> Value {
        if object.kind != result::KIND {
            return self.events.field(object, field);
        }
        let node = object
            .index
            .checked_sub(1)
            .and_then(|index| self.results.nodes.get(index as usize));
        match (node, field) {
            (Some(node), result::SUCCESS) => Value::Bool(node.success),
            // Nodes and events have the same numbers.
            (Some(_), result::EVT) => Value::Object(Object {
                kind: env::event::KIND,
                index: object.index,
            }),
            (Some(node), result::IDX) => Value::Int(i64::try_from(node.line).unwrap_or(i64::MAX)),
            _ => Value::Nil,
        }
    }

    fn entry(&self, object: Object, field: FieldId, key: &Key) -> Value {
        self.events.entry(object, field, key)
    }

    fn entry_text(&self, object: Object, field: FieldId, key: &Key) -> Option<&str> {
        self.events.entry_text(object, field, key)
    }

    fn field_text(&self, object: Object, field: FieldId) -> Option<&str> {
        if object.kind == result::KIND {
            None
        } else {
            self.events.field_text(object, field)
        }
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        self.events.method(object, method, args)
    }

    fn variable(&self, variable: VariableId) -> Value {
        if variable == RESULTS {
            self.results.value.clone()
        } else {
            Value::Nil
        }
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        self.events.set_entry(place, key, value)
    }

    fn host(&self) -> &dyn Host {
        self.events.host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_names_are_gos() {
        for (path, expected) in [
            ("/a/b.log", "b.log"),
            ("b.log", "b.log"),
            ("/a/b/", "b"),
            ("", "."),
            ("/", "/"),
        ] {
            assert_eq!(base(path), expected, "{path:?}");
        }
    }
}
