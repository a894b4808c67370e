//! The hub on a real folder: a small hub written here, and the public one where `SHARED_DIR` has it.

#[cfg(test)]
mod public;
#[cfg(test)]
mod small;
