//! Sorts by a comparison that may fail or contradict itself (NaN), which the standard sort may panic on.

use crate::error::EvalError;

/// Sorts stably; `less` may fail, and what it says is taken as it comes.
pub(crate) fn sort<T>(
    items: Vec<T>,
    less: &mut dyn FnMut(&T, &T) -> Result<bool, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut runs: Vec<Vec<T>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, less)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge<T>(
    left: Vec<T>,
    right: Vec<T>,
    less: &mut dyn FnMut(&T, &T) -> Result<bool, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let side = if less(b, a)? { &mut right } else { &mut left };
        merged.extend(side.next());
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}
