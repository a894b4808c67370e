//! The overflow as expressions see it: the alert, its sources and events, and the empty WAF part.

use expr::{EvalError, FieldId, Map, MethodId, Object, Value};

use super::{EventEnv, alert, appsec, matched, model_event, runtime_alert, source};
use crate::{
    Event, Text,
    event::{Alert, RuntimeAlert, Source},
};

const ALERTS_PER_EVENT: u32 = 64;
const SOURCES_PER_EVENT: u32 = 4096;
const FIRST_ALERT_SOURCE: u32 = SOURCES_PER_EVENT / 2;
const EVENTS_PER_ALERT: u32 = 1 << 16;

impl EventEnv<'_> {
    pub(super) fn overflow_field(&self, object: Object, field: FieldId) -> Value {
        let index = object.index;
        match object.kind {
            runtime_alert::KIND => self.runtime_alert_field(index, field),
            alert::KIND => self
                .alert(index)
                .map_or(Value::Nil, |alert| alert_field(alert, index, field)),
            source::KIND => self.source(index).map_or(Value::Nil, |(overflow, from)| {
                let (scope, value) = overflow.identity(from);
                match field {
                    source::AS_NAME => Value::Str(from.as_name.clone()),
                    source::AS_NUMBER => Value::Str(from.as_number.clone()),
                    source::CN => Value::Str(from.cn.clone()),
                    source::IP => Value::Str(from.ip.clone()),
                    source::LATITUDE => Value::Float(f64::from(from.latitude)),
                    source::LONGITUDE => Value::Float(f64::from(from.longitude)),
                    source::RANGE => Value::Str(from.range.clone()),
                    source::SCOPE => Value::text(scope),
                    source::VALUE => Value::text(value),
                    _ => Value::Nil,
                }
            }),
            model_event::KIND => self.model_event(index).map_or(Value::Nil, |event| match field {
                model_event::META => pairs(event.meta.sorted()),
                model_event::TIMESTAMP => Value::Str(timestamp(event)),
                _ => Value::Nil,
            }),
            _ => Value::Nil,
        }
    }

    fn runtime_alert_field(&self, index: u32, field: FieldId) -> Value {
        let empty = RuntimeAlert::default();
        let overflow = self
            .event(index)
            .and_then(|event| event.overflow.as_deref())
            .unwrap_or(&empty);
        let alert = |number: usize| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            object(alert::KIND, index, ALERTS_PER_EVENT, number)
        };
        match field {
            runtime_alert::MAPKEY => Value::Str(overflow.mapkey.clone()),
            runtime_alert::BUCKET_ID => Value::Str(overflow.bucket_id.clone()),
            runtime_alert::WHITELISTED => Value::Bool(overflow.whitelisted),
            runtime_alert::REPROCESS => Value::Bool(overflow.reprocess),
            runtime_alert::SOURCES => {
                let mut map = Map::new();
                for (number, key) in (0..FIRST_ALERT_SOURCE).zip(overflow.sources.keys()) {
                    map.insert(
                        key.clone(),
                        object(source::KIND, index, SOURCES_PER_EVENT, number),
                    );
                }
                Value::map(map)
            }
            runtime_alert::ALERT if overflow.alerts.is_empty() => Value::Nil,
            runtime_alert::ALERT => alert(0),
            runtime_alert::API_ALERTS => Value::array((0..overflow.alerts.len()).map(alert).collect()),
            _ => Value::Nil,
        }
    }

    pub(super) fn overflow_method(
        &self,
        object: Object,
        method: MethodId,
        args: &[Value],
    ) -> Result<Value, EvalError> {
        let key = args.first().and_then(Value::as_str).unwrap_or("");
        let nil = || EvalError::new("invalid memory address or nil pointer dereference");
        if object.kind == runtime_alert::KIND {
            let overflow = self
                .event(object.index)
                .and_then(|event| event.overflow.as_deref());
            return Ok(Value::texts(
                overflow
                    .iter()
                    .flat_map(|overflow| overflow.sources.keys().cloned())
                    .collect::<Vec<_>>(),
            ));
        }
        if object.kind == model_event::KIND {
            let event = self.model_event(object.index).ok_or_else(nil)?;
            return Ok(Value::Str(event.meta.get(key).cloned().unwrap_or_default()));
        }
        if object.kind == source::KIND {
            let (overflow, from) = self.source(object.index).ok_or_else(nil)?;
            let (scope, value) = overflow.identity(from);
            return Ok(match method {
                source::GET_SCOPE => Value::text(scope),
                source::GET_VALUE => Value::text(value),
                _ => Value::text(as_number_name(from)),
            });
        }
        let alert = self.alert(object.index).ok_or_else(nil)?;
        let identity = || {
            let overflow = self.event(object.index / ALERTS_PER_EVENT)?.overflow.as_deref()?;
            Some(overflow.identity(alert.source.as_ref()?))
        };
        Ok(match method {
            alert::GET_SCOPE => Value::text(identity().map_or("", |(scope, _)| scope)),
            alert::GET_VALUE => Value::text(identity().map_or("", |(_, value)| value)),
            alert::GET_SCENARIO => Value::Str(alert.scenario.clone()),
            alert::GET_EVENTS_COUNT => Value::Int(i64::from(alert.events_count)),
            alert::GET_META => {
                let found = alert.meta.iter().find(|(name, _)| name.as_str() == key);
                Value::Str(found.map(|(_, value)| value.clone()).unwrap_or_default())
            }
            _ => Value::Nil,
        })
    }

    fn alert(&self, index: u32) -> Option<&Alert> {
        let overflow = self.event(index / ALERTS_PER_EVENT)?.overflow.as_deref()?;
        overflow
            .alerts
            .get(usize::try_from(index % ALERTS_PER_EVENT).ok()?)
    }

    fn source(&self, index: u32) -> Option<(&RuntimeAlert, &Source)> {
        let overflow = self.event(index / SOURCES_PER_EVENT)?.overflow.as_deref()?;
        let place = index % SOURCES_PER_EVENT;
        let found = match place.checked_sub(FIRST_ALERT_SOURCE) {
            None => overflow.sources.values().nth(usize::try_from(place).ok()?),
            Some(alert) => overflow.alerts.get(usize::try_from(alert).ok()?)?.source.as_ref(),
        };
        Some((overflow, found?))
    }

    fn model_event(&self, index: u32) -> Option<&Event> {
        let alert = self.alert(index / EVENTS_PER_ALERT)?;
        alert
            .events
            .get(usize::try_from(index % EVENTS_PER_ALERT).ok()?)
            .map(|event| &**event)
    }
}

/// Numbers the structure `number` inside the structure `outer`; out of range there is none.
fn object(kind: expr::Kind, outer: u32, room: u32, number: u32) -> Value {
    let index = outer.checked_mul(room).and_then(|base| base.checked_add(number));
    match index {
        Some(index) if number < room => Value::Object(Object { kind, index }),
        _ => Value::Nil,
    }
}

fn alert_field(alert: &Alert, index: u32, field: FieldId) -> Value {
    match field {
        alert::CAPACITY => Value::Int(i64::from(alert.capacity)),
        alert::EVENTS_COUNT => Value::Int(i64::from(alert.events_count)),
        alert::ID => Value::Int(0),
        alert::DECISIONS => Value::array(Vec::new()),
        alert::EVENTS => {
            let count = u32::try_from(alert.events.len()).unwrap_or(EVENTS_PER_ALERT);
            let events = (0..count).map(|number| object(model_event::KIND, index, EVENTS_PER_ALERT, number));
            Value::array(events.collect())
        }
        alert::KIND_ => Value::Str(alert.kind.clone()),
        alert::LABELS => Value::texts(alert.labels.iter().cloned()),
        alert::LEAKSPEED => Value::Str(alert.leakspeed.clone()),
        alert::MESSAGE => Value::Str(alert.message.clone()),
        alert::META => pairs(
            alert
                .meta
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        ),
        alert::REMEDIATION => Value::Bool(alert.remediation),
        alert::SCENARIO => Value::Str(alert.scenario.clone()),
        alert::SCENARIO_HASH => Value::Str(alert.scenario_hash.clone()),
        alert::SCENARIO_VERSION => Value::Str(alert.scenario_version.clone()),
        alert::SIMULATED => Value::Bool(alert.simulated),
        alert::SOURCE if alert.source.is_none() => Value::Nil,
        alert::SOURCE => {
            let number = FIRST_ALERT_SOURCE + index % ALERTS_PER_EVENT;
            object(source::KIND, index / ALERTS_PER_EVENT, SOURCES_PER_EVENT, number)
        }
        alert::START_AT => Value::Str(alert.start_at.clone()),
        alert::STOP_AT => Value::Str(alert.stop_at.clone()),
        _ => Value::Str(Text::default()),
    }
}

fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let pair = |(key, value)| Value::map(Map::of_strings([("Key", key), ("Value", value)]));
    Value::array(pairs.into_iter().map(pair).collect())
}

/// Returns the time of an event as alerts carry it: the log's, else the engine's.
fn timestamp(event: &Event) -> Text {
    if event.marshaled_time.is_empty() {
        Text::from(event.time.rfc3339_nano())
    } else {
        event.marshaled_time.clone()
    }
}

fn as_number_name(source: &Source) -> String {
    match (source.as_number.as_str(), source.as_name.as_str()) {
        ("" | "0", _) => String::new(),
        (number, "") => number.to_owned(),
        (number, name) => format!("{number} {name}"),
    }
}

pub(super) fn appsec_field(object: Object, field: FieldId) -> Value {
    match field {
        appsec::HAS_IN_BAND_MATCHES | appsec::HAS_OUT_BAND_MATCHES => Value::Bool(false),
        appsec::MATCHED_RULES => Value::Object(Object {
            kind: matched::KIND,
            index: object.index,
        }),
        appsec::VARS => Value::map(Map::with_missing(expr::Missing::EmptyText)),
        _ => Value::Nil,
    }
}

pub(super) fn appsec_method(object: Object, method: MethodId) -> Value {
    let is_list = if object.kind == appsec::KIND {
        matches!(
            method,
            appsec::GET_RULE_IDS | appsec::KINDS | appsec::GET_MATCHED_ZONES
        )
    } else {
        matches!(
            method,
            matched::GET_RULE_IDS | matched::KINDS | matched::GET_MATCHED_ZONES
        )
    };
    if is_list {
        Value::array(Vec::new())
    } else {
        Value::Str(Text::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::RunHost;

    #[test]
    fn rewriting_the_alert_source_shows_in_the_sources() {
        let overflow = RuntimeAlert {
            identities: vec![crate::event::Identity {
                scope: "Ip".into(),
                value: "1.2.3.4".into(),
            }],
            sources: [(
                Text::from("1.2.3.4"),
                Source {
                    ip: "1.2.3.4".into(),
                    ..Source::default()
                },
            )]
            .into(),
            alerts: vec![Alert {
                source: Some(Source::default()),
                ..Alert::default()
            }],
            ..RuntimeAlert::default()
        };
        let mut event = Event::from_overflow(overflow, jiff::Timestamp::UNIX_EPOCH, Text::default());
        if let Some(overflow) = &mut event.overflow {
            overflow.identities[0].scope = "Range".into();
        }
        let world = crate::World::default();
        let host = RunHost::bare(&world, jiff::Timestamp::UNIX_EPOCH);
        let env = EventEnv::new(&mut event, &host);
        let scope = |index| {
            env.overflow_method(
                Object {
                    kind: source::KIND,
                    index,
                },
                source::GET_SCOPE,
                &[],
            )
        };
        assert_eq!(scope(0).unwrap().as_str(), Some("Range"));
        assert_eq!(scope(FIRST_ALERT_SOURCE).unwrap().as_str(), Some("Range"));
    }
}
