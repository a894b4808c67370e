//! The command line of `crowdsec-operator`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Turns resources of the crowdsec-operator.dev group into a running CrowdSec installation.
#[derive(Clone, Debug, Parser)]
#[command(name = "crowdsec-operator", version, disable_help_subcommand = true)]
pub struct Args {
    /// What to do; `run` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Namespaces to look at, separated by commas; the whole cluster when left out. With namespaces, Roles suffice.
    #[arg(long, global = true, value_delimiter = ',', env = "WATCH_NAMESPACES")]
    pub namespaces: Vec<String>,
    /// File with defaults of what a spec leaves out (`image`, `imagePullPolicy`, `imagePullSecrets`).
    #[arg(long, global = true)]
    pub defaults: Option<PathBuf>,
    /// File with resources that are applied once this operator acts, as YAML documents; fields that somebody else set
    /// stay as they are.
    #[arg(long, global = true)]
    pub resources: Option<PathBuf>,
    /// Address of `/healthz` and `/readyz`.
    #[arg(long, global = true, default_value = "[::]:8081")]
    pub health_listen: SocketAddr,
    /// Address of `/metrics`.
    #[arg(long, global = true, default_value = "[::]:6060")]
    pub metrics_listen: SocketAddr,
    /// How log lines look.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Level of log lines: trace, debug, info, warning, error.
    #[arg(long, global = true, default_value = "info")]
    pub log_level: String,
    /// Namespace the operator runs in; its Lease lies there.
    #[arg(long, global = true, env = "POD_NAMESPACE", default_value = "crowdsec")]
    pub namespace: String,
    /// Name of the Lease; operators of one namespace that look at different namespaces need different ones.
    #[arg(long, global = true, default_value = crate::lease::NAME)]
    pub lease: String,
    /// Name by which this operator holds the Lease and signs events.
    #[arg(long, global = true, env = "POD_NAME")]
    pub identity: Option<String>,
    /// Image of everything that is made; wins over the file of defaults.
    #[arg(long, global = true, env = "OPERAND_IMAGE")]
    pub operand_image: Option<String>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Reconcile until stopped.
    Run,
    /// Print the custom resource definitions as YAML.
    Crds,
    /// Delete all resources of our kinds and wait until they are gone; volumes and Secrets stay.
    Uninstall,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `time="…" level=info msg="…"`.
    Text,
    /// One JSON object a line.
    Json,
}

/// Reads the command line, with the program's name first.
pub fn parse(words: &[OsString]) -> Result<Args, clap::Error> {
    Args::try_parse_from(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words).unwrap()
    }

    #[test]
    fn flags_may_stand_before_and_after_the_command() {
        assert_eq!(
            args("crowdsec-operator --namespaces a,b run").namespaces,
            ["a", "b"]
        );
        assert_eq!(args("crowdsec-operator run --namespaces a").namespaces, ["a"]);
        assert_eq!(args("crowdsec-operator crds").command, Some(Command::Crds));
        assert_eq!(args("crowdsec-operator").command, None);
    }
}
