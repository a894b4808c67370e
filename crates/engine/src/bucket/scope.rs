//! What the expressions of buckets and contexts see besides `evt`: `queue`, `leaky`, `signal`, `match`, `req`.

use std::sync::Arc;

use expr::{
    Env, EvalError, FieldId, Host, Key, Map, MethodId, Object, Objects, Place, Scheme, Type, Value,
    VariableId,
};

use super::{View, spec::Spec};
use crate::{
    Mode,
    env::{EventEnv, event, leaky, queue, request, runtime_alert},
    overflow,
};

/// The variable `match` of contexts: the WAF rule that matched; empty for log events.
const MATCH: VariableId = VariableId(100);

/// The names each kind of expression of a scenario may use.
#[derive(Debug)]
pub struct Schemes {
    /// Filter, groupby, distinct, `cancel_on`, scope: `evt`.
    pub event: Scheme,
    /// Condition and bayesian conditions: `evt`, `queue`, `leaky`.
    pub condition: Scheme,
    /// `overflow_filter`: `queue`, `signal`, `leaky`.
    pub overflow: Scheme,
    /// Contexts: `evt`, `match`, `req`.
    pub context: Scheme,
}

impl Schemes {
    /// Returns the schemes over `objects`, those of [`crate::env::objects`].
    pub fn new(objects: &Arc<Objects>) -> Self {
        let base = Scheme::new(objects);
        let event = base.clone().with_object("evt", event::KIND);
        let bucket = |scheme: Scheme| {
            scheme
                .with_object("queue", queue::KIND)
                .with_object("leaky", leaky::KIND)
        };
        let ja4h = expr::Function::pure(
            "JA4H",
            expr::Signature::fixed([Type::Object(request::KIND)], Type::String),
            // Only a WAF request has a fingerprint; the agent's contexts see the empty request.
            |_| Ok(Value::text("")),
        );
        Self {
            condition: bucket(event.clone()),
            overflow: bucket(base).with_object("signal", runtime_alert::KIND),
            context: event
                .clone()
                .with_variable("match", Type::anys(), MATCH)
                .with_object("req", request::KIND)
                .with_functions([ja4h]),
            event,
        }
    }
}

/// The environment of an event in a bucket.
pub(super) struct BucketEnv<'a> {
    /// `evt` and the queued events.
    pub(super) events: EventEnv<'a>,
    /// The bucket, where there is one.
    pub(super) bucket: Option<(&'a Spec, View<'a>)>,
}

impl BucketEnv<'_> {
    fn queue_field(&self, field: FieldId) -> Value {
        match field {
            queue::QUEUE => self.queued(),
            queue::L => Value::Int(self.bucket.map_or(0, |(spec, _)| spec.capacity)),
            _ => Value::Nil,
        }
    }

    fn queued(&self) -> Value {
        let count = u32::try_from(self.events.queue.len()).unwrap_or(u32::MAX);
        Value::array(
            (1..=count)
                .map(|index| {
                    Value::Object(Object {
                        kind: event::KIND,
                        index,
                    })
                })
                .collect(),
        )
    }

    fn leaky_field(&self, field: FieldId) -> Value {
        let Some((spec, view)) = self.bucket else {
            return Value::Nil;
        };
        let time = |moment: Option<&super::Moment>| {
            Value::time(moment.map_or(golang::time::Time::ZERO, |moment| moment.time.clone()))
        };
        match field {
            leaky::NAME => Value::text(spec.name.as_str()),
            leaky::MODE => Value::Int(i64::from(self.events.event.mode == Mode::TimeMachine)),
            leaky::QUEUE => Value::Object(Object {
                kind: queue::KIND,
                index: 0,
            }),
            leaky::CAPACITY => Value::Int(spec.capacity),
            leaky::CACHE_SIZE => Value::Int(spec.cache_size),
            leaky::OVFLW_TS | leaky::LAST_TS => time(view.last),
            leaky::FIRST_TS => time(view.first),
            leaky::TOTAL_COUNT => Value::Int(i64::try_from(view.total).unwrap_or(i64::MAX)),
            leaky::LEAKSPEED => Value::Duration(spec.leakspeed),
            leaky::DURATION => Value::Duration(spec.lifetime()),
            leaky::MAPKEY => Value::text(overflow::map_key(spec, &view.key.partition)),
            leaky::REPROCESS => Value::Bool(spec.reprocess),
            _ => Value::Nil,
        }
    }
}

impl Env for BucketEnv<'_> {
    fn field(&self, object: Object, field: FieldId) -> Value {
        match object.kind {
            queue::KIND => self.queue_field(field),
            leaky::KIND => self.leaky_field(field),
            request::KIND if field == request::HEADER => {
                Value::map(Map::with_missing(expr::Missing::EmptyArray))
            }
            request::KIND => Value::text(""),
            _ => self.events.field(object, field),
        }
    }

    fn entry(&self, object: Object, field: FieldId, key: &Key) -> Value {
        match object.kind {
            request::KIND => Value::array(Vec::new()),
            _ => self.events.entry(object, field, key),
        }
    }

    fn entry_text(&self, object: Object, field: FieldId, key: &Key) -> Option<&str> {
        self.events.entry_text(object, field, key)
    }

    fn field_text(&self, object: Object, field: FieldId) -> Option<&str> {
        match object.kind {
            queue::KIND | leaky::KIND | request::KIND => None,
            _ => self.events.field_text(object, field),
        }
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        match object.kind {
            queue::KIND => Ok(self.queued()),
            request::KIND => Ok(Value::text("")),
            _ => self.events.method(object, method, args),
        }
    }

    fn variable(&self, variable: VariableId) -> Value {
        if variable == MATCH {
            Value::map(Map::new())
        } else {
            self.events.variable(variable)
        }
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        self.events.set_entry(place, key, value)
    }

    fn host(&self) -> &dyn Host {
        self.events.host()
    }
}
