//! The argument tree: global flags and nouns. Each noun's own arguments are in its file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

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

/// Flags every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global Flags")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "five flags of a command line that are each on or off"
)]
pub(crate) struct Global {
    /// Path of the configuration file
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/crowdsec/config.yaml"
    )]
    pub(crate) config: PathBuf,
    /// Output format: human, json, raw
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) output: String,
    /// Output color: yes, no, auto
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: String,
    /// Log debug messages and above
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Log info messages and above
    #[arg(long, global = true)]
    pub(crate) info: bool,
    /// Log warnings and above
    #[arg(long, global = true)]
    pub(crate) warning: bool,
    /// Log errors only
    #[arg(long, global = true)]
    pub(crate) error: bool,
    /// Log everything
    #[arg(long, global = true)]
    pub(crate) trace: bool,
    /// Hub branch to use instead of the configured one
    #[arg(long, global = true, hide = true, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
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

/// Returns the environment, which is read here and nowhere else.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Reads a Go duration with days (`4h`, `30d`).
pub(crate) fn duration(text: &str) -> Result<golang::duration::Duration, golang::duration::Error> {
    golang::duration::Duration::parse_days(text)
}

/// Reads a number with Go's words for what is none.
pub(crate) fn integer(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_not_a_number| {
        format!(
            "strconv.ParseInt: parsing {}: invalid syntax",
            golang::strings::quote(text)
        )
    })
}
