//! The small files beside `config.yaml`: simulation, console, context, features, notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// `simulation.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// `simulation`.
    pub on: bool,
    /// `exclusions`: scenarios for which the opposite of `on` holds.
    pub exclusions: BTreeSet<String>,
}

impl Simulation {
    /// Says whether the decisions of `scenario` are simulated. Upstream: `SimulationConfig.IsSimulated`.
    pub fn covers(&self, scenario: &str) -> bool {
        self.on != self.exclusions.contains(scenario)
    }
}

/// `console.yaml`: what is shared with the Central API.
#[expect(
    clippy::struct_excessive_bools,
    reason = "five independent switches of one file"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Console {
    /// `share_manual_decisions`.
    pub share_manual_decisions: bool,
    /// `share_tainted`.
    pub share_tainted: bool,
    /// `share_custom`.
    pub share_custom: bool,
    /// `console_management`.
    pub console_management: bool,
    /// `share_context`.
    pub share_context: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            share_manual_decisions: false,
            share_tainted: true,
            share_custom: true,
            console_management: false,
            share_context: false,
        }
    }
}

/// A context file: for each key the expressions whose values an alert carries.
pub type ContextValues = BTreeMap<String, Vec<String>>;

/// A switch of `feature.yaml` or `CROWDSEC_FEATURE_<NAME>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// `disable_http_retry_backoff`.
    DisableHttpRetryBackoff,
    /// `pprof_block_profile`; accepted without effect.
    PprofBlockProfile,
    /// `re2_grok_support`; accepted without effect.
    Re2Grok,
    /// `re2_disable_grok_support`; accepted without effect.
    Re2DisableGrok,
    /// `re2_regexp_in_file_support`; accepted without effect.
    Re2RegexpInFile,
}

/// The features that are on, and what was ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// What is on.
    pub enabled: BTreeSet<Feature>,
    /// Unknown or retired names, one sentence each, to be logged as errors.
    pub ignored: Vec<String>,
}

/// One document of a file in `notification_dir`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// `type`: `http`, `slack`, `email`, …
    pub kind: String,
    /// `name`, by which profiles refer to it.
    pub name: String,
    /// `format`, a template; empty when absent.
    pub format: String,
    /// `group_wait`.
    pub group_wait: Option<Duration>,
    /// `group_threshold`.
    pub group_threshold: usize,
    /// `max_retry`.
    pub max_retry: usize,
    /// `timeout`; 5 s by default.
    pub timeout: Duration,
    /// The whole document, environment expanded, as the plugin receives it.
    pub text: String,
    /// The file.
    pub file: PathBuf,
    /// Line of the document in `file`, from 1.
    pub line: usize,
}
