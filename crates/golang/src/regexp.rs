//! Go's regular expressions (RE2 syntax) on Rust's `regex`.
//!
//! Go classes are ASCII, a `{` that starts no repetition is a literal, and a class knows no set operations;
//! `translate` rewrites a Go pattern so that Rust gives Go's matches (Go's `regexp/syntax`).

mod translate;

pub use translate::translate;

/// Bytes a compiled program may take: upstream's largest grok pattern needs more than Rust's default.
pub const SIZE_LIMIT: usize = 64 << 20;

/// Why a pattern is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The pattern is not Go syntax; the text is Go's.
    #[error("error parsing regexp: {0}")]
    Syntax(String),
    /// The translated pattern does not compile, or is larger than `SIZE_LIMIT`.
    #[error("error parsing regexp: {0}")]
    Compile(#[from] Box<regex::Error>),
}

/// Compiles a Go pattern.
pub fn compile(pattern: &str) -> Result<regex::Regex, Error> {
    regex::RegexBuilder::new(&translate(pattern)?)
        .size_limit(SIZE_LIMIT)
        .build()
        .map_err(|error| Error::Compile(Box::new(error)))
}

/// Returns `text` with all characters escaped that mean something in a pattern, as Go's `QuoteMeta`.
pub fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
