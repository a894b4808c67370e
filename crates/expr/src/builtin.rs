//! The functions of the language and the helpers of the engine, one file a family.
//!
//! Upstream: expr-lang v1.17.8 `builtin/` for the lower-case names, `pkg/exprhelpers/expr_lib.go` for the others.

mod bits;
mod convert;
mod helper_files;
mod helper_json;
mod helper_kv;
mod helper_list;
mod helper_math;
mod helper_net;
mod helper_text;
mod helper_world;
mod helper_xml;
mod json;
mod list;
mod map;
mod methods;
mod number;
mod show;
mod text;
mod time;

use crate::function::{Function, Method};

pub use json::{from_json, to_json};
pub use show::{go_arg, sprintf};

/// Upstream's helpers that are not implemented yet: using one is a compile error that says so.
const MISSING: [&str; 9] = [
    "CrowdsecCTI",
    "HTTPGet",
    "HTTPHead",
    "HTTPPost",
    "HTTPRequest",
    "JA4H",
    "LibInjectionIsSQLI",
    "LibInjectionIsXSS",
    "MatchKnownBot",
];

/// Returns every function; names are unique. The closure builtins (`all none any one filter map count sum find
/// findIndex findLast findLastIndex groupBy sortBy reduce`) are not here: the compiler knows them.
pub(crate) fn functions() -> Vec<Function> {
    [
        bits::functions(),
        convert::functions(),
        list::functions(),
        map::functions(),
        number::functions(),
        text::functions(),
        time::functions(),
        helper_files::functions(),
        helper_json::functions(),
        helper_kv::functions(),
        helper_list::functions(),
        helper_math::functions(),
        helper_net::functions(),
        helper_text::functions(),
        helper_world::functions(),
        helper_xml::functions(),
        MISSING.map(Function::missing).to_vec(),
    ]
    .concat()
}

/// Returns the methods of the built-in value types (`evt.Time.Hour()`).
pub(crate) fn methods() -> Vec<Method> {
    methods::methods()
}

/// Calls a function by name with plain values, for the tests of this folder.
#[cfg(test)]
pub(crate) fn call(name: &str, args: &[crate::Value]) -> Result<crate::Value, crate::EvalError> {
    call_in(&mut crate::NoEnv, name, args)
}

/// Calls a function by name in an environment, for the tests of this folder.
#[cfg(test)]
pub(crate) fn call_in(
    env: &mut dyn crate::Env,
    name: &str,
    args: &[crate::Value],
) -> Result<crate::Value, crate::EvalError> {
    let function = functions().into_iter().find(|f| f.name == name).expect(name);
    let mut memory = 1_000_000;
    (function.body)(&mut crate::Call {
        args,
        env,
        memory: &mut memory,
    })
}

#[cfg(test)]
mod tests;
