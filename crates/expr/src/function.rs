//! The shape of a builtin or helper function: name, signature, effect, body.
//!
//! The functions themselves live in `builtin/`; the closure builtins (`all`, `any`, `filter`, …) are part of the
//! language and not of this table.

use std::fmt;

use crate::env::Env;
use crate::error::EvalError;
use crate::types::Type;
use crate::value::{Place, Value};

/// Describes one callable function.
#[derive(Clone)]
pub struct Function {
    /// The name in expressions, matched exactly.
    pub name: &'static str,
    /// Which arguments it takes and what it gives.
    pub signature: Signature,
    /// What it does besides giving its result.
    pub effect: Effect,
    /// The body; the arguments were checked against the signature as far as their types are known, so an argument
    /// of static type `Any` may still be of any type.
    pub body: fn(&mut Call<'_>) -> Result<Value, EvalError>,
}

/// Describes one method of a built-in value type (`evt.Time.Hour()`); the receiver is argument 0.
#[derive(Debug, Clone)]
pub struct Method {
    /// The type it belongs to: `Time`, `Duration`, `Weekday`, `Month` or `Zone`.
    pub receiver: Type,
    /// The function; its signature leaves the receiver out. Only [`Effect::Pure`] is allowed.
    pub function: Function,
}

/// Says which arguments a function takes and what it gives.
#[derive(Clone)]
pub enum Signature {
    /// A fixed list of parameters and one result type.
    Fixed(Params, Type),
    /// Looks at the arguments' types and gives the result type, or the message of the compile error (in
    /// expr-lang's words, e.g. `invalid argument for len (type int)`).
    Checked(fn(&[Type]) -> Result<Type, String>),
    /// A function of upstream that is not implemented: using it is a compile error that says so.
    Missing,
}

/// Lists parameters: `required`, then up to `optional.len()` more, then any number of `rest`.
#[derive(Debug, Clone, Default)]
pub struct Params {
    /// Types of the arguments that must be given.
    pub required: Vec<Type>,
    /// Types of the arguments that may be given after them.
    pub optional: Vec<Type>,
    /// Type of all further arguments, when any number is taken.
    pub rest: Option<Type>,
}

/// Says what a function does besides giving its result; decides what may be remembered and in which order things run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Depends on its arguments and on what never changes for a configuration (data files).
    Pure,
    /// Reads a world that changes (stash, clock, network): evaluated each time.
    ReadsWorld,
    /// Changes the world, but no field of an event (stash, log).
    WritesWorld,
    /// Writes entries of the map field given as this argument (from 0): the argument arrives as [`Value::Place`].
    WritesArgument(usize),
}

/// Holds the arguments of one call and the way to the world.
pub struct Call<'a> {
    /// The arguments in order.
    pub args: &'a [Value],
    /// The caller's objects and world.
    pub env: &'a mut dyn Env,
    pub(crate) memory: &'a mut u64,
}

impl Function {
    /// Makes a function without effects.
    pub fn pure(
        name: &'static str,
        signature: Signature,
        body: fn(&mut Call<'_>) -> Result<Value, EvalError>,
    ) -> Self {
        Self {
            name,
            signature,
            effect: Effect::Pure,
            body,
        }
    }

    /// Makes a function with an effect.
    pub fn with_effect(
        name: &'static str,
        signature: Signature,
        effect: Effect,
        body: fn(&mut Call<'_>) -> Result<Value, EvalError>,
    ) -> Self {
        Self {
            name,
            signature,
            effect,
            body,
        }
    }

    /// Makes the entry of a function of upstream that is not implemented.
    pub fn missing(name: &'static str) -> Self {
        let body = |_: &mut Call<'_>| Err(EvalError::NotAvailable("this function"));
        Self {
            name,
            signature: Signature::Missing,
            effect: Effect::Pure,
            body,
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("name", &self.name)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// Takes exactly `params` and gives `result`.
    pub fn fixed(params: impl Into<Vec<Type>>, result: Type) -> Self {
        Self::Fixed(
            Params {
                required: params.into(),
                ..Params::default()
            },
            result,
        )
    }

    /// Takes `required` and may take `optional` after them.
    pub fn optional(required: impl Into<Vec<Type>>, optional: impl Into<Vec<Type>>, result: Type) -> Self {
        Self::Fixed(
            Params {
                required: required.into(),
                optional: optional.into(),
                rest: None,
            },
            result,
        )
    }

    /// Takes `required` and any number of `rest` after them.
    pub fn variadic(required: impl Into<Vec<Type>>, rest: Type, result: Type) -> Self {
        Self::Fixed(
            Params {
                required: required.into(),
                optional: Vec::new(),
                rest: Some(rest),
            },
            result,
        )
    }
}

impl Call<'_> {
    /// Returns an argument, `nil` beyond the last.
    pub fn arg(&self, index: usize) -> &Value {
        self.args.get(index).unwrap_or(&Value::Nil)
    }

    /// Returns an argument that must be a string.
    pub fn text(&self, index: usize) -> Result<&str, EvalError> {
        self.arg(index)
            .as_str()
            .ok_or_else(|| self.mismatch(index, "string"))
    }

    /// Returns an argument that must be an integer.
    pub fn int(&self, index: usize) -> Result<i64, EvalError> {
        self.arg(index)
            .as_int()
            .ok_or_else(|| self.mismatch(index, "int"))
    }

    /// Returns an argument that must be a list.
    pub fn array(&self, index: usize) -> Result<&[Value], EvalError> {
        self.arg(index)
            .as_array()
            .ok_or_else(|| self.mismatch(index, "[]interface {}"))
    }

    /// Returns an argument that names the map field to write to.
    pub fn place(&self, index: usize) -> Result<Place, EvalError> {
        match self.arg(index) {
            Value::Place(place) => Ok(*place),
            _ => Err(self.mismatch(index, "map[string]interface {}")),
        }
    }

    /// Counts `units` (elements or bytes / 16 made) against the evaluation's memory budget of 1e6.
    pub fn charge(&mut self, units: usize) -> Result<(), EvalError> {
        let left = self.memory.checked_sub(units as u64).ok_or(EvalError::Memory)?;
        *self.memory = left;
        Ok(())
    }

    fn mismatch(&self, index: usize, wanted: &str) -> EvalError {
        EvalError::new(format!(
            "interface conversion: interface {{}} is {}, not {wanted}",
            self.arg(index).type_name()
        ))
    }
}
