//! The alert as profile expressions see it: Go's field names on `models.Alert`.

use std::sync::Arc;

use expr::{Env, EvalError, FieldId, Host, MethodId, Object, ObjectDef, Objects, Type, Value};
use wire::alert::{Alert, Meta};
use wire::decision::Decision;

/// Stands in the event half of a fact's number for the alert's own context.
const CONTEXT: u32 = 0xffff;

expr::object! {
    pub mod alert = 0, "models.Alert" {
        CAPACITY "Capacity": Type::Int,
        CREATED_AT "CreatedAt": Type::String,
        DECISIONS "Decisions": Type::array(Type::Object(decision::KIND)),
        EVENTS "Events": Type::array(Type::Object(event::KIND)),
        EVENTS_COUNT "EventsCount": Type::Int,
        ID "ID": Type::Int,
        ALERT_KIND "Kind": Type::String,
        LABELS "Labels": Type::array(Type::String),
        LEAKSPEED "Leakspeed": Type::String,
        MACHINE_ID "MachineID": Type::String,
        MESSAGE "Message": Type::String,
        META "Meta": Type::array(Type::Object(fact::KIND)),
        REMEDIATION "Remediation": Type::Bool,
        SCENARIO "Scenario": Type::String,
        SCENARIO_HASH "ScenarioHash": Type::String,
        SCENARIO_VERSION "ScenarioVersion": Type::String,
        SIMULATED "Simulated": Type::Bool,
        SOURCE "Source": Type::Object(source::KIND),
        START_AT "StartAt": Type::String,
        STOP_AT "StopAt": Type::String,
        UUID "UUID": Type::String,
    } methods {
        GET_SCOPE "GetScope"() -> Type::String, reads [];
        GET_VALUE "GetValue"() -> Type::String, reads [];
        GET_SCENARIO "GetScenario"() -> Type::String, reads [];
        GET_EVENTS_COUNT "GetEventsCount"() -> Type::Int, reads [];
        GET_META "GetMeta"(Type::String) -> Type::String, reads [];
        GET_SIMULATED "GetSimulated"() -> Type::Bool, reads [];
    }
}

expr::object! {
    pub mod source = 1, "models.Source" {
        AS_NAME "AsName": Type::String,
        AS_NUMBER "AsNumber": Type::String,
        CN "Cn": Type::String,
        IP "IP": Type::String,
        LATITUDE "Latitude": Type::Float,
        LONGITUDE "Longitude": Type::Float,
        RANGE "Range": Type::String,
        SCOPE "Scope": Type::String,
        VALUE "Value": Type::String,
    } methods {
        GET_AS_NUMBER_NAME "GetAsNumberName"() -> Type::String, reads [];
        GET_VALUE "GetValue"() -> Type::String, reads [];
        GET_SCOPE "GetScope"() -> Type::String, reads [];
    }
}

expr::object! {
    pub mod event = 2, "models.Event" {
        META "Meta": Type::array(Type::Object(fact::KIND)),
        TIMESTAMP "Timestamp": Type::String,
    } methods {
        GET_META "GetMeta"(Type::String) -> Type::String, reads [];
    }
}

expr::object! {
    pub mod fact = 3, "models.MetaItems0" {
        KEY "Key": Type::String,
        VALUE "Value": Type::String,
    }
}

expr::object! {
    pub mod decision = 4, "models.Decision" {
        DURATION "Duration": Type::String,
        ID "ID": Type::Int,
        ORIGIN "Origin": Type::String,
        SCENARIO "Scenario": Type::String,
        SCOPE "Scope": Type::String,
        TYPE "Type": Type::String,
        VALUE "Value": Type::String,
    }
}

/// Returns the declarations.
pub(super) fn objects() -> Arc<Objects> {
    let all: [ObjectDef; 5] = [
        alert::define(),
        source::define(),
        event::define(),
        fact::define(),
        decision::define(),
    ];
    Objects::new(all)
}

/// Lends one alert to expressions.
pub(super) struct AlertEnv<'a> {
    alert: &'a Alert,
    host: &'a dyn Host,
}

impl<'a> AlertEnv<'a> {
    pub(super) fn new(alert: &'a Alert, host: &'a dyn Host) -> Self {
        Self { alert, host }
    }

    fn alert_field(&self, field: FieldId) -> Value {
        let alert = self.alert;
        match field {
            alert::CAPACITY => Value::Int(alert.capacity.into()),
            alert::CREATED_AT => text(&alert.created_at),
            alert::DECISIONS => objects_of(
                decision::KIND,
                alert.decisions.as_deref().unwrap_or_default().len(),
            ),
            alert::EVENTS => objects_of(event::KIND, alert.events.as_deref().unwrap_or_default().len()),
            alert::EVENTS_COUNT => Value::Int(alert.events_count.into()),
            alert::ID => Value::Int(alert.id),
            alert::ALERT_KIND => text(&alert.kind),
            alert::LABELS => Value::texts(alert.labels.iter().flatten().map(String::as_str)),
            alert::LEAKSPEED => text(&alert.leakspeed),
            alert::MACHINE_ID => text(&alert.machine_id),
            alert::MESSAGE => text(&alert.message),
            alert::META => facts(CONTEXT, alert.meta.len()),
            alert::REMEDIATION => Value::Bool(alert.remediation),
            alert::SCENARIO => text(&alert.scenario),
            alert::SCENARIO_HASH => text(&alert.scenario_hash),
            alert::SCENARIO_VERSION => text(&alert.scenario_version),
            alert::SIMULATED => Value::Bool(alert.simulated),
            alert::SOURCE if alert.source.is_some() => Value::Object(Object {
                kind: source::KIND,
                index: 0,
            }),
            alert::START_AT => text(&alert.start_at),
            alert::STOP_AT => text(&alert.stop_at),
            alert::UUID => text(&alert.uuid),
            _ => Value::Nil,
        }
    }

    fn source_field(&self, field: FieldId) -> Value {
        let Some(source) = &self.alert.source else {
            return Value::Nil;
        };
        match field {
            source::AS_NAME => text(&source.as_name),
            source::AS_NUMBER => text(&source.as_number),
            source::CN => text(&source.cn),
            source::IP => text(&source.ip),
            source::LATITUDE => Value::Float(source.latitude.into()),
            source::LONGITUDE => Value::Float(source.longitude.into()),
            source::RANGE => text(&source.range),
            source::SCOPE => optional(source.scope.as_deref()),
            source::VALUE => optional(source.value.as_deref()),
            _ => Value::Nil,
        }
    }

    fn facts_of(&self, event: u32) -> &'a [Meta] {
        if event == CONTEXT {
            return &self.alert.meta;
        }
        let events = self.alert.events.as_deref().unwrap_or_default();
        events
            .get(event as usize)
            .and_then(|event| event.meta.as_deref())
            .unwrap_or_default()
    }

    fn first_fact(facts: &[Meta], key: &str) -> Option<Value> {
        facts
            .iter()
            .find(|fact| fact.key == key)
            .map(|fact| text(&fact.value))
    }
}

impl Env for AlertEnv<'_> {
    fn field(&self, object: Object, field: FieldId) -> Value {
        match object.kind {
            alert::KIND => self.alert_field(field),
            source::KIND => self.source_field(field),
            event::KIND => match field {
                event::META => facts(object.index, self.facts_of(object.index).len()),
                _ => self
                    .alert
                    .events
                    .as_deref()
                    .and_then(|events| events.get(object.index as usize))
                    .map_or(Value::Nil, |event| text(&event.timestamp)),
            },
            fact::KIND => {
                let fact = self
                    .facts_of(object.index >> 16)
                    .get((object.index & 0xffff) as usize);
                fact.map_or(Value::Nil, |fact| {
                    text(if field == fact::KEY {
                        &fact.key
                    } else {
                        &fact.value
                    })
                })
            }
            decision::KIND => {
                let decisions = self.alert.decisions.as_deref().unwrap_or_default();
                decisions
                    .get(object.index as usize)
                    .map_or(Value::Nil, |one| decision_field(one, field))
            }
            _ => Value::Nil,
        }
    }

    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        let key = args.first().and_then(Value::as_str).unwrap_or_default();
        let source = self.alert.source.as_ref();
        Ok(match method {
            alert::GET_SCOPE | source::GET_SCOPE => {
                optional(source.and_then(|source| source.scope.as_deref()))
            }
            alert::GET_VALUE | source::GET_VALUE => {
                optional(source.and_then(|source| source.value.as_deref()))
            }
            alert::GET_SCENARIO => text(&self.alert.scenario),
            alert::GET_EVENTS_COUNT => Value::Int(self.alert.events_count.into()),
            alert::GET_SIMULATED => Value::Bool(self.alert.simulated),
            alert::GET_META => Self::first_fact(&self.alert.meta, key).unwrap_or_else(|| text("")),
            event::GET_META => Self::first_fact(self.facts_of(object.index), key).unwrap_or_else(|| text("")),
            source::GET_AS_NUMBER_NAME => match source {
                Some(source) if source.as_number != "0" && !source.as_number.is_empty() => {
                    text(format!("{} {}", source.as_number, source.as_name).trim_end())
                }
                _ => text(""),
            },
            _ => return Err(EvalError::NotAvailable("this method")),
        })
    }

    fn host(&self) -> &dyn Host {
        self.host
    }
}

fn decision_field(one: &Decision, field: FieldId) -> Value {
    match field {
        decision::DURATION => optional(one.duration.as_deref()),
        decision::ID => Value::Int(one.id),
        decision::ORIGIN => optional(one.origin.as_deref()),
        decision::SCENARIO => optional(one.scenario.as_deref()),
        decision::SCOPE => optional(one.scope.as_deref()),
        decision::TYPE => optional(one.type_.as_deref()),
        decision::VALUE => optional(one.value.as_deref()),
        _ => Value::Nil,
    }
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn optional(value: Option<&str>) -> Value {
    text(value.unwrap_or_default())
}

fn objects_of(kind: expr::Kind, count: usize) -> Value {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Value::array(
        (0..count)
            .map(|index| Value::Object(Object { kind, index }))
            .collect(),
    )
}

fn facts(event: u32, count: usize) -> Value {
    let count = u32::try_from(count.min(0xffff)).unwrap_or(0xffff);
    let number = |index| {
        Value::Object(Object {
            kind: fact::KIND,
            index: (event << 16) | index,
        })
    };
    Value::array((0..count).map(number).collect())
}
