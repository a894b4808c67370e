//! From the command line to running controllers, and their orderly stop.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use kube::client::ClientBuilder;
use service::logging::{Format, Level, Logging, Settings};
use service::ready::Ready;
use service::signals::{Signal, Signals};
use service::tasks::{Cause, Tasks};
use tokio_util::sync::CancellationToken;
use tower::util::MapRequestLayer;

use crate::answers::Answers;
use crate::args::{self, Args, Command, LogFormat};
use crate::cluster::apply::Applier;
use crate::cluster::events::Recorder;
use crate::cluster::scope::Scope;
use crate::cluster::watch;
use crate::cluster::world::World;
use crate::context::{Context, Defaults};
use crate::engine::Engines;
use crate::lease::Leader;
use crate::metrics::Metrics;
use crate::resources::Resource;
use crate::{crd, health, resources, uninstall};

/// How long running work may take after the stop.
const GRACE: Duration = Duration::from_secs(20);

/// Does what the command line says; 2 for a bad one, 1 for a failure.
pub fn main(words: &[OsString]) -> ExitCode {
    let args = match args::parse(words) {
        Ok(args) => args,
        Err(error) => {
            let bad = error.use_stderr();
            // Without a terminal to print on there is nobody to tell.
            drop(error.print());
            return if bad { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    if args.command == Some(Command::Crds) {
        return print_crds();
    }
    let outcome = tokio::runtime::Runtime::new()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(start(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            service::logging::fatal(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn print_crds() -> ExitCode {
    let mut text = String::new();
    for crd in crd::crds() {
        match crd::to_yaml(&crd) {
            Ok(yaml) => {
                text.push_str("---\n");
                text.push_str(&yaml);
            }
            Err(_impossible) => return ExitCode::FAILURE,
        }
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_closed) => ExitCode::FAILURE,
    }
}

async fn start(args: Args) -> anyhow::Result<()> {
    let settings = Settings {
        level: args.log_level.parse::<Level>().map_err(|_unknown| {
            anyhow::anyhow!(
                "--log-level {}: use trace, debug, info, warning or error",
                args.log_level
            )
        })?,
        format: match args.log_format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
        },
        ..Settings::default()
    };
    Logging::start(&settings).context("starting the log")?;
    let shown = service::metrics::Metrics::new(env!("CARGO_PKG_VERSION")).context("making the metrics")?;
    let metrics = Metrics::new(shown.registry()).context("making the metrics")?;
    let client = connect(&metrics).await?;
    let scope = match args.namespaces.as_slice() {
        [] => Scope::Cluster,
        some => Scope::Namespaces(some.to_vec()),
    };
    if args.command == Some(Command::Uninstall) {
        return uninstall::run(&client, &scope).await;
    }
    run(args, client, scope, metrics, shown).await
}

/// Connects to the API server: in a pod by its ServiceAccount, elsewhere by KUBECONFIG; every request is counted.
async fn connect(metrics: &Metrics) -> anyhow::Result<Client> {
    let config = kube::Config::infer()
        .await
        .context("finding the API server: run in a pod with a ServiceAccount, or set KUBECONFIG")?;
    let metrics = metrics.clone();
    let counted = MapRequestLayer::new(move |request: http::Request<kube::client::Body>| {
        metrics.called(request.method().as_str());
        request
    });
    Ok(ClientBuilder::try_from(config)
        .context("connecting to the API server")?
        .with_layer(&counted)
        .build())
}

async fn run(
    args: Args,
    client: Client,
    scope: Scope,
    metrics: Metrics,
    shown: service::metrics::Metrics,
) -> anyhow::Result<()> {
    let mut signals = Signals::install().context("installing signal handlers")?;
    let mut tasks = Tasks::new(CancellationToken::new());
    let world = Arc::new(World::new(scope));
    let recorder = Recorder::new(client.clone(), args.identity.clone());
    let listener = health::bind(args.health_listen)
        .await
        .with_context(|| format!("listening on {}", args.health_listen))?;
    tasks.spawn(
        "health",
        health::serve(listener, Arc::clone(&world), tasks.token().clone()),
    );
    tasks.spawn("metrics", {
        let settings = service::metrics::Settings {
            host: args.metrics_listen.ip().to_string(),
            port: args.metrics_listen.port(),
            debug: false,
            on_bind_failure: service::metrics::Bind::Fail,
        };
        let ready = Ready::new();
        ready.mark();
        service::metrics::Server::new(settings, shown).run(ready, tasks.token().clone())
    });
    watch::spawn(&mut tasks, &client, &world, &recorder);
    let ctx = Arc::new(Context {
        applier: Applier::new(client.clone()),
        engines: Engines::new(client.clone()),
        answers: Answers::default(),
        defaults: defaults(&args)?,
        namespace: args.namespace.clone(),
        client: client.clone(),
        world,
        recorder,
        metrics,
    });
    let resources = match &args.resources {
        Some(path) => resources::read(path, &args.namespace)?,
        None => Vec::new(),
    };
    let identity = args.identity.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let leader = Leader::new(client, &args.namespace, args.lease, identity);
    tasks.spawn("controllers", lead(leader, ctx, resources, tasks.token().clone()));
    let stop = tasks.token().clone();
    tasks.spawn("signals", async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                signal = signals.next() => if signal != Signal::Reload {
                    tracing::info!("{} received, shutting down", signal.name());
                    stop.cancel();
                }
            }
        }
        Ok::<(), Cause>(())
    });
    tasks.join(GRACE).await.context("running")
}

fn defaults(args: &Args) -> anyhow::Result<Defaults> {
    let mut defaults = match &args.defaults {
        None => Defaults::default(),
        Some(path) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            golang::yaml::from_str(&text, golang::yaml::Dialect::V3Known)
                .map_err(|problem| anyhow::anyhow!("{}: {problem}", path.display()))?
        }
    };
    if let Some(image) = args.operand_image.clone().filter(|image| !image.is_empty()) {
        defaults.image = image;
    }
    Ok(defaults)
}

/// Acts while this operator holds the Lease; a lost Lease ends the process, so that nothing acts on after it.
async fn lead(
    leader: Leader,
    ctx: Arc<Context>,
    resources: Vec<Resource>,
    stop: CancellationToken,
) -> Result<(), Cause> {
    if !leader.acquire(&stop).await {
        return Ok(());
    }
    tracing::info!("this operator holds the lease and acts");
    ctx.metrics.lead(true);
    let acting = stop.child_token();
    let held = {
        let work = act(&ctx, resources, acting.clone());
        let holding = leader.hold(&stop);
        tokio::pin!(work, holding);
        let (held, ended) = tokio::select! {
            held = &mut holding => (held, None),
            ended = &mut work => (true, Some(ended)),
        };
        acting.cancel();
        match ended {
            Some(ended) => ended?,
            None => work.await?,
        }
        held
    };
    ctx.metrics.lead(false);
    if held {
        leader.release().await;
        Ok(())
    } else {
        Err("another operator holds the lease".into())
    }
}

async fn act(ctx: &Arc<Context>, resources: Vec<Resource>, stop: CancellationToken) -> Result<(), Cause> {
    // Before everything is known, something that is only not told yet would be taken for missing.
    tokio::select! {
        () = ctx.world.known() => {}
        () = stop.cancelled() => return Ok(()),
    }
    let mut tasks = Tasks::new(stop);
    let (client, stop) = (ctx.client.clone(), tasks.token().clone());
    tasks.spawn("resources", async move {
        resources::apply(&client, resources, stop).await;
        Ok::<(), Cause>(())
    });
    crate::security_engine::spawn(&mut tasks, ctx);
    crate::bouncer::spawn(&mut tasks, ctx);
    crate::log_processor::spawn(&mut tasks, ctx);
    crate::acquisition::spawn(&mut tasks, ctx);
    tasks.spawn("memory", forget(Arc::clone(ctx), tasks.token().clone()));
    tasks.join(GRACE).await.map_err(Into::into)
}

async fn forget(ctx: Arc<Context>, stop: CancellationToken) -> Result<(), Cause> {
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(600)) => ctx.applier.forget_gone(&ctx.world),
        }
    }
}
