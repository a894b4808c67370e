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
mod id;
mod ir;
mod key;
mod lex;
mod library;
mod limits;
mod memo;
mod objects;
mod parse;
mod scheme;
mod types;
mod value;

pub use env::{Env, Host, LogLevel, NoEnv, NoHost};
pub use error::{CompileError, EvalError};
pub use filters::{FilterRun, FilterSet};
pub use function::{Call, Effect, Function, Method, Params, Signature};
pub use id::{FieldId, Kind, MethodId, VariableId};
pub use key::Key;
pub use library::{ExprId, Library};
pub use memo::Memo;
#[doc(hidden)]
pub use objects::index_of;
pub use objects::{MethodDef, ObjectDef, Objects};
pub use scheme::Scheme;
pub use types::Type;
pub use value::{Map, MapKey, Missing, Object, Place, Text, Value};
