//! The flags that every command takes.

use std::path::PathBuf;

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
