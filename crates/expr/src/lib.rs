//! The expression language of filters, statics and profiles.
//!
//! A configuration compiles all its expressions into one [`Library`] against a typed [`Scheme`]; a compiled
//! [`ExprId`] is evaluated against the caller's [`Env`] with a per-event [`Memo`]. Nothing here does IO: files,
//! clock and databases are behind [`Host`].

mod ast;
pub mod builtin;
mod compile;
mod env;
mod error;
mod eval;
mod filters;
mod function;
mod ir;
mod key;
mod lex;
mod library;
mod limits;
mod map;
mod memo;
mod parse;
mod scheme;
mod types;
mod value;

pub use env::{Env, Host, LogLevel, NoEnv, NoHost};
pub use error::{CompileError, EvalError};
pub use filters::{FilterRun, FilterSet};
pub use function::{Call, Effect, Function, Method, Params, Signature};
pub use key::Key;
pub use library::{ExprId, Library};
pub use map::{Map, MapKey, Missing};
pub use memo::Memo;
#[doc(hidden)]
pub use scheme::index_of;
pub use scheme::{FieldId, Kind, MethodDef, MethodId, ObjectDef, Objects, Scheme, VariableId};
pub use types::Type;
pub use value::{Object, Place, Text, Value};
