//! The functions of the language and the helpers of the engine, one file a family.

use crate::function::{Function, Method};

/// Returns every function; names are unique. The closure builtins (`all none any one filter map count sum find
/// findIndex findLast findLastIndex groupBy sortBy reduce`) are not here: the compiler knows them.
pub(crate) fn functions() -> Vec<Function> {
    Vec::new()
}

/// Returns the methods of the built-in value types (`evt.Time.Hour()`).
pub(crate) fn methods() -> Vec<Method> {
    Vec::new()
}
