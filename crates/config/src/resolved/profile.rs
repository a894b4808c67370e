//! `profiles.yaml`: which decisions follow from an alert.

use std::path::PathBuf;
use std::time::Duration;

/// One document of `profiles.yaml`; expressions are compiled by the Local API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// `name`.
    pub name: String,
    /// `debug`.
    pub debug: bool,
    /// `filters`; one that is true suffices, without any the profile never matches.
    pub filters: Vec<String>,
    /// `decisions`.
    pub decisions: Vec<DecisionTemplate>,
    /// `duration_expr`; overrides the durations.
    pub duration_expr: Option<String>,
    /// `on_success`.
    pub on_success: OnSuccess,
    /// `on_failure` as written; it has no effect. Upstream: `csprofiles.go`.
    pub on_failure: Option<String>,
    /// `on_error`.
    pub on_error: OnError,
    /// `notifications`.
    pub notifications: Vec<String>,
    /// Where the document begins, for messages about its expressions.
    pub file: PathBuf,
    /// Line of the document in `file`, from 1.
    pub line: usize,
}

/// One entry of `decisions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionTemplate {
    /// `type`; required.
    pub kind: String,
    /// `duration` as written; empty when absent (upstream then fails at insertion; we use 4 hours).
    pub duration: String,
    /// `duration`, parsed; 4 hours when absent.
    pub length: Duration,
    /// `scope`; none takes the alert's.
    pub scope: Option<String>,
    /// `origin`; becomes `crowdsec/<origin>`.
    pub origin: Option<String>,
    /// `simulated`.
    pub simulated: bool,
}

/// `on_success`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnSuccess {
    /// Absent or `continue`: the next profile is asked as well.
    #[default]
    Continue,
    /// `break`.
    Break,
}

/// `on_error`: what an expression that fails on an alert does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Absent: the alert is refused with the error.
    #[default]
    Refuse,
    /// `apply`: counts as a match without decisions.
    Apply,
    /// `continue`: the profile is skipped.
    Continue,
    /// `ignore`: the profile is skipped.
    Ignore,
    /// `break`: the profile is skipped, and no other is asked if a filter matched before.
    Break,
}
