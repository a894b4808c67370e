//! The Local API and the agent of one configuration: loaded, checked, started.

mod bouncers;
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use agent::replay::{self, Dsn, parse_dsn};
use agent::{Loaded, Program, Sources};
use anyhow::Context as _;
use client::retry::Retry;
use config::{Config, Env, Problem};
use service::metrics::Metrics;
use service::ready::Ready;
use service::tasks::{self, Tasks};
use tokio_util::sync::CancellationToken;

use crate::args::Args;
use crate::version::VERSION;

/// Why the process ends with exit code 1: one line for each thing that is wrong.
#[derive(Debug)]
pub(crate) struct Fatal {
    pub(crate) lines: Vec<String>,
}

impl From<String> for Fatal {
    fn from(line: String) -> Self {
        Self { lines: vec![line] }
    }
}

impl Fatal {
    /// Makes lines of problems, each behind the words by which upstream says what it was doing.
    pub(crate) fn problems(doing: &str) -> impl Fn(Vec<Problem>) -> Self + '_ {
        move |problems| Self {
            lines: problems
                .iter()
                .map(|problem| format!("{doing}{problem}"))
                .collect(),
        }
    }
}

impl Fatal {
    /// Puts the lines of all failures together.
    fn all(failures: impl IntoIterator<Item = Option<Self>>) -> Self {
        Self {
            lines: failures
                .into_iter()
                .flatten()
                .flat_map(|failure| failure.lines)
                .collect(),
        }
    }
}

/// Returns an error with all its causes on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Turns the end of a group of tasks into the lines of the end of the process.
pub(crate) fn fatal(error: tasks::Error) -> Fatal {
    match error {
        // The tasks' own words are upstream's; the name of the task would only get in the way.
        tasks::Error::Failed { cause, .. } => chain(&*cause).into(),
        other => chain(&other).into(),
    }
}

/// What one configuration runs; everything is read and compiled, nothing is started.
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) metrics: Metrics,
    server: Option<lapi::Settings>,
    bouncers: Vec<bouncers::Given>,
    agent: Option<Agent>,
}

/// The agent with what it does.
struct Agent {
    loaded: Loaded,
    program: Program,
    replay: Option<Replay>,
}

/// One source that is read to its end.
struct Replay {
    dsn: Dsn,
    labels: BTreeMap<String, String>,
}

/// Reads everything that the command line asks for; all problems of all files are told at once.
pub(crate) fn read(config: Config, args: &Args, env: &Env, program: &Program) -> Result<Parts, Fatal> {
    let mut config = config;
    config.server = config.server.filter(|_| !args.no_server);
    config.agent = config.agent.filter(|_| !args.no_agent);
    if config.server.is_none() && config.agent.is_none() {
        return Err("you must run at least the API Server or crowdsec"
            .to_owned()
            .into());
    }
    check_replay(args)?;
    tracing::info!("Crowdsec {VERSION}");
    let config = Arc::new(config);
    let server = server::read(&config, args, env);
    let agent = if config.agent.is_some() {
        agent(&config, args, env, program).map(Some)
    } else {
        tracing::warn!("crowdsec agent is disabled");
        Ok(None)
    };
    match (server, agent) {
        (Ok(server), Ok(agent)) => {
            let metrics = Metrics::new(VERSION).map_err(|error| error.to_string())?;
            let bouncers = match server {
                Some(_) => bouncers::given(env, Path::new(bouncers::SECRETS)),
                None => Vec::new(),
            };
            Ok(Parts {
                config,
                metrics,
                server,
                bouncers,
                agent,
            })
        }
        (server, agent) => Err(Fatal::all([server.err(), agent.err()])),
    }
}

fn agent(config: &Arc<Config>, args: &Args, env: &Env, program: &Program) -> Result<Agent, Fatal> {
    let replay = match &args.dsn {
        None => None,
        Some(dsn) => {
            let mut labels = args.labels.clone();
            labels.insert("type".to_owned(), args.kind.clone().unwrap_or_default());
            let dsn = parse_dsn(dsn).map_err(|error| format!("crowdsec init: {}", chain(&error)))?;
            Some(Replay { dsn, labels })
        }
    };
    let sources = if replay.is_some() {
        Sources::None
    } else {
        Sources::Configured
    };
    let loaded =
        agent::setup::load(config, env, program, sources).map_err(|problems| Fatal { lines: problems.0 })?;
    Ok(Agent {
        loaded,
        program: program.clone(),
        replay,
    })
}

/// The rules between `-dsn`, `-type` and `-transform`. Upstream: `cmd/crowdsec/main.go`.
fn check_replay(args: &Args) -> Result<(), Fatal> {
    let refuse = |text: &str| Err(text.to_owned().into());
    match (&args.dsn, &args.kind) {
        (Some(_), None) => refuse("-dsn requires a -type argument"),
        (None, Some(_)) => refuse("-type requires a -dsn argument"),
        (None, None) if args.transform.is_some() => refuse("-transform requires a -dsn argument"),
        _ => Ok(()),
    }
}

impl Parts {
    /// Tries what only starting would show, without listening or logging in: database and profiles.
    pub(crate) async fn check(&self) -> Result<(), Fatal> {
        match &self.server {
            Some(settings) => server::check(settings).await,
            None => Ok(()),
        }
    }

    /// Starts the Local API, then the agent that talks to it; `ready` is marked once they do their work.
    ///
    /// At the stop the agent ends first, so that it can hand over its last alerts.
    pub(crate) async fn start(self, tasks: &mut Tasks, ready: &Ready) -> Result<(), Fatal> {
        let token = tasks.token().clone();
        let server_token = if self.agent.is_some() {
            CancellationToken::new()
        } else {
            token.child_token()
        };
        if let Some(settings) = self.server {
            let prepared = lapi::prepare(settings, &self.metrics)
                .await
                .map_err(|error| server::fatal(&error))?;
            bouncers::register(&prepared.api().store, self.bouncers).await;
            let token = server_token.clone();
            tasks.spawn("local api", async move {
                prepared.serve(token).await;
                tracing::info!("serve: shutting down api server");
                Ok::<(), tasks::Cause>(())
            });
        }
        let Some(agent) = self.agent else {
            ready.mark();
            return Ok(());
        };
        let prometheus = &self.config.prometheus;
        let level = prometheus.level.filter(|_| prometheus.enabled);
        let metrics = agent::metrics::Metrics::new(self.metrics.registry(), level)
            .map_err(|error| format!("registering prometheus metrics: {error}"))?;
        let ready = ready.clone();
        tasks.spawn("agent", async move {
            let _ends_the_server = server_token.drop_guard();
            agent.run(metrics, ready, token).await
        });
        Ok(())
    }
}

impl Agent {
    async fn run(
        self,
        metrics: agent::metrics::Metrics,
        ready: Ready,
        token: CancellationToken,
    ) -> anyhow::Result<()> {
        let Self {
            loaded,
            program,
            replay,
        } = self;
        let Some(Replay { dsn, labels }) = replay else {
            return agent::run::run(loaded, &program, metrics, ready, token).await;
        };
        let client = loaded
            .client(&program, Retry::PATIENT)
            .context("crowdsec init: while initializing LAPIClient")?;
        client
            .login()
            .await
            .context("crowdsec init: while initializing LAPIClient: authenticate watcher")?;
        tracing::info!("Starting processing data");
        ready.mark();
        let delivered = replay::push(loaded.replay(&metrics), dsn, labels, &client, token.clone()).await?;
        tracing::info!(
            alerts.stored = delivered.stored,
            alerts.refused = delivered.refused,
            "the source was read to its end"
        );
        // Nothing is left to do, so the rest of the process ends too.
        token.cancel();
        Ok(())
    }
}
