//! From the command line to a running bouncer, and its orderly stop.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use service::logging::{Logging, Settings};
use service::ready::Ready;
use service::signals::{Signal, Signals};
use service::tasks::{Cause, Tasks};
use tokio_util::sync::CancellationToken;

use crate::answer::{self, Answerer, Policy};
use crate::args::{self, Args, OnFailure};
use crate::metrics::Metrics;
use crate::pull::{self, Connection, Source};
use crate::state::State;
use crate::usage;

/// How long running work may take after the stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a bouncer that lets pass what it knows nothing of waits for its first decisions before it answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does what the command line says; 2 for a bad one, 1 for a failure.
pub fn main(words: &[OsString]) -> ExitCode {
    let args = match args::parse(words) {
        Ok(args) => args,
        Err(error) => {
            let is_bad = error.use_stderr();
            // Without a terminal to print on there is nobody to tell.
            drop(error.print());
            return if is_bad {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let outcome = tokio::runtime::Runtime::new()
        .context("starting the runtime")
        .and_then(|runtime| runtime.block_on(run(args)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            service::logging::fatal(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    Logging::start(&Settings::default()).context("starting the log")?;
    let mut signals = Signals::install().context("installing signal handlers")?;
    let mut tasks = Tasks::new(CancellationToken::new());
    let shown = service::metrics::Metrics::new(env!("CARGO_PKG_VERSION")).context("making the metrics")?;
    let metrics = Metrics::new(shown.registry()).context("making the metrics")?;
    let state = Arc::new(State::default());
    let ready = Ready::new();
    let listener = answer::bind(args.listen).await.with_context(|| {
        format!(
            "listening on {}: choose another address with --listen",
            args.listen
        )
    })?;
    let shared = Shared {
        state: Arc::clone(&state),
        metrics: metrics.clone(),
        ready: ready.clone(),
    };
    background(&mut tasks, &args, &shared, shown);
    let answerer = Arc::new(Answerer {
        policy: Policy {
            trusted: args.trusted_proxies.clone(),
            on_failure: args.on_failure,
            deny_status: args.deny_status,
            stale_after: args.stale_after,
        },
        state,
        metrics,
    });
    tracing::info!("answering on {}", args.listen);
    let stop = tasks.token().clone();
    tasks.spawn("answer", async move {
        answer::serve(listener, answerer, stop).await;
        Ok::<(), Cause>(())
    });
    let (stop, drain) = (tasks.token().clone(), args.drain.unwrap_or_default());
    tasks.spawn("signals", async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = until_stopped(&mut signals, drain) => stop.cancel(),
        }
        Ok::<(), Cause>(())
    });
    tasks.join(GRACE).await.context("running")
}

/// Waits for a signal to stop, and after SIGTERM until nobody asks any more.
async fn until_stopped(signals: &mut Signals, drain: Duration) {
    let signal = stopping(signals).await;
    pause(signal, async { _ = stopping(signals).await }, drain).await;
}

async fn stopping(signals: &mut Signals) -> Signal {
    loop {
        let signal = signals.next().await;
        if signal != Signal::Reload {
            tracing::info!("{} received, shutting down", signal.name());
            return signal;
        }
    }
}

/// Kubernetes tells proxies of a pod's end and the pod itself at once, so some ask a little longer. Who types Ctrl-C, or
/// signals a second time, does not wait for that.
async fn pause(signal: Signal, again: impl Future<Output = ()>, drain: Duration) {
    if signal == Signal::Terminate && !drain.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(drain) => {}
            () = again => {}
        }
    }
}

/// What the tasks share.
struct Shared {
    state: Arc<State>,
    metrics: Metrics,
    ready: Ready,
}

/// Starts everything but the answering.
fn background(tasks: &mut Tasks, args: &Args, shared: &Shared, shown: service::metrics::Metrics) {
    let source = Source {
        url: args.lapi_url.clone(),
        key_file: args.api_key_file.clone(),
        ca_file: args.ca_file.clone(),
    };
    let settings = service::metrics::Settings {
        host: args.metrics_listen.ip().to_string(),
        port: args.metrics_listen.port(),
        debug: false,
        on_bind_failure: service::metrics::Bind::Fail,
    };
    let (ready, stop) = (shared.ready.clone(), tasks.token().clone());
    tasks.spawn(
        "metrics",
        service::metrics::Server::new(settings, shown).serve(ready.clone(), stop.clone()),
    );
    let pulling = pull::run(
        Connection::new(source.clone()),
        Arc::clone(&shared.state),
        shared.metrics.clone(),
        args.update_interval,
        ready.clone(),
        stop.clone(),
    );
    tasks.spawn("pull", endless(pulling));
    let reporting = usage::run(
        Connection::new(source),
        Arc::clone(&shared.state),
        shared.metrics.clone(),
        args.usage_interval,
        stop.clone(),
    );
    tasks.spawn("usage", endless(reporting));
    if args.on_failure == OnFailure::Allow {
        // Who would let pass anyway must not be taken out of service because the Local API is away.
        tasks.spawn(
            "patience",
            endless(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(PATIENCE) => ready.mark(),
                }
            }),
        );
    }
}

/// A task that cannot fail.
async fn endless(work: impl Future<Output = ()>) -> Result<(), Cause> {
    work.await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn questions_are_answered_on_after_sigterm_unless_somebody_insists() {
        let drain = Duration::from_secs(5);
        let check = async |signal, again: bool, expected: Duration| {
            let begin = tokio::time::Instant::now();
            let second = async {
                if !again {
                    std::future::pending::<()>().await;
                }
            };
            pause(signal, second, drain).await;
            assert_eq!(begin.elapsed(), expected, "{signal:?} {again}");
        };
        check(Signal::Terminate, false, drain).await;
        check(Signal::Terminate, true, Duration::ZERO).await;
        check(Signal::Interrupt, false, Duration::ZERO).await;
    }
}
