//! What the evaluator asks of its caller: the event's fields, and the world around it.

use golang::duration::Duration;

use crate::error::EvalError;
use crate::id::{FieldId, MethodId, VariableId};
use crate::key::Key;
use crate::value::{Object, Place, Text, Value};

/// Gives access to the objects an expression speaks about.
///
/// Only declared fields and methods are asked for. A getter never fails: what is absent reads as `nil`, or as `""`
/// in a map of strings.
pub trait Env {
    /// Returns a field's value; a nil pointer reads as [`Value::Nil`].
    fn field(&self, object: Object, field: FieldId) -> Value;

    /// Returns one entry of a map field without building the map.
    fn entry(&self, object: Object, field: FieldId, key: &Key) -> Value {
        match self.field(object, field) {
            Value::Map(map) => map.read(key.as_str()),
            _ => Value::Nil,
        }
    }

    /// Returns the text of an entry of a map of strings by reference (`""` when absent), or `None` when the caller
    /// cannot lend it; then [`Env::entry`] is asked.
    fn entry_text(&self, object: Object, field: FieldId, key: &Key) -> Option<&str> {
        let _ = (object, field, key);
        None
    }

    /// Returns the text of a string field by reference, or `None` when the caller cannot lend it.
    fn field_text(&self, object: Object, field: FieldId) -> Option<&str> {
        let _ = (object, field);
        None
    }

    /// Calls a method; the declared effects are the only ones it may have.
    fn method(&mut self, object: Object, method: MethodId, args: &[Value]) -> Result<Value, EvalError> {
        let _ = (object, method, args);
        Err(EvalError::NotAvailable("this method"))
    }

    /// Returns a root variable that is not an object.
    fn variable(&self, variable: VariableId) -> Value {
        let _ = variable;
        Value::Nil
    }

    /// Stores one entry of a map field for a helper that writes (`UnmarshalJSON`, `ParseKV`).
    fn set_entry(&mut self, place: Place, key: &str, value: Value) -> Result<(), EvalError> {
        drop(value);
        let _ = (place, key);
        Err(EvalError::NotAvailable("writing to this map"))
    }

    /// Returns the world.
    fn host(&self) -> &dyn Host;
}

/// Answers what helpers ask about the world; every default says "not there". Implementations use interior
/// mutability for caches, stash and logs.
pub trait Host {
    /// Returns the evaluation's time.
    fn now(&self) -> Option<jiff::Timestamp> {
        None
    }

    /// Returns the lines of a `type: string` data file as a list of strings; they never change within a [`crate::FilterSet`]'s life.
    fn file(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Reports whether a regular expression of a `type: regexp` data file matches; `None` for an unknown file.
    fn regexp_in_file(&self, subject: &str, name: &str) -> Option<bool> {
        let _ = (subject, name);
        None
    }

    /// Returns the tag of a `type: map` data file for `subject` (`""` without a hit); `None` for an unknown file.
    fn lookup_file(&self, subject: &str, name: &str) -> Option<Text> {
        let _ = (subject, name);
        None
    }

    /// Returns a `type: map` data file as a list of maps of strings.
    fn file_map(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Returns a stashed value.
    fn stash_get(&self, cache: &str, key: &str) -> Option<Text> {
        let _ = (cache, key);
        None
    }

    /// Stashes a value; `expires` is after now, `None` = the cache's own rule.
    fn stash_set(
        &self,
        cache: &str,
        key: &str,
        value: &str,
        expires: Option<Duration>,
    ) -> Result<(), EvalError> {
        let _ = (cache, key, value, expires);
        Err(EvalError::NotAvailable("the stash"))
    }

    /// Answers a question to the geography databases (`"city"`, `"asn"`, `"range"`, `"country"`) about an address.
    fn geoip(&self, question: &'static str, address: &str) -> Option<Value> {
        let _ = (question, address);
        None
    }

    /// Answers a question to the decisions' database (a helper's name and its arguments).
    fn decisions(&self, helper: &'static str, args: &[Value]) -> Option<Value> {
        let _ = (helper, args);
        None
    }

    /// Answers a helper that talks to the network (`LookupHost`, `CrowdsecCTI`, `HTTPGet`, …).
    fn network(&self, helper: &'static str, args: &[Value]) -> Option<Result<Value, EvalError>> {
        let _ = (helper, args);
        None
    }

    /// Returns this machine's name.
    fn hostname(&self) -> Option<Text> {
        None
    }

    /// Writes a line to the log on behalf of an expression.
    fn log(&self, level: LogLevel, message: &str) {
        let _ = (level, message);
    }
}

/// Says how loud a line of [`Host::log`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Something is degraded.
    Warn,
    /// Asked for by the expression (`LogInfo`).
    Info,
    /// For the author of an expression.
    Debug,
}

/// Is the empty environment: no object, no world.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEnv;

/// Is the empty world.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHost;

impl Env for NoEnv {
    fn field(&self, _object: Object, _field: FieldId) -> Value {
        Value::Nil
    }

    fn host(&self) -> &dyn Host {
        &NoHost
    }
}

impl Host for NoHost {}
