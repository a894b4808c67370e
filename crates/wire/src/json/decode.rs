//! Fills Rust values from parsed JSON under Go's rules, and names a mismatch as Go does.

use std::collections::BTreeMap;
use std::fmt;

use super::invalid::Invalid;
use super::parse::Value;

/// Where in the body a value stands; lives on the stack.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root(&'a str),
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// Starts at the named Go type.
    pub fn root(name: &'a str) -> Self {
        Self {
            parent: None,
            step: Step::Root(name),
        }
    }

    /// Steps to a member.
    #[must_use]
    pub fn key(&'a self, name: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Key(name),
        }
    }

    /// Steps to an element.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        match self.step {
            Step::Root(name) | Step::Key(name) => f.write_str(name),
            Step::Index(index) => write!(f, "{index}"),
        }
    }
}

/// A value of another type than its field; displays as Go's `UnmarshalTypeError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// Describes `value` found at `at` where `wanted` (a Go type) belongs.
    pub fn new(value: &Value<'_>, at: &Path<'_>, wanted: &str) -> Self {
        let kind = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(text) => {
                if matches!(wanted, "int32" | "int64" | "float32" | "float64") {
                    format!("number {text}")
                } else {
                    "number".to_owned()
                }
            }
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let place = match at.parent {
            None => "Go value".to_owned(),
            Some(_) => format!("Go struct field {at}"),
        };
        Self(format!(
            "json: cannot unmarshal {kind} into {place} of type {wanted}"
        ))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A type that Go's `encoding/json` could fill.
pub trait FromGo: Default {
    /// Name of the Go type as errors print it, `models.Alert`, `[]string`.
    fn go_type() -> String;

    /// Name of the type without its package, where a path starts.
    fn root_name() -> String {
        let full = Self::go_type();
        full.rsplit('.')
            .next()
            .map_or_else(String::new, ToOwned::to_owned)
    }

    /// How the type stands as an element of a slice: structs are pointers.
    fn element_type() -> String {
        Self::go_type()
    }

    /// Takes over what the value says; `null` changes nothing.
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch>;

    /// Adds what the API description requires and the value lacks.
    fn check(_value: &Value<'_>, _found: &mut Vec<Invalid>) {}
}

/// Helper for struct implementations: visits members by Go's matching rule.
#[derive(Debug)]
pub struct Fields;

impl Fields {
    /// Returns the members, or the mismatch of anything that is not an object; `None` for `null`.
    pub fn of<'v, 'a>(
        value: &'v Value<'a>,
        at: &Path<'_>,
        go_type: &str,
    ) -> Result<Option<&'v Value<'a>>, Mismatch> {
        match value {
            Value::Null => Ok(None),
            Value::Object(_) => Ok(Some(value)),
            _ => Err(Mismatch::new(value, at, go_type)),
        }
    }

    /// Reads one member into its field if it is there.
    pub fn read<T: FromGo>(
        object: &Value<'_>,
        name: &str,
        field: &mut T,
        at: &Path<'_>,
    ) -> Result<(), Mismatch> {
        match object.member(name) {
            Some(value) => field.read(value, &at.key(name)),
            None => Ok(()),
        }
    }
}

macro_rules! number {
    ($rust:ty, $go:literal) => {
        impl FromGo for $rust {
            fn go_type() -> String {
                $go.to_owned()
            }
            fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
                match value {
                    Value::Null => Ok(()),
                    Value::Number(text) => {
                        *self = text
                            .parse()
                            .map_err(|_parse| Mismatch::new(value, at, $go))?;
                        Ok(())
                    }
                    _ => Err(Mismatch::new(value, at, $go)),
                }
            }
        }
    };
}

number!(i32, "int32");
number!(i64, "int64");
number!(f32, "float32");
number!(f64, "float64");

impl FromGo for bool {
    fn go_type() -> String {
        "bool".to_owned()
    }
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
        match value {
            Value::Null => Ok(()),
            Value::Bool(b) => {
                *self = *b;
                Ok(())
            }
            _ => Err(Mismatch::new(value, at, "bool")),
        }
    }
}

impl FromGo for String {
    fn go_type() -> String {
        "string".to_owned()
    }
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
        match value {
            Value::Null => Ok(()),
            Value::String(text) => {
                *self = text.clone().into_owned();
                Ok(())
            }
            _ => Err(Mismatch::new(value, at, "string")),
        }
    }
}

impl<T: FromGo> FromGo for Option<T> {
    fn go_type() -> String {
        T::go_type()
    }
    fn element_type() -> String {
        T::element_type()
    }
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
        if *value == Value::Null {
            *self = None;
            return Ok(());
        }
        let mut inner = T::default();
        inner.read(value, at)?;
        *self = Some(inner);
        Ok(())
    }
    fn check(value: &Value<'_>, found: &mut Vec<Invalid>) {
        T::check(value, found);
    }
}

impl<T: FromGo> FromGo for Vec<T> {
    fn go_type() -> String {
        match T::go_type().as_str() {
            // The one named slice type of the API.
            "models.Alert" => "models.AddAlertsRequest".to_owned(),
            _ => format!("[]{}", T::element_type()),
        }
    }
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
        let items = match value {
            Value::Null => return Ok(()),
            Value::Array(items) => items,
            _ => return Err(Mismatch::new(value, at, &Self::go_type())),
        };
        self.clear();
        for (index, item) in items.iter().enumerate() {
            let mut element = T::default();
            element.read(item, &at.index(index))?;
            self.push(element);
        }
        Ok(())
    }
    fn check(value: &Value<'_>, found: &mut Vec<Invalid>) {
        let Value::Array(items) = value else { return };
        // The generated code returns at the first element that is not valid.
        for (index, item) in items.iter().enumerate() {
            if *item == Value::Null {
                continue;
            }
            let mut inner = Vec::new();
            T::check(item, &mut inner);
            if !inner.is_empty() {
                found.extend(inner.into_iter().map(|i| i.within(&index.to_string())));
                return;
            }
        }
    }
}

impl<T: FromGo> FromGo for BTreeMap<String, T> {
    fn go_type() -> String {
        format!("map[string]{}", T::element_type())
    }
    fn read(&mut self, value: &Value<'_>, at: &Path<'_>) -> Result<(), Mismatch> {
        let members = match value {
            Value::Null => return Ok(()),
            Value::Object(members) => members,
            _ => return Err(Mismatch::new(value, at, &Self::go_type())),
        };
        for (key, item) in members {
            let mut element = T::default();
            element.read(item, &at.key(key))?;
            self.insert(key.clone().into_owned(), element);
        }
        Ok(())
    }
}

/// Implements [`FromGo`] for a struct: its Go name, then `field "member"` with its checks.
macro_rules! go_struct {
    ($rust:ty, $go:literal, { $($field:ident $name:literal $($check:ident $(($limit:literal))?)* ;)* }) => {
        impl $crate::json::FromGo for $rust {
            fn go_type() -> String {
                concat!("models.", $go).to_owned()
            }
            fn element_type() -> String {
                concat!("*models.", $go).to_owned()
            }
            fn read(
                &mut self,
                value: &$crate::json::Value<'_>,
                at: &$crate::json::Path<'_>,
            ) -> Result<(), $crate::json::Mismatch> {
                let Some(object) = $crate::json::Fields::of(value, at, concat!("models.", $go))? else {
                    return Ok(());
                };
                $($crate::json::Fields::read(object, $name, &mut self.$field, at)?;)*
                Ok(())
            }
            fn check(value: &$crate::json::Value<'_>, found: &mut Vec<$crate::json::Invalid>) {
                let default = Self::default();
                let checks = $crate::json::Checks::of(value);
                $(
                    #[allow(unused_mut, clippy::allow_attributes, reason = "a field without checks")]
                    let mut ok = true;
                    $( ok = ok && checks.$check($name, $($limit,)? found); )*
                    if ok {
                        checks.nested(&default.$field, $name, found);
                    }
                )*
            }
        }
    };
}
pub(crate) use go_struct;
