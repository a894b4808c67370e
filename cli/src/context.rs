//! What every command gets: configuration, streams, a runtime for the calls that wait, the clients it asks for.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;

use client::lapi::{Client, Credentials, Settings};
use client::retry::Retry;
use client::transport::{Endpoint, Limits};
use config::Config;
use config::resolved::{Engine, Identity};
use lapi::store::{Options, Store};
use tokio::runtime::Runtime;

use crate::error::{Error, chain, file};
use crate::global::Global;
use crate::help::Help;
use crate::output::{self, Format, Level, Output};

/// The surroundings of one run.
pub(crate) struct Context {
    /// Where results and log lines go.
    pub(crate) out: Output,
    /// Environment of the process.
    pub(crate) env: BTreeMap<String, String>,
    /// The help of the running command.
    pub(crate) help: Help,
    /// `--branch`.
    pub(crate) branch: Option<String>,
    config: Result<Config, String>,
    store: OnceCell<Store>,
    runtime: Runtime,
}

impl Context {
    /// Reads the configuration and decides on format, colours and level.
    pub(crate) fn new(global: &Global, env: BTreeMap<String, String>, help: Help) -> Result<Self, Error> {
        let asked = match global.output.as_str() {
            "" => None,
            text => Some(Format::parse(text).ok_or_else(|| {
                Error::Configuration(format!(
                    "output format '{text}' not supported: must be one of human, json, raw"
                ))
            })?),
        };
        let config = load(&global.config, &env);
        let configured = config
            .as_ref()
            .map_or(Format::Human, |config| match config.cscli.output {
                config::resolved::Output::Human => Format::Human,
                config::resolved::Output::Json => Format::Json,
                config::resolved::Output::Raw => Format::Raw,
            });
        let format = asked.unwrap_or(configured);
        let color = match global.color.as_str() {
            "yes" => true,
            "no" => false,
            "auto" => output::is_terminal() && !env.contains_key("NO_COLOR"),
            other => {
                return Err(Error::Configuration(format!(
                    "output color '{other}' not supported: must be one of yes, no, auto"
                )));
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Error::Configuration(format!("cannot start: {error}")))?;
        let out = Output {
            format,
            level: level(global, format),
            color,
        };
        Ok(Self {
            out,
            env,
            help,
            branch: global.branch.clone(),
            config,
            store: OnceCell::new(),
            runtime,
        })
    }

    /// Refuses a command that is not `free`: it needs the configuration, and there is none.
    pub(crate) fn check_config(&mut self, free: bool) -> Result<(), Error> {
        match &self.config {
            Err(problem) if !free => Err(Error::Configuration(problem.clone())),
            Ok(config) => {
                for warning in &config.warnings {
                    self.out.debug(warning);
                }
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// Returns the configuration.
    pub(crate) fn config(&self) -> Result<&Config, Error> {
        self.config
            .as_ref()
            .map_err(|problem| Error::Configuration(problem.clone()))
    }

    /// Waits for a call.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Returns the Local API's database, which only its machine has.
    pub(crate) fn store(&self) -> Result<&Store, Error> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let config = self.config()?;
        if config.server.is_none() {
            return Err(Error::new(
                "local API is disabled -- this command must be run on the local API machine",
            ));
        }
        let options = match config.database.as_ref().map(|database| &database.engine) {
            Some(Engine::Sqlite { path, wal }) => Options {
                wal: wal.unwrap_or(true),
                ..Options::new(path)
            },
            Some(Engine::Postgres(_) | Engine::Mysql(_)) => {
                return Err(Error::new(
                    "only sqlite databases are supported so far; set db_config.type: sqlite",
                ));
            }
            None => {
                let file = config.file.display();
                return Err(Error::new(format!(
                    "no database configured: add db_config to {file}"
                )));
            }
        };
        let store = self
            .wait(Store::open(&options))
            .map_err(|error| Error::new(format!("unable to create database client: {}", chain(&error))))?;
        Ok(self.store.get_or_init(|| store))
    }

    /// Returns where the Local API is and who we are there.
    pub(crate) fn credentials(&self) -> Result<(config::resolved::Credentials, Endpoint), Error> {
        let config = self.config()?;
        let Some(client) = &config.client else {
            return Err(Error::new(format!(
                "no API client section in configuration: add api.client.credentials_path to {}",
                config.file.display()
            )));
        };
        // Upstream names the file that is missing; the rest of the problems name file, line and field themselves.
        if let Err(error) = std::fs::File::open(&client.credentials_file) {
            let text = file("open", &client.credentials_file, &error);
            return Err(Error::new(format!("while reading yaml file: {text}")));
        }
        let credentials = config::load::credentials(client, &self.env)
            .map_err(|problems| Error::new(problems_text(&problems)))?;
        let endpoint = endpoint(&credentials, client.insecure_skip_verify);
        Ok((credentials, endpoint))
    }

    /// Returns a client of the Local API with the machine's credentials.
    pub(crate) fn lapi(&self) -> Result<Client, Error> {
        let (credentials, endpoint) = self
            .credentials()
            .map_err(|error| Error::new(format!("loading api client: {error}")))?;
        let (login, password) = match &credentials.identity {
            Identity::Password { login, password } => (login.clone(), password.expose().to_owned()),
            Identity::Certificate(_) => (String::new(), String::new()),
        };
        let credentials = Credentials {
            login,
            password: password.into(),
            scenarios: Vec::new(),
        };
        Client::new(&endpoint, credentials, client_settings()).map_err(|error| Error::new(chain(&error)))
    }
}

/// Returns how `cscli` behaves as a client: it is watched, so it does not retry for minutes.
pub(crate) fn client_settings() -> Settings {
    Settings {
        user_agent: crate::program::user_agent(),
        retry: Retry::NONE,
        limits: Limits::default(),
    }
}

fn endpoint(credentials: &config::resolved::Credentials, insecure_skip_verify: bool) -> Endpoint {
    let (cert_path, key_path) = match &credentials.identity {
        Identity::Certificate(tls) => (Some(tls.cert_file.clone()), Some(tls.key_file.clone())),
        Identity::Password { .. } => (None, None),
    };
    Endpoint {
        url: credentials.url.clone(),
        ca_cert_path: credentials.ca_file.clone(),
        cert_path,
        key_path,
        insecure_skip_verify,
        ..Endpoint::default()
    }
}

fn load(path: &Path, env: &BTreeMap<String, String>) -> Result<Config, String> {
    if let Err(error) = std::fs::File::open(path) {
        return Err(format!("while reading yaml file: {}", file("open", path, &error)));
    }
    config::load_parts(path, env, config::Parts::NONE).map_err(|problems| problems_text(&problems))
}

/// Returns all problems, one a line.
pub(crate) fn problems_text(problems: &[config::Problem]) -> String {
    problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn level(global: &Global, format: Format) -> Level {
    if global.trace {
        Level::Trace
    } else if global.debug {
        Level::Debug
    } else if format != Format::Human {
        // Programs read these formats; upstream raises the level so that stderr stays quiet.
        Level::Error
    } else if global.info {
        Level::Info
    } else if global.warning {
        Level::Warning
    } else if global.error {
        Level::Error
    } else {
        Level::Info
    }
}
