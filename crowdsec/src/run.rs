//! Starts the engine, reloads it on SIGHUP and stops it on SIGTERM. Upstream: `cmd/crowdsec/{main,serve}.go`.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use agent::Program;
use config::Env;
use config::resolved::Prometheus;
use service::clock;
use service::logging::{self, Logging};
use service::metrics::profile::Recording;
use service::metrics::{Bind, Server, Settings};
use service::notify;
use service::ready::Ready;
use service::signals::{Signal, Signals};
use service::tasks::{self, Tasks};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::args::{Args, Refusal};
use crate::logs;
use crate::parts::{self, Fatal, Parts};

/// How long everything may take to end after the stop.
const GRACE: Duration = Duration::from_secs(10);

/// `off` hides `/debug/pprof/`; the operator sets it unless `monitoring.debug` is on.
const PROFILES_VARIABLE: &str = "CROWDSEC_DEBUG";

/// Runs `crowdsec` with `words` (the program's name first) in an environment, and returns its exit code.
///
/// Exit codes: 0 after a stop, a passed test or a finished replay; 1 for every failure; 2 for the command line.
pub(crate) fn main(words: &[OsString], env: Env) -> ExitCode {
    let args = match Args::parse(words) {
        Ok(args) => args,
        Err(Refusal::Help(text)) => return say(&text, ExitCode::SUCCESS),
        Err(Refusal::Mistake(text) | Refusal::Extra(text)) => return say(&text, ExitCode::from(2)),
    };
    if args.version {
        return cli::main(["cscli", "version"].map(OsString::from));
    }
    let logging = match Logging::start(&logs::early(&args)) {
        Ok(logging) => logging,
        Err(error) => return say(&format!("{error}\n"), ExitCode::FAILURE),
    };
    let recording = match args.cpu_profile.as_ref().map(|_| Recording::start()).transpose() {
        Ok(recording) => recording,
        Err(error) => {
            return say(
                &format!("could not start CPU profile: {error}\n"),
                ExitCode::FAILURE,
            );
        }
    };
    let program = Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: std::env::consts::OS.to_owned(),
        started: Some(clock::now()),
    };
    let ended = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let ended = runtime.block_on(Box::pin(
                Engine {
                    args: args.clone(),
                    env,
                    logging,
                    program,
                }
                .run(),
            ));
            // A blocking read that hangs must not keep the process.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        }
        Err(error) => Err(Fatal::from(format!("starting the runtime: {error}"))),
    };
    if let (Some(recording), Some(path)) = (recording, &args.cpu_profile) {
        let written = recording.finish().map_err(anyhow::Error::from);
        if let Err(error) = written.and_then(|bytes| std::fs::write(path, bytes).map_err(Into::into)) {
            tracing::error!(error = %error, "cpu profile not written");
        }
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            fatal.lines.iter().for_each(|line| logging::fatal(line));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str, code: ExitCode) -> ExitCode {
    // When stderr is closed there is nobody to tell.
    std::io::stderr()
        .lock()
        .write_all(text.as_bytes())
        .unwrap_or_default();
    code
}

struct Engine {
    args: Args,
    env: Env,
    logging: Logging,
    program: Program,
}

/// What runs between two reloads.
struct Generation {
    token: CancellationToken,
    joined: Pin<Box<dyn Future<Output = Result<(), tasks::Error>> + Send>>,
}

impl Engine {
    async fn run(self) -> Result<(), Fatal> {
        let parts = self.load(true)?;
        if self.args.test {
            parts.check().await?;
            tracing::info!("Configuration test done");
            return Ok(());
        }
        let mut signals =
            Signals::install().map_err(|error| format!("installing signal handlers: {error}"))?;
        let ready = Ready::new();
        let profiles = Profiles::of(&self.env);
        let mut listener = Listener::start(&parts, &ready, profiles);
        let told = tokio::spawn(tell(
            ready.clone(),
            self.env.get("NOTIFY_SOCKET").map(OsString::from),
        ));
        let mut running = Generation::start(parts, &ready).await?;
        let ended = loop {
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::Reload => running = self.reload(running, &mut listener, &ready).await?,
                    Signal::Terminate | Signal::Interrupt => {
                        tracing::warn!("{} received, shutting down", signal.name());
                        break running.stop().await;
                    }
                },
                ended = &mut running.joined => break ended,
            }
        };
        told.abort();
        listener.stop().await;
        ended.map_err(parts::fatal)
    }

    /// Reads all files again and puts them into effect; the running set stays when anything is wrong.
    async fn reload(
        &self,
        running: Generation,
        listener: &mut Listener,
        ready: &Ready,
    ) -> Result<Generation, Fatal> {
        tracing::warn!("SIGHUP received, reloading");
        let loaded = match self.load(false) {
            Ok(parts) => parts.check().await.map(|()| parts),
            Err(fatal) => Err(fatal),
        };
        let parts = match loaded {
            Ok(parts) => parts,
            Err(fatal) => {
                fatal
                    .lines
                    .iter()
                    .for_each(|line| tracing::error!("reload refused: {line}"));
                tracing::warn!("the configuration from before the reload stays in effect");
                return Ok(running);
            }
        };
        running.stop().await.map_err(parts::fatal)?;
        self.log_as(&parts.config)?;
        listener.reload(&parts, ready).await;
        let running = Generation::start(parts, ready).await?;
        tracing::info!("Reload is finished");
        Ok(running)
    }

    /// Reads and checks every file that the command line asks for.
    ///
    /// At the start the log moves to its place as soon as `config.yaml` is read, so that what is wrong elsewhere is
    /// told there; at a reload it moves only when everything is right.
    fn load(&self, is_start: bool) -> Result<Parts, Fatal> {
        let Self { args, env, .. } = self;
        let folder = args.config.parent().unwrap_or_else(|| Path::new("."));
        let features =
            config::load::features(&folder.join("feature.yaml"), env).map_err(Fatal::problems(""))?;
        features.ignored.iter().for_each(|line| tracing::error!("{line}"));
        let wanted = config::Parts {
            agent: !args.no_agent,
            server: !args.no_server,
        };
        let config = config::load_parts(&args.config, env, wanted)
            .map_err(Fatal::problems("while loading configuration file: "))?;
        if is_start {
            self.log_as(&config)?;
        }
        config.warnings.iter().for_each(|line| tracing::warn!("{line}"));
        parts::read(config, args, env, &self.program)
    }

    fn log_as(&self, config: &config::Config) -> Result<(), Fatal> {
        let changed = self.logging.change(&logs::settings(config, &self.args));
        changed.map_err(|error| parts::chain(&error).into())
    }
}

impl Generation {
    /// Starts the parts; `ready` is marked once they do their work.
    async fn start(parts: Parts, ready: &Ready) -> Result<Self, Fatal> {
        let token = CancellationToken::new();
        let mut tasks = Tasks::new(token.clone());
        parts.start(&mut tasks, ready).await?;
        Ok(Self {
            token,
            joined: Box::pin(tasks.join(GRACE)),
        })
    }

    async fn stop(self) -> Result<(), tasks::Error> {
        self.token.cancel();
        self.joined.await
    }
}

/// Tells the log and systemd that the process does its work.
async fn tell(ready: Ready, socket: Option<OsString>) {
    ready.wait().await;
    if let Err(error) = notify::ready(socket.as_deref().map(OsStr::new)) {
        tracing::error!(error = %error, "systemd was not notified");
    }
}

/// The listener on 6060; it outlives reloads that do not move it.
/// Whether `/debug/pprof/` answers on the listener of the metrics; upstream's always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Profiles {
    Shown,
    Hidden,
}

impl Profiles {
    fn of(env: &Env) -> Self {
        match env.get(PROFILES_VARIABLE).map(String::as_str) {
            Some("off") => Self::Hidden,
            _ => Self::Shown,
        }
    }
}

struct Listener {
    server: Option<Server>,
    place: Prometheus,
    profiles: Profiles,
    token: CancellationToken,
    task: JoinHandle<()>,
}

impl Listener {
    fn start(parts: &Parts, ready: &Ready, profiles: Profiles) -> Self {
        let place = parts.config.prometheus.clone();
        let token = CancellationToken::new();
        let server = place.enabled.then(|| {
            let settings = Settings {
                host: place.host.clone(),
                port: place.port,
                debug: profiles == Profiles::Shown,
                on_bind_failure: Bind::Warn,
            };
            Server::new(settings, parts.metrics.clone())
        });
        let (serving, ready, stop) = (server.clone(), ready.clone(), token.clone());
        let task = tokio::spawn(async move {
            let Some(serving) = serving else { return };
            if let Err(error) = serving.run(ready, stop).await {
                tracing::error!(error = %error, "no metrics are served");
            }
        });
        Self {
            server,
            place,
            profiles,
            token,
            task,
        }
    }

    async fn reload(&mut self, parts: &Parts, ready: &Ready) {
        if self.place == parts.config.prometheus {
            if let Some(server) = &self.server {
                server.show(parts.metrics.clone());
            }
            return;
        }
        let old = std::mem::replace(self, Self::start(parts, ready, self.profiles));
        old.stop().await;
    }

    async fn stop(self) {
        self.token.cancel();
        if tokio::time::timeout(GRACE, self.task).await.is_err() {
            tracing::warn!("the metrics listener did not end in time");
        }
    }
}
