//! The walk over a format string.

use super::Arg;

pub(super) fn sprintf(format: &str, args: &[Arg<'_>]) -> String {
    let _ = args;
    format.to_owned()
}

pub(super) fn sprint(args: &[Arg<'_>]) -> String {
    let _ = args;
    String::new()
}
