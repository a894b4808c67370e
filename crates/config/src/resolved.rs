//! `config.yaml` with absolute paths, defaults, enums and durations; the rules between fields hold.

pub mod acquisition;
pub mod content;
pub mod credentials;
pub mod database;
pub mod profile;
pub mod server;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::resolved::acquisition::{FileSource, Mode, PodsSource, Reader, Source};
pub use crate::resolved::content::{Console, ContextValues, Feature, Features, Notification, Simulation};
pub use crate::resolved::credentials::{ClientTls, Credentials, Identity, OnlineCredentials};
pub use crate::resolved::database::{Autodelete, Database, Engine, Flush};
pub use crate::resolved::profile::{DecisionTemplate, OnError, OnSuccess, Profile};
pub use crate::resolved::server::{AutoRegistration, ClientVerification, OnlineClient, Server, Tls};
use crate::secret::Secret;

/// Everything that `config.yaml` (with its `.local`) says.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file this was read from, absolute.
    pub file: PathBuf,
    /// `common`: what is logged and where.
    pub common: Common,
    /// `config_paths`.
    pub paths: Paths,
    /// `crowdsec_service`; none when the section is absent or `enable: false`.
    pub agent: Option<Agent>,
    /// `cscli`.
    pub cscli: Cscli,
    /// `db_config`; none when the section is absent. The Local API requires it.
    pub database: Option<Database>,
    /// `api.client`; none when the section is absent. The agent and most of `cscli` require it.
    pub client: Option<Client>,
    /// `api.server`; none when the section is absent or `enable: false`.
    pub server: Option<Server>,
    /// `api.cti`; none when there is no key or it is off.
    pub cti: Option<Cti>,
    /// `plugin_config`; none when the section is absent.
    pub plugins: Option<Plugins>,
    /// `prometheus`.
    pub prometheus: Prometheus,
    /// Deprecated or ignored settings, one sentence each, to be logged as warnings.
    pub warnings: Vec<String>,
}

/// How severe a line is; ordered from the most severe to the most verbose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// As good as silent.
    Panic,
    /// The process ends.
    Fatal,
    /// Someone must act.
    Error,
    /// Degraded.
    Warning,
    /// Life cycle.
    #[default]
    Info,
    /// Each request, each item.
    Debug,
    /// Each event.
    Trace,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogMedia {
    /// `stdout`, which upstream writes to the standard error stream.
    Stderr,
    /// `file`, below `log_dir`.
    File,
    /// `syslog`.
    Syslog,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `time="…" level=info msg="…"`.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The section `common`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// `log_media`.
    pub log_media: LogMedia,
    /// `log_dir`; where `crowdsec.log` lies.
    pub log_dir: PathBuf,
    /// `log_level`.
    pub log_level: LogLevel,
    /// `log_format`.
    pub log_format: LogFormat,
    /// `log_max_size` in bytes (the file has MiB).
    pub log_max_bytes: u64,
    /// `log_max_age`; none keeps rotated files.
    pub log_max_age: Option<Duration>,
    /// `log_max_files`; 0 keeps all.
    pub log_max_files: usize,
    /// `compress_logs`.
    pub compress_logs: bool,
}

/// The section `config_paths`, all absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `config_dir`; below it lie `parsers`, `scenarios` and the other folders of installed items.
    pub config_dir: PathBuf,
    /// `data_dir`.
    pub data_dir: PathBuf,
    /// `simulation_path`.
    pub simulation: PathBuf,
    /// Whether `simulation_path` is written; only then must the file exist.
    pub simulation_is_named: bool,
    /// `hub_dir`.
    pub hub_dir: PathBuf,
    /// `index_path`.
    pub index: PathBuf,
    /// `notification_dir`.
    pub notification_dir: PathBuf,
    /// `plugin_dir`; none when not given, which is an error once a profile notifies.
    pub plugin_dir: Option<PathBuf>,
    /// `pattern_dir`.
    pub pattern_dir: PathBuf,
}

/// The section `crowdsec_service`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// `acquisition_path`; a missing file is tolerated.
    pub acquisition_file: Option<PathBuf>,
    /// `acquisition_dir`; `*.yaml`, then `*.yml`.
    pub acquisition_dir: Option<PathBuf>,
    /// `parser_routines`, at least 1.
    pub parser_workers: usize,
    /// `buckets_routines`, at least 1.
    pub bucket_workers: usize,
    /// `output_routines`, at least 1.
    pub output_workers: usize,
    /// `console_context_path`, else `console/context.yaml` below the configuration folder.
    pub context_file: PathBuf,
    /// `console_context_value_length` in bytes, at most and by default 4000.
    pub context_value_length: usize,
    /// `dns_cache`.
    pub dns_cache: DnsCache,
}

/// `crowdsec_service.dns_cache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsCache {
    /// How long an answer is kept.
    pub ttl: Duration,
    /// How long a failure is kept.
    pub negative_ttl: Duration,
    /// How many names are kept.
    pub size: usize,
}

/// The format of `cscli`'s answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Tables.
    #[default]
    Human,
    /// JSON.
    Json,
    /// CSV, and JSON lines for errors.
    Raw,
}

/// The section `cscli`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cscli {
    /// `output`.
    pub output: Output,
    /// `color`: `auto`, `yes` or `no`.
    pub color: String,
    /// `hub_branch`; empty means the one that fits the version.
    pub hub_branch: String,
    /// `hub_with_content`.
    pub hub_with_content: bool,
    /// `__hub_url_template__`, with two `%s` for branch and path.
    pub hub_url_template: String,
    /// Where the metrics of the local process are, from `prometheus.listen_*`.
    pub prometheus_url: String,
}

/// The section `api.client`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `credentials_path`.
    pub credentials_file: PathBuf,
    /// `insecure_skip_verify`.
    pub insecure_skip_verify: bool,
    /// `unregister_on_exit`.
    pub unregister_on_exit: bool,
}

/// The section `api.cti`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cti {
    /// `key`.
    pub key: Secret,
    /// `cache_timeout`.
    pub cache_timeout: Duration,
    /// `cache_size`.
    pub cache_size: usize,
    /// `log_level`; none inherits.
    pub log_level: Option<LogLevel>,
}

/// The section `plugin_config`; both names are given or both are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// `user` that notification plugins run as; empty keeps the own one.
    pub user: String,
    /// `group` that notification plugins run as; empty keeps the own one.
    pub group: String,
}

/// How many metrics there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsLevel {
    /// None.
    None,
    /// Without the series of single items, machines and bouncers.
    Aggregated,
    /// All.
    Full,
}

/// The section `prometheus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// `enabled`; false when absent.
    pub enabled: bool,
    /// `level`; none when it is empty or unknown, and then nothing of ours is registered, as upstream does.
    pub level: Option<MetricsLevel>,
    /// `listen_addr`.
    pub host: String,
    /// `listen_port`.
    pub port: u16,
}

/// An address or a range, as `trusted_ips` and `allowed_ranges` have them.
pub type Range = ipnet::IpNet;

/// Says whether `address` lies in one of `ranges`.
pub fn contains(ranges: &[Range], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}
