//! Go's `fmt.Sprintf`: verbs, flags, widths and the default forms of values.

mod float;
mod printer;
mod verb;

use std::borrow::Cow;

pub use float::{format_float, parse_float};

use crate::duration::Duration;
use crate::time::Time;

/// One argument of `sprintf`, with the Go type that decides how `%v`, `%T` and the wrong verb look.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg<'a> {
    /// A nil interface.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `float64`.
    Float(f64),
    /// `string`.
    Str(Cow<'a, str>),
    /// A slice; the name is its Go type: `[]interface {}`, `[]string`.
    Slice(&'static str, Vec<Arg<'a>>),
    /// A map, printed in key order; the name is its Go type: `map[string]interface {}`.
    Map(&'static str, Vec<(Arg<'a>, Arg<'a>)>),
    /// `time.Duration`.
    Duration(Duration),
    /// `time.Time`.
    Time(Time),
    /// A struct or pointer of the named Go type, already written as `%v` would.
    Object(&'static str, Cow<'a, str>),
}

impl Arg<'_> {
    /// Returns the name of the Go type, as `%T` writes it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Slice(name, _) | Self::Map(name, _) | Self::Object(name, _) => name,
            Self::Duration(_) => "time.Duration",
            Self::Time(_) => "time.Time",
        }
    }
}

/// Returns `format` with its verbs replaced, as Go's `fmt.Sprintf`; bad verbs become `%!v(…)` as in Go.
pub fn sprintf(format: &str, args: &[Arg<'_>]) -> String {
    printer::sprintf(format, args)
}

/// Returns the arguments in their default form, as Go's `fmt.Sprint`: a space between two that are no strings.
pub fn sprint(args: &[Arg<'_>]) -> String {
    printer::sprint(args)
}

#[cfg(test)]
mod tests;
