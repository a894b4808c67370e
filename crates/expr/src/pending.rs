//! Stands in for `golang::duration::Duration` and `golang::time::Time` until that crate has them.

/// Counts nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub i64);

/// Is an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time(jiff::Timestamp);

impl Time {
    /// Returns the instant.
    pub fn timestamp(&self) -> jiff::Timestamp {
        self.0
    }
}
