//! The agent as a process runs it: load, log in, read, push; stops without losing a line.
//!
//! A reload is `setup::load` of the new configuration, a stop of the running agent, and `run` again: positions, buckets and
//! undelivered alerts go through the state folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use client::lapi::Client;
use client::retry::Retry;
use config::resolved::PodsSource;
use pods::View;
use service::ready::Ready;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::acquire::file::wake::Waker;
use crate::acquire::pods::Plan;
use crate::acquire::reader::{Pods, Reader};
use crate::keep::{Complaints, Keeper};
use crate::metrics::Metrics;
use crate::pipeline::{self, Pipeline};
use crate::push::Pusher;
use crate::setup::{Loaded, Program};
use crate::sources::Register;
use crate::state::State;
use crate::{heartbeat, report, usage};

/// Effects that wait for the disk before the detector waits too.
const EFFECTS: usize = 64;

/// Waits between logins, the first and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long the farewell to the Local API may take.
const UNREGISTER: Duration = Duration::from_secs(3);

/// Runs until `token` is cancelled, then handles what was read, stores the state, and returns.
///
/// # Errors
/// Wrong credentials, a state folder in use, a defect. A Local API that cannot be reached is none: alerts wait.
pub async fn run(
    loaded: Loaded,
    program: &Program,
    metrics: Metrics,
    ready: Ready,
    token: CancellationToken,
) -> anyhow::Result<()> {
    let client = loaded
        .client(program, Retry::NONE)
        .context("crowdsec init: while initializing LAPIClient")?;
    let client = Arc::new(client);
    let logged_in = log_in(&client, &loaded).await?;
    metrics.begin_run();
    let unregister_on_exit = loaded.unregister_on_exit;
    let facts = loaded.facts.clone();
    let state = State::open(
        &loaded.config.paths.data_dir,
        loaded.awaits_registration.then_some(&loaded.credentials),
    )?;
    // The pusher outlives the pipeline: what the last lines raise is pushed too.
    let pusher = Pusher::new(
        Arc::clone(&state.outbox),
        Arc::clone(&client),
        metrics.clone(),
        &state.dir,
    );
    let (settled, first_look) = oneshot::channel();
    let follows = loaded.pods.is_some() || loaded.entries.iter().any(|entry| !entry.is_cat);
    let register = Register::default();
    let pushing_token = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let mut loaded = loaded;
    let pods = watched(&mut loaded, &state.dir, &mut tasks, &token);
    let threads = Threads::start(
        loaded,
        state,
        (pods, register.clone()),
        settled,
        (&metrics, &token),
    )?;

    let about = report::About {
        version: format!("v{}-{}", program.version, program.system),
        started: program.started.unwrap_or_else(service::clock::now),
    };
    tasks.spawn(report::run(Arc::clone(&client), register, about, token.clone()));
    tasks.spawn(pusher.run(pushing_token.clone()));
    if !logged_in {
        tasks.spawn(keep_logging_in(Arc::clone(&client), token.clone()));
    }
    tasks.spawn(heartbeat::run(Arc::clone(&client), token.clone()));
    tasks.spawn(usage::run(Arc::clone(&client), metrics, facts, token.clone()));
    if follows {
        // Ready means: what is written from now on is read, even if the process is killed the next moment.
        tokio::select! {
            _ = first_look => {}
            () = token.cancelled() => {}
        }
    }
    tracing::info!("Starting processing data");
    ready.mark();

    let ended = threads.join(&token).await;
    token.cancel();
    pushing_token.cancel();
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    if unregister_on_exit {
        farewell(&client).await;
    }
    tracing::info!("Crowdsec engine shutting down");
    ended
}

/// Has pods watched, if they are a source: what an earlier run knew holds until the API server says otherwise.
fn watched(
    loaded: &mut Loaded,
    state: &Path,
    tasks: &mut JoinSet<()>,
    token: &CancellationToken,
) -> Option<Pods> {
    let PodsSource {
        config_map,
        namespace,
        node,
        root,
    } = loaded.pods.clone()?;
    let plan = Plan::load(&root, state);
    let view = loaded.view.take().unwrap_or_else(|| {
        let settings = pods::watch::Settings {
            node,
            namespace,
            config_map,
        };
        let known = plan.known();
        let (sender, view) = watch::channel(View {
            known: known.clone(),
            ..View::default()
        });
        tasks.spawn(pods::watch::run(settings, known, sender, token.clone()));
        view
    });
    Some(Pods { view, plan })
}

/// The threads between the files and the outbox.
struct Threads {
    reading: JoinHandle<bool>,
    pipeline: Pipeline,
    keeping: JoinHandle<()>,
    waker: Waker,
}

impl Threads {
    fn start(
        loaded: Loaded,
        state: State,
        (pods, register): (Option<Pods>, Register),
        settled: oneshot::Sender<()>,
        (metrics, token): (&Metrics, &CancellationToken),
    ) -> anyhow::Result<Self> {
        let Loaded {
            rules,
            detection,
            entries,
            credentials,
            workers,
            ..
        } = loaded;
        let State {
            dir,
            outbox,
            resume,
            restored,
            group,
        } = state;
        let keeper = Keeper {
            outbox,
            dir,
            machine: credentials.login,
            metrics: metrics.clone(),
            group,
            settled: Some(settled),
            complaints: Complaints::default(),
        };
        let (sender, effects) = sync_channel(EFFECTS);
        let keeping = spawn("keep", move || keeper.run(&effects))?;
        let settings = pipeline::Settings {
            rules,
            detection,
            workers,
            metrics: metrics.clone(),
            restored: Some(restored),
        };
        let (mut entrance, pipeline) = Pipeline::start(settings, move |effect| sender.send(effect).is_ok())?;
        let reader = Reader::new(entries, pods, resume, register);
        let waker = reader.waker();
        let (token, metrics) = (token.clone(), metrics.clone());
        let reading = spawn("read", move || {
            let mut is_open = true;
            let mut send = |batch| {
                is_open = entrance.send(batch);
                is_open
            };
            reader.run(&token, &mut send, &mut |tally, open| metrics.files(tally, open));
            is_open
        })?;
        Ok(Self {
            reading,
            pipeline,
            keeping,
            waker,
        })
    }

    /// Waits for the stop, then until everything that was read is handled and on disk.
    async fn join(self, token: &CancellationToken) -> anyhow::Result<()> {
        let Self {
            reading,
            pipeline,
            keeping,
            waker,
        } = self;
        let mut ended = tokio::task::spawn_blocking(move || reading.join());
        let reading = tokio::select! {
            reading = &mut ended => reading,
            () = token.cancelled() => {
                waker.wake();
                ended.await
            }
        };
        let is_open = reading?.map_err(|_panic| anyhow::anyhow!("the reader panicked"))?;
        tokio::task::spawn_blocking(move || {
            let pipeline = pipeline.join();
            let keeping = keeping
                .join()
                .map_err(|_panic| anyhow::anyhow!("the writer panicked"));
            pipeline.map_err(anyhow::Error::from).and(keeping)
        })
        .await??;
        anyhow::ensure!(is_open, "the pipeline ended by itself");
        // When every source was read to its end, alerts and heartbeats still go on until the stop.
        token.cancelled().await;
        Ok(())
    }
}

fn spawn<R: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> R + Send + 'static,
) -> std::io::Result<JoinHandle<R>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}

/// Logs in once and says whether it worked; only wrong credentials are an error, the rest may pass.
async fn log_in(client: &Client, loaded: &Loaded) -> anyhow::Result<bool> {
    let Err(error) = client.login().await else {
        return Ok(true);
    };
    let is_refused = error.status().is_some_and(|status| status.is_client_error());
    if is_refused && !loaded.awaits_registration {
        return Err(error).context(refusal(loaded));
    }
    let why = if is_refused {
        "this machine is not registered yet; alerts wait until it is"
    } else {
        "the local api cannot be reached; alerts wait until it can"
    };
    tracing::warn!(machine = client.machine(), error = error.chain(), "{why}");
    Ok(false)
}

/// Tries until it works: heartbeats alone would find out a minute late that the Local API is there.
async fn keep_logging_in(client: Arc<Client>, token: CancellationToken) {
    let mut tries = 0;
    loop {
        let wait = client::retry::backoff(FIRST_WAIT, LONGEST_WAIT, tries);
        let attempt = async {
            tokio::time::sleep(wait).await;
            client.login().await
        };
        let ended = tokio::select! {
            () = token.cancelled() => return,
            ended = attempt => ended,
        };
        match ended {
            Ok(()) => return tracing::info!(machine = client.machine(), "logged in to the local api"),
            Err(error) => tracing::debug!(error = error.chain(), "login will be repeated"),
        }
        tries += 1;
    }
}

/// Says what failed and what to do about it; the first part is upstream's.
fn refusal(loaded: &Loaded) -> String {
    let file = loaded
        .config
        .client
        .as_ref()
        .map(|client| client.credentials_file.display().to_string());
    format!(
        "crowdsec init: while initializing LAPIClient: authenticate watcher ({}); check login and password in {}, or \
         register this machine again with 'cscli lapi register' and validate it with 'cscli machines validate'",
        loaded.credentials.login,
        file.unwrap_or_default()
    )
}

async fn farewell(client: &Client) {
    match tokio::time::timeout(UNREGISTER, client.unregister()).await {
        Ok(Ok(())) => tracing::info!("machine is unregistered"),
        Ok(Err(error)) => tracing::warn!(error = error.chain(), "machine could not be unregistered"),
        Err(_elapsed) => tracing::warn!("machine could not be unregistered in time"),
    }
}
