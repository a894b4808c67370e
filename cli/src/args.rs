//! The argument tree: the nouns. Each noun's own arguments are in its file.

use std::collections::BTreeMap;

use clap::{Parser, Subcommand};

use crate::global::Global;

/// Inspect and change what your Security Engine knows and does.
#[derive(Debug, Parser)]
#[command(
    name = "cscli",
    disable_version_flag = true,
    long_about = "Inspects and changes what a Security Engine knows and does: decisions, alerts, bouncers, machines, \
                  and the hub's parsers, scenarios and collections.",
    after_help = "Use \"cscli [command] --help\" for more about a command."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List, show, delete and flush alerts
    #[command(alias = "alert")]
    Alerts(crate::alerts::Args),
    /// List, show and install the hub's WAF configurations
    #[command(name = "appsec-configs", aliases = ["appsec-config", "waf-configs", "waf-config"])]
    AppsecConfigs(crate::items::Args),
    /// List, show and install the hub's WAF rules
    #[command(name = "appsec-rules", aliases = ["appsec-rule", "waf-rules", "waf-rule"])]
    AppsecRules(crate::items::Args),
    /// Register, list and remove bouncers (on the machine of the Local API)
    #[command(alias = "bouncer")]
    Bouncers(crate::bouncers::Args),
    /// List, show and install the hub's collections
    #[command(alias = "collection")]
    Collections(crate::items::Args),
    /// Write a completion script for your shell
    Completion(crate::completion::Args),
    /// Show the configuration in effect
    Config(crate::settings::Args),
    /// List, show and install the hub's contexts
    #[command(alias = "context")]
    Contexts(crate::items::Args),
    /// List, add, import and delete decisions
    #[command(alias = "decision")]
    Decisions(crate::decisions::Args),
    /// Show what parsers and scenarios make of log lines
    Explain(crate::explain::Args),
    /// Show and update the hub's index, upgrade installed items
    Hub(crate::hub_index::Args),
    /// Run the hub's tests
    Hubtest(crate::hubtest::command::Args),
    /// Register with the Local API and check the connection to it
    Lapi(crate::lapi_commands::Args),
    /// Register, list and remove machines (on the machine of the Local API)
    #[command(alias = "machine")]
    Machines(crate::machines::Args),
    /// Show the metrics of the running Security Engine
    Metrics(crate::metrics::Args),
    /// List, show and install the hub's parsers
    #[command(alias = "parser")]
    Parsers(crate::items::Args),
    /// List, show and install the hub's postoverflows
    #[command(alias = "postoverflow")]
    Postoverflows(crate::items::Args),
    /// List, show and install the hub's scenarios
    #[command(alias = "scenario")]
    Scenarios(crate::items::Args),
    /// Turn simulation on and off, for all scenarios or single ones
    Simulation(crate::simulation::Args),
    /// Show the version of this program
    Version,
}

impl Command {
    /// Returns whether the command works without a configuration.
    pub(crate) fn is_free(&self) -> bool {
        matches!(self, Self::Version | Self::Completion(_) | Self::Hubtest(_))
    }
}

/// Returns the environment, which is read here and nowhere else.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
