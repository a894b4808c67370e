//! `cscli config`: the configuration in effect, without its secrets.

use clap::Subcommand;
use config::Config;
use config::resolved::{Engine, Identity, LogLevel, LogMedia};

use crate::context::Context;
use crate::error::{Error, file};
use crate::output::Format;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the configuration after defaults and paths
    Show,
    /// Show config.yaml merged with config.yaml.local
    ShowYaml,
    /// Show the feature flags
    FeatureFlags {
        /// Also those that are no longer used
        #[arg(long)]
        retired: bool,
    },
}

pub(crate) fn run(ctx: &Context, args: &Args) -> Result<(), Error> {
    match args.command {
        None => Ok(()),
        Some(Command::Show) => show(ctx),
        Some(Command::ShowYaml) => show_yaml(ctx),
        Some(Command::FeatureFlags { retired: _ }) => feature_flags(ctx),
    }
}

fn show(ctx: &Context) -> Result<(), Error> {
    let config = ctx.config()?;
    match ctx.out.format {
        Format::Human => {
            let credentials = ctx.credentials();
            if let Err(error) = &credentials {
                ctx.out
                    .error(&format!("failed to load API client configuration: {error}"));
            }
            ctx.out.print(&human(
                config,
                credentials.ok().map(|(credentials, _)| credentials).as_ref(),
            ))
        }
        Format::Json => ctx.out.print_json(&json(config), "  "),
        Format::Raw => show_yaml(ctx),
    }
}

fn human(config: &Config, credentials: Option<&config::resolved::Credentials>) -> String {
    let mut text = String::new();
    let mut line = |indent: &str, name: &str, value: String| {
        // Upstream's columns: the first block is indented by one more.
        let width = if indent.ends_with("   ") { 23 } else { 24 };
        crate::output::line(&mut text, format_args!("{indent}- {name:<width$}: {value}"));
    };
    let path = |path: &std::path::Path| path.display().to_string();
    let paths = &config.paths;
    line("Global:\n   ", "Configuration Folder", path(&paths.config_dir));
    line("   ", "Data Folder", path(&paths.data_dir));
    line("   ", "Hub Folder", path(&paths.hub_dir));
    line("   ", "Notification Folder", path(&paths.notification_dir));
    line("   ", "Simulation File", path(&paths.simulation));
    let to_file = config.common.log_media == LogMedia::File;
    line(
        "   ",
        "Log Folder",
        if to_file {
            path(&config.common.log_dir)
        } else {
            String::new()
        },
    );
    line("   ", "Log level", level(config.common.log_level).to_owned());
    line("   ", "Log Media", media(config.common.log_media).to_owned());
    if let Some(agent) = &config.agent {
        let file = agent.acquisition_file.as_deref().map(path).unwrap_or_default();
        line("Crowdsec:\n  ", "Acquisition File", file);
        line("  ", "Parsers routines", agent.parser_workers.to_string());
        if let Some(folder) = &agent.acquisition_dir {
            line("  ", "Acquisition Folder", path(folder));
        }
    }
    line("cscli:\n  ", "Output", output(config).to_owned());
    line("  ", "Hub Branch", config.cscli.hub_branch.clone());
    if let Some(client) = &config.client {
        if let Some(credentials) = credentials {
            line("API Client:\n  ", "URL", credentials.url.clone());
            let who = match &credentials.identity {
                Identity::Password { login, .. } => login.clone(),
                Identity::Certificate(tls) => path(&tls.cert_file),
            };
            line("  ", "Login", who);
            line("  ", "Credentials File", path(&client.credentials_file));
        } else {
            line(
                "API Client:\n  ",
                "Credentials File",
                path(&client.credentials_file),
            );
        }
    }
    if let Some(server) = &config.server {
        server_lines(&mut text, server);
        if let Some(database) = &config.database {
            database_lines(&mut text, database);
        }
    }
    text
}

fn server_lines(text: &mut String, server: &config::resolved::Server) {
    let path = |path: &std::path::Path| path.display().to_string();
    let mut line = |indent: &str, name: &str, value: String| {
        crate::output::line(text, format_args!("{indent}- {name:<24}: {value}"));
    };
    line(
        "Local API Server:\n  ",
        "Listen URL",
        server.listen_uri.clone().unwrap_or_default(),
    );
    line(
        "  ",
        "Listen Socket",
        server.listen_socket.as_deref().map(path).unwrap_or_default(),
    );
    line("  ", "Profile File", path(&server.profiles_file));
    if let Some(tls) = &server.tls {
        line("  ", "Cert File", path(&tls.cert_file));
        line("  ", "Key File", path(&tls.key_file));
    }
    text.push_str("\n  - Trusted IPs:\n");
    let mut seen = std::collections::BTreeSet::new();
    for range in server
        .trusted_ips
        .iter()
        .filter(|range| seen.insert(range.to_string()))
    {
        let single = range.prefix_len() == range.max_prefix_len();
        let shown = if single {
            range.addr().to_string()
        } else {
            range.to_string()
        };
        text.extend(["      - ", &shown, "\n"]);
    }
}

fn database_lines(text: &mut String, database: &config::resolved::Database) {
    text.push_str("  - Database:\n");
    let mut line =
        |name: &str, value: String| crate::output::line(text, format_args!("      - {name:<20}: {value}"));
    match &database.engine {
        Engine::Sqlite { path, .. } => {
            line("Type", "sqlite".to_owned());
            line("Path", path.display().to_string());
        }
        Engine::Postgres(remote) => remote_lines(&mut line, "postgres", remote),
        Engine::Mysql(remote) => remote_lines(&mut line, "mysql", remote),
    }
    if let Some(flush) = &database.flush {
        if let Some(age) = flush.max_age {
            let nanos = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
            line("Flush age", golang::duration::Duration(nanos).to_string());
        }
        if let Some(count) = flush.max_items {
            line("Flush size", count.to_string());
        }
    }
}

fn remote_lines(
    line: &mut impl FnMut(&str, String),
    kind: &str,
    remote: &config::resolved::database::Remote,
) {
    line("Type", kind.to_owned());
    line("Host", remote.host.clone());
    line("Port", remote.port.to_string());
    line("User", remote.user.clone());
    line("DB Name", remote.name.clone());
}

fn json(config: &Config) -> serde_json::Value {
    let paths = &config.paths;
    serde_json::json!({
        "Common": {"LogMedia": media(config.common.log_media), "LogLevel": level(config.common.log_level)},
        "ConfigPaths": {
            "ConfigDir": paths.config_dir, "DataDir": paths.data_dir, "HubDir": paths.hub_dir,
            "HubIndexFile": paths.index, "SimulationFilePath": paths.simulation,
            "NotificationDir": paths.notification_dir, "PluginDir": paths.plugin_dir,
            "PatternDir": paths.pattern_dir,
        },
        "Cscli": {"Output": output(config), "Color": config.cscli.color, "HubBranch": config.cscli.hub_branch},
        "Crowdsec": config.agent.as_ref().map(|agent| serde_json::json!({
            "AcquisitionFilePath": agent.acquisition_file, "AcquisitionDirPath": agent.acquisition_dir,
            "ParserRoutinesCount": agent.parser_workers,
        })),
        "API": {
            "Client": config.client.as_ref().map(|client| serde_json::json!({
                "CredentialsFilePath": client.credentials_file,
                "InsecureSkipVerify": client.insecure_skip_verify,
            })),
            "Server": config.server.as_ref().map(|server| serde_json::json!({
                "ListenURI": server.listen_uri, "ListenSocket": server.listen_socket,
                "ProfilesPath": server.profiles_file, "ConsoleConfigPath": server.console_file,
            })),
        },
        "Prometheus": {
            "Enabled": config.prometheus.enabled, "ListenAddr": config.prometheus.host,
            "ListenPort": config.prometheus.port,
        },
    })
}

/// The text as it is decoded: merged with `.local`; the environment is not expanded, so secrets given there stay
/// out of terminals and bug reports.
fn show_yaml(ctx: &Context) -> Result<(), Error> {
    let path = &ctx.config()?.file;
    let text = std::fs::read_to_string(path).map_err(|error| Error::new(file("open", path, &error)))?;
    let mut local = path.clone().into_os_string();
    local.push(".local");
    let local = std::path::PathBuf::from(local);
    let merged = if local.is_file() {
        let over =
            std::fs::read_to_string(&local).map_err(|error| Error::new(file("open", &local, &error)))?;
        merge(&text, &over)?
    } else {
        text
    };
    ctx.out
        .print(&(merged.trim_end_matches('\n').to_owned() + "\n\n"))
}

fn merge(base: &str, over: &str) -> Result<String, Error> {
    let read = |text: &str| {
        golang::yaml::from_str::<serde_json::Value>(text, golang::yaml::Dialect::Lenient)
            .map_err(|problem| Error::new(problem.to_string()))
    };
    let mut value = read(base)?;
    overlay(&mut value, read(over)?);
    let mut text = String::new();
    yaml(&mut text, &value, 0);
    Ok(text)
}

fn overlay(base: &mut serde_json::Value, over: serde_json::Value) {
    match (base, over) {
        (serde_json::Value::Object(base), serde_json::Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

fn yaml(text: &mut String, value: &serde_json::Value, indent: usize) {
    use crate::alerts::yaml_scalar;
    use serde_json::Value;
    let pad = " ".repeat(indent);
    let scalar = |value: &Value| match value {
        Value::String(text) => yaml_scalar(text),
        other => other.to_string(),
    };
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                text.extend([&pad, key, ":"]);
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        text.push('\n');
                        yaml(text, value, indent + 2);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        text.push('\n');
                        yaml(text, value, indent + 2);
                    }
                    value => text.extend([" ", &scalar(value), "\n"]),
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                if let Value::Object(_) = value {
                    let mut inner = String::new();
                    yaml(&mut inner, value, indent + 2);
                    text.extend([&pad, "- ", inner.trim_start()]);
                } else {
                    text.extend([&pad, "- ", &scalar(value), "\n"]);
                }
            }
        }
        other => text.extend([&pad, &scalar(other), "\n"]),
    }
}

/// Flags this program knows by name; none of them changes what it does, so none is on.
const FLAGS: [(&str, &str); 5] = [
    (
        "disable_http_retry_backoff",
        "Repeat requests without waiting longer each time",
    ),
    ("pprof_block_profile", "Profile waiting for locks"),
    (
        "re2_disable_grok_support",
        "Use another regular expression engine for grok patterns",
    ),
    (
        "re2_grok_support",
        "Use another regular expression engine for grok patterns (deprecated)",
    ),
    (
        "re2_regexp_in_file_support",
        "Use another regular expression engine for RegexpInFile",
    ),
];

fn feature_flags(ctx: &Context) -> Result<(), Error> {
    let config = ctx.config()?;
    let file = config.paths.config_dir.join("feature.yaml");
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    let is_on = |name: &str| {
        let variable = format!("CROWDSEC_FEATURE_{}", name.to_uppercase());
        ctx.env.get(&variable).is_some_and(|value| value == "true")
            || listed
                .lines()
                .any(|line| line.trim().trim_start_matches('-').trim() == name)
    };
    let (on, off): (Vec<_>, Vec<_>) = FLAGS.into_iter().partition(|(name, _)| is_on(name));
    let mut text = String::new();
    for (title, sign, flags) in [("Enabled", "✓", on), ("Disabled", "✗", off)] {
        if !flags.is_empty() {
            text.extend([" --- ", title, " features ---\n\n"]);
            for (name, about) in flags {
                text.extend([sign, " ", name, ": ", about, "\n"]);
            }
            text.push('\n');
        }
    }
    text.push_str("To enable a feature you can: \n");
    text.push_str("  - set the environment variable CROWDSEC_FEATURE_<uppercase_feature_name> to true\n");
    crate::output::line(
        &mut text,
        format_args!(
            "  - add the line '- <feature_name>' to the file {}\n",
            file.display()
        ),
    );
    ctx.out.print(&text)
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Panic => "panic",
        LogLevel::Fatal => "fatal",
        LogLevel::Error => "error",
        LogLevel::Warning => "warning",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

fn media(media: LogMedia) -> &'static str {
    match media {
        LogMedia::Stderr => "stdout",
        LogMedia::File => "file",
        LogMedia::Syslog => "syslog",
    }
}

fn output(config: &Config) -> &'static str {
    match config.cscli.output {
        config::resolved::Output::Human => Format::Human.as_str(),
        config::resolved::Output::Json => Format::Json.as_str(),
        config::resolved::Output::Raw => Format::Raw.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_file_wins_key_by_key_and_lists_are_replaced() {
        let merged = merge("a:\n  b: 1\n  c: [1, 2]\nd: x\n", "a:\n  c: [3]\ne: z\n").unwrap();
        assert_eq!(merged, "a:\n  b: 1\n  c:\n    - 3\nd: x\ne: z\n");
    }
}
