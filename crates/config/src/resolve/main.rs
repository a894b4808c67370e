//! The whole of `config.yaml`, and its smaller sections.

use std::path::Path;
use std::time::Duration;

use crate::raw;
use crate::resolve::{Findings, count, database, server};
use crate::resolved::{
    Agent, Client, Common, Config, Cscli, Cti, DnsCache, LogFormat, LogMedia, MetricsLevel, Output, Paths,
    Plugins, Prometheus,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MIB: u64 = 1024 * 1024;
/// Longest alert context that the Local API stores. Upstream: `crowdsec_service.go`.
const CONTEXT_LENGTH: usize = 4000;
const HUB_URL: &str = "https://cdn-hub.crowdsec.net/crowdsecurity/%s/%s";

/// Resolves the merged file; none only when there is no data folder.
pub(crate) fn resolve(raw: raw::Main, found: &mut Findings<'_>) -> Option<Config> {
    let prometheus = prometheus(raw.prometheus.unwrap_or_default(), found);
    let paths = paths(raw.config_paths, found);
    let config_dir = found.file.parent().unwrap_or_else(|| Path::new("/")).to_owned();
    let config_dir = paths
        .as_ref()
        .map_or(config_dir, |paths| paths.config_dir.clone());
    let api = raw.api.unwrap_or_default();
    let common = common(raw.common.unwrap_or_default(), found);
    let agent = raw
        .crowdsec_service
        .and_then(|section| agent(section, &config_dir, found));
    let cscli = cscli(raw.cscli.unwrap_or_default(), &prometheus, found);
    let database = raw
        .db_config
        .and_then(|section| database::resolve(section, found));
    let client = api.client.and_then(|section| client(section, found));
    let server = api
        .server
        .and_then(|section| server::resolve(section, &config_dir, found));
    let cti = api.cti.and_then(|section| cti(section, found));
    let plugins = raw.plugin_config.map(|section| plugins(section, found));
    Some(Config {
        file: found.file.to_owned(),
        common,
        paths: paths?,
        agent,
        cscli,
        database,
        client,
        server,
        cti,
        plugins,
        prometheus,
        warnings: Vec::new(),
    })
}

fn common(raw: raw::main::Common, found: &mut Findings<'_>) -> Common {
    if raw.pid_dir.is_some_and(|dir| !dir.is_empty()) {
        found
            .warnings
            .push("common.pid_dir is ignored; remove it".to_owned());
    }
    let log_media = match raw.log_media.as_deref() {
        None | Some("" | "stdout") => LogMedia::Stderr,
        Some("file") => LogMedia::File,
        Some("syslog") => LogMedia::Syslog,
        Some(other) => {
            found.problem(
                "common.log_media",
                format!("unknown log_mode {other:?}"),
                "use stdout, file or syslog",
            );
            LogMedia::Stderr
        }
    };
    let log_format = match raw.log_format.as_deref() {
        None | Some("" | "text") => LogFormat::Text,
        Some("json") => LogFormat::Json,
        Some(other) => {
            found.problem(
                "common.log_format",
                format!("unknown log format {other:?}"),
                "use text or json",
            );
            LogFormat::Text
        }
    };
    let days = count(raw.log_max_age, 28);
    Common {
        log_media,
        log_dir: found
            .path("common.log_dir", raw.log_dir)
            .unwrap_or_else(|| "/var/log".into()),
        log_level: found
            .level("common.log_level", raw.log_level.as_deref())
            .unwrap_or_default(),
        log_format,
        log_max_bytes: count(raw.log_max_size, 500) as u64 * MIB,
        log_max_age: Some(DAY * u32::try_from(days).unwrap_or(u32::MAX)),
        log_max_files: count(raw.log_max_files, 3),
        compress_logs: raw.compress_logs.unwrap_or(true),
    }
}

fn paths(raw: Option<raw::main::Paths>, found: &mut Findings<'_>) -> Option<Paths> {
    let Some(raw) = raw else {
        let cure = "add a section config_paths with data_dir";
        found.problem("config_paths", "no configuration paths provided", cure);
        return None;
    };
    let parent = found.file.parent().unwrap_or_else(|| Path::new("/")).to_owned();
    let config_dir = found
        .path("config_paths.config_dir", raw.config_dir)
        .unwrap_or(parent);
    let data_dir = found.path("config_paths.data_dir", raw.data_dir);
    if data_dir.is_none() {
        let cure = "name the folder of the database and the data files";
        found.problem("config_paths.data_dir", "no data directory provided", cure);
    }
    let hub_dir = found
        .path("config_paths.hub_dir", raw.hub_dir)
        .unwrap_or_else(|| config_dir.join("hub"));
    let simulation_is_named = raw.simulation_path.as_ref().is_some_and(|path| !path.is_empty());
    let mut below = |field: &str, written, default: &str| {
        found
            .path(field, written)
            .unwrap_or_else(|| config_dir.join(default))
    };
    Some(Paths {
        simulation_is_named,
        simulation: below(
            "config_paths.simulation_path",
            raw.simulation_path,
            "simulation.yaml",
        ),
        notification_dir: below(
            "config_paths.notification_dir",
            raw.notification_dir,
            "notifications",
        ),
        pattern_dir: below("config_paths.pattern_dir", raw.pattern_dir, "patterns"),
        index: found
            .path("config_paths.index_path", raw.index_path)
            .unwrap_or_else(|| hub_dir.join(".index.json")),
        plugin_dir: found.path("config_paths.plugin_dir", raw.plugin_dir),
        hub_dir,
        data_dir: data_dir?,
        config_dir,
    })
}

fn agent(raw: raw::main::CrowdsecService, config_dir: &Path, found: &mut Findings<'_>) -> Option<Agent> {
    let cache = raw.dns_cache.unwrap_or_default();
    let field = "crowdsec_service.dns_cache";
    let agent = Agent {
        acquisition_file: found.path("crowdsec_service.acquisition_path", raw.acquisition_path),
        acquisition_dir: found.path("crowdsec_service.acquisition_dir", raw.acquisition_dir),
        parser_workers: count(raw.parser_routines, 1),
        bucket_workers: count(raw.buckets_routines, 1),
        output_workers: count(raw.output_routines, 1),
        context_file: found
            .path("crowdsec_service.console_context_path", raw.console_context_path)
            .unwrap_or_else(|| config_dir.join("console/context.yaml")),
        context_value_length: count(raw.console_context_value_length, CONTEXT_LENGTH).min(CONTEXT_LENGTH),
        dns_cache: DnsCache {
            ttl: found
                .duration(&format!("{field}.ttl"), cache.ttl.as_deref())
                .unwrap_or(Duration::from_secs(300)),
            negative_ttl: found
                .duration(&format!("{field}.negative_ttl"), cache.negative_ttl.as_deref())
                .unwrap_or(Duration::from_secs(30)),
            size: count(cache.size, 4096),
        },
    };
    raw.enable.unwrap_or(true).then_some(agent)
}

fn cscli(raw: raw::main::Cscli, prometheus: &Prometheus, found: &mut Findings<'_>) -> Cscli {
    let output = match raw.output.as_deref() {
        None | Some("" | "human") => Output::Human,
        Some("json") => Output::Json,
        Some("raw") => Output::Raw,
        Some(other) => {
            found
                .warnings
                .push(format!("cscli.output: unknown format {other:?}, using human"));
            Output::Human
        }
    };
    let host = match prometheus.host.as_str() {
        ipv6 if ipv6.contains(':') && !ipv6.starts_with('[') => format!("[{ipv6}]"),
        other => other.to_owned(),
    };
    Cscli {
        output,
        color: raw
            .color
            .filter(|color| !color.is_empty())
            .unwrap_or_else(|| "auto".to_owned()),
        hub_branch: raw.hub_branch.unwrap_or_default(),
        hub_with_content: raw.hub_with_content.unwrap_or(false),
        hub_url_template: raw
            .hub_url_template
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| HUB_URL.to_owned()),
        prometheus_url: format!("http://{host}:{}/metrics", prometheus.port),
    }
}

fn client(raw: raw::main::Client, found: &mut Findings<'_>) -> Option<Client> {
    let Some(credentials_file) = found.path("api.client.credentials_path", raw.credentials_path) else {
        let cure = "name the file that cscli machines add or cscli lapi register writes";
        found.problem("api.client.credentials_path", "no credentials file given", cure);
        return None;
    };
    Some(Client {
        credentials_file,
        insecure_skip_verify: raw.insecure_skip_verify.unwrap_or(false),
        unregister_on_exit: raw.unregister_on_exit.unwrap_or(false),
    })
}

fn cti(raw: raw::main::Cti, found: &mut Findings<'_>) -> Option<Cti> {
    let enabled = raw.enabled.unwrap_or(true);
    let log_level = found.level("api.cti.log_level", raw.log_level.as_deref());
    let cache_timeout = found.duration("api.cti.cache_timeout", raw.cache_timeout.as_deref());
    let key = raw.key?;
    if key.is_empty() {
        found.problem(
            "api.cti.key",
            "the key is empty",
            "give the key or remove the section api.cti",
        );
        return None;
    }
    enabled.then(|| Cti {
        key,
        cache_timeout: cache_timeout.unwrap_or(Duration::from_secs(600)),
        cache_size: count(raw.cache_size, 100),
        log_level,
    })
}

fn plugins(raw: raw::main::Plugins, found: &mut Findings<'_>) -> Plugins {
    let plugins = Plugins {
        user: raw.user.unwrap_or_default(),
        group: raw.group.unwrap_or_default(),
    };
    if plugins.user.is_empty() != plugins.group.is_empty() {
        let missing = if plugins.user.is_empty() { "user" } else { "group" };
        let field = format!("plugin_config.{missing}");
        found.problem(
            &field,
            "user and group must be given together",
            "give both or neither",
        );
    }
    plugins
}

fn prometheus(raw: raw::main::Prometheus, found: &mut Findings<'_>) -> Prometheus {
    Prometheus {
        enabled: raw.enabled.unwrap_or(false),
        level: match raw.level.as_deref() {
            Some("none") => Some(MetricsLevel::None),
            Some("aggregated") => Some(MetricsLevel::Aggregated),
            Some("full") => Some(MetricsLevel::Full),
            other => {
                if raw.enabled.unwrap_or(false) {
                    let level = other.unwrap_or_default();
                    found.warnings.push(format!(
                        "prometheus.level: invalid metrics level {level:?}, there will be no cs_ metrics; \
                         use none, aggregated or full"
                    ));
                }
                None
            }
        },
        host: raw
            .listen_addr
            .filter(|host| !host.is_empty())
            .unwrap_or_else(|| "127.0.0.1".to_owned()),
        port: found
            .port("prometheus.listen_port", raw.listen_port)
            .filter(|port| *port > 0)
            .unwrap_or(6060),
    }
}
