//! A small event like the engine's, shared by the tests; the recorder of the fixtures has the same one in Go.

use std::collections::BTreeMap;
use std::sync::Arc;

use expr::{
    Env, EvalError, FieldId, Host, Key, Map, MethodId, NoHost, Object, Objects, Place, Scheme, Type, Value,
};

expr::object! {
    /// The root.
    pub(crate) mod evt = 0, "main.Event" {
        STAGE "Stage": Type::String,
        WHITELISTED "Whitelisted": Type::Bool,
        COUNT "Count": Type::Int,
        RATIO "Ratio": Type::Float,
        LINE "Line": Type::Object(line::KIND),
        PARSED "Parsed": Type::strings(),
        META "Meta": Type::strings(),
        ENRICHED "Enriched": Type::strings(),
        UNMARSHALED "Unmarshaled": Type::anys(),
        TIME "Time": Type::Time,
        ALERT "Alert": Type::Object(alert::KIND),
        NAMES "Names": Type::array(Type::String),
        NUMBERS "Numbers": Type::array(Type::Int),
    } methods {
        GET_TYPE "GetType"() -> Type::String, reads [];
        SET_META "SetMeta"(Type::String, Type::String) -> Type::Bool, writes [META];
    }
}

expr::object! {
    pub(crate) mod line = 1, "main.Line" {
        RAW "Raw": Type::String,
        LABELS "Labels": Type::strings(),
    }
}

expr::object! {
    pub(crate) mod alert = 2, "main.Alert" {
        SCOPE "Scope": Type::String,
        VALUE "Value": Type::String,
        EVENTS "Events": Type::array(Type::Object(item::KIND)),
    } methods {
        GET_VALUE "GetValue"() -> Type::String, reads [VALUE];
    }
}

expr::object! {
    pub(crate) mod item = 3, "main.Item" {
        KEY "Key": Type::String,
        SIZE "Size": Type::Int,
    }
}

pub(crate) fn objects() -> Arc<Objects> {
    Objects::new([evt::define(), line::define(), alert::define(), item::define()])
}

pub(crate) fn scheme(objects: &Arc<Objects>) -> Scheme {
    Scheme::new(objects).with_object("evt", evt::KIND)
}

/// The event; fields hold JSON as the fixtures have it.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) fields: BTreeMap<FieldId, Value>,
    items: Vec<(Value, Value)>,
    alert: BTreeMap<FieldId, Value>,
}

impl Event {
    pub(crate) fn of_json(json: &serde_json::Value) -> Self {
        let strings = |json: &serde_json::Value| {
            let pairs = json.as_object().into_iter().flatten();
            Value::map(Map::of_strings(
                pairs.map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default())),
            ))
        };
        let ints =
            |json: &serde_json::Value| Value::array(json.as_array().into_iter().flatten().map(int).collect());
        let list = |json: &serde_json::Value| {
            Value::texts(json.as_array().into_iter().flatten().filter_map(|v| v.as_str()))
        };
        let time = golang::time::Time::parse("2006-01-02T15:04:05.999999999Z07:00", text(&json["Time"]))
            .expect("fixture");
        let mut items = Vec::new();
        let mut alert = BTreeMap::new();
        let json_alert = &json["Alert"];
        if json_alert.is_object() {
            for entry in json_alert["Events"].as_array().expect("fixture") {
                items.push((Value::from(text(&entry["Key"])), int(&entry["Size"])));
            }
            let handles = (0..items.len())
                .map(|i| {
                    Value::Object(Object {
                        kind: item::KIND,
                        index: u32::try_from(i).expect("fixture"),
                    })
                })
                .collect();
            alert.insert(alert::SCOPE, Value::from(text(&json_alert["Scope"])));
            alert.insert(alert::VALUE, Value::from(text(&json_alert["Value"])));
            alert.insert(alert::EVENTS, Value::array(handles));
        }
        let alert_handle = if alert.is_empty() {
            Value::Nil
        } else {
            Value::Object(Object {
                kind: alert::KIND,
                index: 0,
            })
        };
        let fields = BTreeMap::from([
            (evt::STAGE, Value::from(text(&json["Stage"]))),
            (
                evt::WHITELISTED,
                Value::Bool(json["Whitelisted"].as_bool().expect("fixture")),
            ),
            (evt::COUNT, int(&json["Count"])),
            (evt::RATIO, Value::Float(json["Ratio"].as_f64().expect("fixture"))),
            (
                evt::LINE,
                Value::Object(Object {
                    kind: line::KIND,
                    index: 0,
                }),
            ),
            (evt::PARSED, strings(&json["Parsed"])),
            (evt::META, strings(&json["Meta"])),
            (evt::ENRICHED, strings(&json["Enriched"])),
            (evt::UNMARSHALED, value(&json["Unmarshaled"])),
            (evt::TIME, Value::time(time)),
            (evt::ALERT, alert_handle),
            (evt::NAMES, list(&json["Names"])),
            (evt::NUMBERS, ints(&json["Numbers"])),
            (line::RAW, Value::from(text(&json["Line"]["Raw"]))),
            (line::LABELS, strings(&json["Line"]["Labels"])),
        ]);
        Self { fields, items, alert }
    }

    fn set(&mut self, field: FieldId, key: &str, value: Value) {
        let Some(Value::Map(map)) = self.fields.get_mut(&field) else {
            return;
        };
        Arc::make_mut(map).insert(key, value);
    }
}

fn text(json: &serde_json::Value) -> &str {
    json.as_str().unwrap_or_default()
}

fn int(json: &serde_json::Value) -> Value {
    Value::Int(json.as_i64().expect("fixture"))
}

/// Reads JSON as Go's `json.Unmarshal` into `interface{}` does: every number is a float.
pub(crate) fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().expect("fixture")),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => Value::array(items.iter().map(value).collect()),
        serde_json::Value::Object(map) => Value::map(
            map.iter()
                .map(|(k, v)| (expr::Text::from(k.as_str()), value(v)))
                .collect::<Map>(),
        ),
    }
}

impl Env for Event {
    fn field(&self, object: Object, field: FieldId) -> Value {
        let found = match object.kind {
            alert::KIND => self.alert.get(&field).cloned(),
            item::KIND => self.items.get(object.index as usize).map(|(key, size)| {
                if field == item::KEY {
                    key.clone()
                } else {
                    size.clone()
                }
            }),
            _ => self.fields.get(&field).cloned(),
        };
        found.unwrap_or_default()
    }

    fn entry_text(&self, _: Object, field: FieldId, key: &Key) -> Option<&str> {
        match self.fields.get(&field)?.as_map()?.get(key.as_str()) {
            Some(value) => value.as_str(),
            None if field == evt::UNMARSHALED => None,
            None => Some(""),
        }
    }

    fn method(&mut self, _: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        match method {
            evt::GET_TYPE => Ok(Value::from("log")),
            evt::SET_META => {
                let text = |i: usize| args[i].as_str().ok_or_else(|| EvalError::new("not a string"));
                let (key, value) = (text(0)?.to_owned(), text(1)?.to_owned());
                self.set(evt::META, &key, Value::from(value));
                Ok(Value::Bool(true))
            }
            alert::GET_VALUE => Ok(self.alert.get(&alert::VALUE).cloned().unwrap_or_default()),
            _ => Err(EvalError::new("no such method")),
        }
    }

    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        self.set(place.field, key, value);
        Ok(())
    }

    fn host(&self) -> &dyn Host {
        &NoHost
    }
}
