//! The event as expressions see it: Go's field and method names over the engine's own event.
//!
//! Filters, statics, whitelists and scenarios all evaluate against [`EventEnv`]; buckets wrap it to add `queue` and `leaky`.

mod host;
mod objects;
mod overflow;

use std::sync::Arc;

use expr::{Env, EvalError, FieldId, Host, Key, Map, MethodId, Object, Place, Value};

pub use self::{
    host::RunHost,
    objects::{
        alert, appsec, definitions, event, leaky, line, matched, model_event, objects,
        overflow as runtime_alert, queue, request, scheme, source,
    },
};
use crate::{Event, Fields, Name, Text, event::Type as EventType};

/// The event under evaluation, the queue of a bucket where there is one, and the world.
pub struct EventEnv<'a> {
    /// What the variable `evt` stands for: instance 0 of `event::KIND`.
    pub event: &'a mut Event,
    /// Further events, instances 1.. of `event::KIND` (`queue.Queue`).
    pub queue: &'a [Arc<Event>],
    /// The world.
    pub host: &'a RunHost<'a>,
}

impl<'a> EventEnv<'a> {
    /// Returns the environment of one event.
    pub fn new(event: &'a mut Event, host: &'a RunHost<'a>) -> Self {
        Self {
            event,
            queue: &[],
            host,
        }
    }

    /// Returns instance `index` of `event::KIND`.
    fn event(&self, index: u32) -> Option<&Event> {
        match index.checked_sub(1) {
            None => Some(&*self.event),
            Some(queued) => self
                .queue
                .get(usize::try_from(queued).ok()?)
                .map(|event| &**event),
        }
    }

    fn event_field(&self, index: u32, field: FieldId) -> Value {
        let Some(event) = self.event(index) else {
            return Value::Nil;
        };
        let here = |kind| Value::Object(Object { kind, index });
        match field {
            event::TYPE => Value::Int(match event.kind {
                EventType::Log => 0,
                EventType::Overflow => 1,
                EventType::Appsec => 2,
            }),
            event::EXPECT_MODE => Value::Int(i64::from(event.mode == crate::Mode::TimeMachine)),
            event::WHITELISTED => Value::Bool(event.whitelisted),
            event::WHITELIST_REASON => Value::Str(event.whitelist_reason.clone()),
            event::STAGE => Value::Str(event.stage.to_text()),
            event::LINE => here(line::KIND),
            event::PARSED => fields(&event.parsed),
            event::ENRICHED => fields(&event.enriched),
            event::META => fields(&event.meta),
            event::UNMARSHALED => event
                .unmarshaled
                .clone()
                .map_or_else(|| Value::map(Map::new()), Value::Map),
            event::OVERFLOW => here(runtime_alert::KIND),
            event::APPSEC => here(appsec::KIND),
            event::TIME => Value::time(event.time.clone()),
            event::STR_TIME => Value::Str(event.str_time.clone()),
            event::STR_TIME_FORMAT => Value::Str(event.str_time_format.clone()),
            event::MARSHALED_TIME => Value::Str(event.marshaled_time.clone()),
            event::PROCESS => Value::Bool(event.process),
            _ => Value::Nil,
        }
    }

    fn line_field(&self, index: u32, field: FieldId) -> Value {
        let Some(event) = self.event(index) else {
            return Value::Nil;
        };
        match field {
            line::RAW => Value::Str(event.line.raw.clone()),
            line::SRC => Value::text(&*event.line.src),
            line::TIME => Value::time(golang::time::Time::from_timestamp(event.line.at)),
            line::LABELS => Value::map(Map::of_strings(
                event
                    .line
                    .labels
                    .iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            )),
            line::PROCESS => Value::Bool(event.line.process),
            line::MODULE => Value::Str(event.line.module.clone()),
            _ => Value::Nil,
        }
    }

    fn map_field(&self, object: Object, field: FieldId) -> Option<&Fields> {
        if object.kind != event::KIND {
            return None;
        }
        let event = self.event(object.index)?;
        match field {
            event::PARSED => Some(&event.parsed),
            event::ENRICHED => Some(&event.enriched),
            event::META => Some(&event.meta),
            _ => None,
        }
    }
}

impl Env for EventEnv<'_> {
    fn field(&self, object: Object, field: FieldId) -> Value {
        match object.kind {
            event::KIND => self.event_field(object.index, field),
            line::KIND => self.line_field(object.index, field),
            appsec::KIND | matched::KIND => overflow::appsec_field(object, field),
            _ => self.overflow_field(object, field),
        }
    }

    fn entry(&self, object: Object, field: FieldId, key: &Key) -> Value {
        if let Some(map) = self.map_field(object, field) {
            return Value::Str(map.get_key(key).cloned().unwrap_or_default());
        }
        match (object.kind, field) {
            (event::KIND, event::UNMARSHALED) => self
                .event(object.index)
                .and_then(|event| event.unmarshaled.as_ref())
                .map_or(Value::Nil, |map| map.read(key.as_str())),
            (line::KIND, line::LABELS) => Value::text(
                self.event(object.index)
                    .map_or("", |event| event.line.label(key.as_str())),
            ),
            _ => match self.field(object, field) {
                Value::Map(map) => map.read(key.as_str()),
                _ => Value::Nil,
            },
        }
    }

    fn entry_text(&self, object: Object, field: FieldId, key: &Key) -> Option<&str> {
        if let Some(map) = self.map_field(object, field) {
            return Some(map.get_key(key).map_or("", |text| text.as_str()));
        }
        (object.kind == line::KIND && field == line::LABELS).then(|| {
            self.event(object.index)
                .map_or("", |event| event.line.label(key.as_str()))
        })
    }

    fn field_text(&self, object: Object, field: FieldId) -> Option<&str> {
        let event = self.event(object.index);
        match (object.kind, field) {
            (event::KIND, event::STR_TIME) => event.map(|event| event.str_time.as_str()),
            (event::KIND, event::STR_TIME_FORMAT) => event.map(|event| event.str_time_format.as_str()),
            (event::KIND, event::MARSHALED_TIME) => event.map(|event| event.marshaled_time.as_str()),
            (event::KIND, event::STAGE) => event.map(|event| event.stage.as_str()),
            (line::KIND, line::RAW) => event.map(|event| event.line.raw.as_str()),
            (line::KIND, line::SRC) => event.map(|event| &*event.line.src),
            (line::KIND, line::MODULE) => event.map(|event| event.line.module.as_str()),
            _ => None,
        }
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        let text = |index: usize| args.get(index).and_then(Value::as_str).unwrap_or("");
        match (object.kind, method) {
            (event::KIND, event::SET_META | event::SET_PARSED) => {
                // Queued events are shared; upstream shares the maps too, but only `evt` has a filter that writes.
                if object.index != 0 {
                    return Ok(Value::Bool(false));
                }
                let Some(name) = Name::try_new(text(0)) else {
                    return Ok(Value::Bool(false));
                };
                let value = match args.get(1) {
                    Some(Value::Str(value)) => value.clone(),
                    _ => Text::default(),
                };
                let map = if method == event::SET_META {
                    &mut self.event.meta
                } else {
                    &mut self.event.parsed
                };
                map.set(name, value);
                Ok(Value::Bool(true))
            }
            (event::KIND, event::GET_TYPE) => Ok(self
                .event(object.index)
                .map_or(Value::Nil, |event| Value::text(event.type_name()))),
            (event::KIND, event::GET_META) => Ok(self
                .event(object.index)
                .map_or(Value::Nil, |event| Value::Str(event.get_meta(text(0))))),
            (event::KIND, event::PARSE_IP_SOURCES) => {
                Ok(self.event(object.index).map_or(Value::Nil, |event| {
                    Value::texts(event.source_addresses().iter().map(ToString::to_string))
                }))
            }
            (appsec::KIND | matched::KIND, _) => Ok(overflow::appsec_method(object, method)),
            _ => self.overflow_method(object, method, args),
        }
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        let not_here = || EvalError::NotAvailable("writing to this map");
        if place.object.kind != event::KIND || place.object.index != 0 {
            return Err(not_here());
        }
        if place.field == event::UNMARSHALED {
            let map = self.event.unmarshaled.get_or_insert_with(Arc::default);
            Arc::make_mut(map).insert(key, value);
            return Ok(());
        }
        let name = Name::try_new(key).ok_or_else(|| EvalError::new("too many distinct keys"))?;
        let Value::Str(text) = value else {
            return Err(EvalError::new(format!(
                "a map of strings cannot hold a {}",
                value.type_name()
            )));
        };
        match place.field {
            event::PARSED => self.event.parsed.set(name, text),
            event::ENRICHED => self.event.enriched.set(name, text),
            event::META => self.event.meta.set(name, text),
            _ => return Err(not_here()),
        }
        Ok(())
    }

    fn host(&self) -> &dyn Host {
        self.host
    }
}

fn fields(fields: &Fields) -> Value {
    Value::map(Map::of_strings(
        fields.iter().map(|(name, value)| (name.as_str(), value.clone())),
    ))
}
