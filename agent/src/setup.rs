//! A configuration made ready to run: credentials, compiled items, sources. Nothing is started here.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::lapi::{Client, Credentials, Settings};
use client::retry::Retry;
use client::transport::{Endpoint, Limits};
use config::Config;
use config::resolved::{Identity, MetricsLevel, PodsSource, Reader};
use engine::{Rules, detector};
use hub::{Hub, ItemType};
use pods::View;
use tokio::sync::watch;

use crate::acquire::Entry;
use crate::load::{self, Places};
use crate::metrics::Metrics;
use crate::usage;

/// A configuration that holds: everything is read and compiled, nothing was started.
pub struct Loaded {
    pub(crate) config: Arc<Config>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) detection: detector::Settings,
    pub(crate) entries: Vec<Entry>,
    pub(crate) pods: Option<PodsSource>,
    pub(crate) view: Option<watch::Receiver<View>>,
    endpoint: Endpoint,
    pub(crate) credentials: Credentials,
    /// Whether the operator registers this machine, perhaps only in a moment.
    pub(crate) awaits_registration: bool,
    pub(crate) workers: usize,
    pub(crate) unregister_on_exit: bool,
    pub(crate) facts: usage::Facts,
}

/// What is wrong with a configuration, each with file, place and cure, ready to be printed.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);

/// Who runs the agent.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Version of this program, without `v`.
    pub version: String,
    /// Build or system, the second part of the version that others see.
    pub system: String,
    /// When the process started.
    pub started: Option<jiff::Timestamp>,
}

impl Program {
    /// Returns the User-Agent, `crowdsec/v<version>-<system>`.
    pub fn user_agent(&self) -> String {
        client::transport::user_agent(&self.version, &self.system)
    }
}

/// Reads and compiles all that the agent needs; without `sources` no acquisition is read (replay).
pub fn load(
    config: &Arc<Config>,
    env: &config::Env,
    program: &Program,
    sources: Sources,
) -> Result<Loaded, Problems> {
    let one = |text: &str| Problems(vec![text.to_owned()]);
    let agent = config
        .agent
        .as_ref()
        .ok_or_else(|| one("crowdsec_service is missing or disabled"))?;
    let place = config.file.display();
    let api = config.client.as_ref().ok_or_else(|| {
        one(&format!(
            "loading api client: {place}: no API client section in configuration; add api.client.credentials_path"
        ))
    })?;
    let credentials =
        config::load::credentials(api, env).map_err(|problems| said("loading api client", problems));
    let simulation = config::load::simulation_of(&config.paths)
        .map_err(|problems| said("load error (simulation)", problems));
    let entries = match sources {
        Sources::Configured => entries(config, agent, env),
        Sources::None => Ok((Vec::new(), None)),
    };
    let hub = installed(config)?;
    let places = Places {
        pattern_dir: &config.paths.pattern_dir,
        data_dir: &config.paths.data_dir,
        context_file: Some(&agent.context_file),
    };
    let settings = engine::Settings {
        count_nodes: config.prometheus.level == Some(MetricsLevel::Full),
    };
    let rules = load::rules(&hub, places, settings).map_err(|problems| said("crowdsec init", problems));
    let (credentials, simulation, rules, entries) = match (credentials, simulation, rules, entries) {
        (Ok(credentials), Ok(simulation), Ok(rules), Ok(entries)) => {
            (credentials, simulation, rules, entries)
        }
        (credentials, simulation, rules, entries) => {
            let wrong = [credentials.err(), simulation.err(), rules.err(), entries.err()];
            return Err(Problems(
                wrong
                    .into_iter()
                    .flatten()
                    .flat_map(|problems| problems.0)
                    .collect(),
            ));
        }
    };
    let (entries, pods) = entries;
    for warning in rules.warnings() {
        tracing::warn!("{warning}");
    }
    let detection = detection(agent.context_value_length, simulation);
    let awaits_registration = credentials.password_key_file.is_some();
    let (endpoint, credentials) = machine(credentials, api.insecure_skip_verify, scenarios(&hub));
    Ok(Loaded {
        rules: Arc::new(rules),
        detection,
        endpoint,
        credentials,
        awaits_registration,
        workers: agent.parser_workers,
        unregister_on_exit: api.unregister_on_exit,
        facts: facts(&hub, program, entries.len() + usize::from(pods.is_some())),
        entries,
        pods,
        view: None,
        config: Arc::clone(config),
    })
}

fn detection(context_length: usize, simulation: config::resolved::Simulation) -> detector::Settings {
    detector::Settings {
        context_length,
        simulation: engine::simulation::Simulation {
            everywhere: simulation.on,
            exclusions: simulation.exclusions,
        },
        ..detector::Settings::default()
    }
}

/// Which sources are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// Those of the acquisition files.
    Configured,
    /// None: the caller brings its own.
    None,
}

impl Loaded {
    /// Makes the client of the Local API.
    pub fn client(&self, program: &Program, retry: Retry) -> Result<Client, client::Error> {
        let settings = Settings {
            user_agent: program.user_agent(),
            retry,
            limits: Limits::default(),
        };
        Client::new(&self.endpoint, self.credentials.clone(), settings)
    }

    /// Takes the view of pods from elsewhere than the API server.
    #[must_use]
    pub fn with_view(self, view: watch::Receiver<View>) -> Self {
        Self {
            view: Some(view),
            ..self
        }
    }

    /// Returns what a replay needs.
    pub fn replay(&self, metrics: &Metrics) -> crate::replay::Settings {
        crate::replay::Settings {
            rules: Arc::clone(&self.rules),
            detection: self.detection.clone(),
            workers: self.workers,
            metrics: metrics.clone(),
        }
    }

    /// Returns the compiled items.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }
}

fn installed(config: &Config) -> Result<Hub, Problems> {
    let paths = hub::Paths {
        hub_dir: config.paths.hub_dir.clone(),
        index_path: config.paths.index.clone(),
        install_dir: config.paths.config_dir.clone(),
        data_dir: config.paths.data_dir.clone(),
    };
    let hub = Hub::open(paths).map_err(|error| Problems(vec![error.to_string()]))?;
    for warning in &hub.warnings {
        tracing::warn!("{warning}");
    }
    Ok(hub)
}

fn entries(
    config: &Config,
    agent: &config::resolved::Agent,
    env: &config::Env,
) -> Result<(Vec<Entry>, Option<PodsSource>), Problems> {
    let sources = config::load::acquisition(agent, env)
        .map_err(|problems| said("crowdsec init: while loading acquisition config", problems))?;
    let is_short = config.prometheus.level == Some(MetricsLevel::Aggregated);
    let mut entries = Vec::new();
    let mut pods = None;
    let mut wrong = Vec::new();
    for source in &sources {
        if let Reader::Pods(wanted) = &source.reader {
            if pods.replace(wanted.clone()).is_some() {
                wrong.push(format!(
                    "crowdsec init: while loading acquisition config: {}:{}: source: pods is given twice; keep one",
                    source.file.display(),
                    source.line
                ));
            }
            continue;
        }
        match Entry::new(source, is_short) {
            Ok(entry) => entries.push(entry),
            Err(error) => wrong.push(format!(
                "crowdsec init: while loading acquisition config: {error}"
            )),
        }
    }
    if wrong.is_empty() {
        Ok((entries, pods))
    } else {
        Err(Problems(wrong))
    }
}

fn said<P: std::fmt::Display>(doing: &str, problems: Vec<P>) -> Problems {
    Problems(
        problems
            .into_iter()
            .map(|problem| format!("{doing}: {problem}"))
            .collect(),
    )
}

fn machine(
    credentials: config::resolved::Credentials,
    insecure_skip_verify: bool,
    scenarios: Vec<String>,
) -> (Endpoint, Credentials) {
    let config::resolved::Credentials {
        url,
        identity,
        ca_file,
        password_key_file: _,
        papi_url: _,
    } = credentials;
    let mut endpoint = Endpoint {
        url,
        ca_cert_path: ca_file,
        insecure_skip_verify,
        ..Endpoint::default()
    };
    let (login, password) = match identity {
        Identity::Password { login, password } => (login, password.expose().to_owned()),
        Identity::Certificate(tls) => {
            endpoint.cert_path = Some(tls.cert_file);
            endpoint.key_path = Some(tls.key_file);
            (String::new(), String::new())
        }
    };
    (
        endpoint,
        Credentials {
            login,
            password: password.into(),
            scenarios,
        },
    )
}

/// Upstream: installed scenarios, then appsec rules, each sorted by name without regard to case.
fn scenarios(hub: &Hub) -> Vec<String> {
    [ItemType::Scenarios, ItemType::AppsecRules]
        .into_iter()
        .flat_map(|kind| hub.installed_of_type(kind))
        .map(|item| item.id.name.clone())
        .collect()
}

fn facts(hub: &Hub, program: &Program, entries: usize) -> usage::Facts {
    let mut hub_items: BTreeMap<String, Vec<wire::usage::HubItem>> = BTreeMap::new();
    for kind in ItemType::ALL {
        for item in hub.installed_of_type(kind) {
            hub_items
                .entry(kind.as_str().to_owned())
                .or_default()
                .push(wire::usage::HubItem {
                    name: item.id.name.clone(),
                    status: if item.state.local {
                        "custom"
                    } else if item.state.tainted {
                        "tainted"
                    } else {
                        "official"
                    }
                    .to_owned(),
                    version: item.state.local_version.clone(),
                });
        }
    }
    let count = i64::try_from(entries).unwrap_or(i64::MAX);
    usage::Facts {
        version: format!("v{}-{}", program.version, program.system),
        os: system(),
        features: Vec::new(),
        hub_items,
        datasources: BTreeMap::from([("file".to_owned(), count)]),
        started: program.started,
    }
}

/// Reads what `/etc/os-release` says.
fn system() -> wire::usage::Os {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    wire::usage::Os {
        family: std::env::consts::OS.to_owned(),
        name: field("NAME").unwrap_or_else(|| std::env::consts::OS.to_owned()),
        version: field("VERSION_ID").unwrap_or_else(|| "unknown".to_owned()),
    }
}
