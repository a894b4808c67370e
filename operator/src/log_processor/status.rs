//! Last step: what a LogProcessor says of itself; pure, patched only when it differs.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;

use crate::conditions::Conditions;
use crate::crd::conditions::{Degraded, Monitored, ParsingLogs, Progressing, ReadingLogs, Ready, Registered};
use crate::crd::log_processor::{Lines, LogProcessor, LogProcessorStatus};
use crate::engine::{Refused, Silence};
use crate::log_processor::observe::{LocalApi, Observed, Outcome};
use crate::log_processor::reports::{self, Reports, Sum};
use crate::log_processor::select::{self, Verdict};
use crate::problem::{self, Problem};

/// States of a container that do not end by themselves.
const FAILING: [&str; 8] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Returns the status of a resource that cannot be carried out as it is written.
pub fn invalid(processor: &LogProcessor, problems: &[Problem], now: Timestamp) -> LogProcessorStatus {
    let text = problem::text(problems);
    let mut conditions = begin(processor, now);
    conditions.set(Ready::Invalid, &text);
    conditions.set(Progressing::Invalid, &text);
    conditions.set(Degraded::Invalid, &text);
    kept(processor, conditions)
}

/// Returns the status of a resource whose engine cannot be used; without permission its agents are removed.
pub fn without_engine(processor: &LogProcessor, why: &Refused, now: Timestamp) -> LogProcessorStatus {
    let text = why.to_string();
    let mut conditions = begin(processor, now);
    match why {
        Refused::NotFound { .. } => conditions.set(Ready::EngineNotFound, &text),
        Refused::NotAllowed { .. } => conditions.set(Ready::NotAllowed, &text),
    }
    conditions.set(Progressing::Waiting, &text);
    conditions.set(Degraded::AsExpected, "");
    conditions.set(Registered::EngineUnavailable, &text);
    kept(processor, conditions)
}

/// Returns the status of a resource whose engine is not so far that agents could be made for it.
pub fn engine_not_ready(processor: &LogProcessor, why: &str, now: Timestamp) -> LogProcessorStatus {
    let mut conditions = begin(processor, now);
    conditions.set(Ready::EngineNotReady, why);
    conditions.set(Progressing::Waiting, why);
    conditions.set(Degraded::AsExpected, "");
    conditions.set(Registered::EngineUnavailable, why);
    kept(processor, conditions)
}

/// Returns the status of a resource that is left alone.
pub fn paused(processor: &LogProcessor, now: Timestamp) -> LogProcessorStatus {
    let mut conditions = begin(processor, now);
    conditions.keep::<Ready>();
    conditions.set(
        Progressing::Paused,
        "spec.paused is true: nothing is changed until it is false",
    );
    conditions.keep::<Degraded>();
    conditions.keep::<Registered>();
    conditions.keep::<ReadingLogs>();
    conditions.keep::<ParsingLogs>();
    conditions.keep::<Monitored>();
    LogProcessorStatus {
        conditions: conditions.finish(),
        observed_generation: processor.metadata.generation,
        ..processor.status.clone().unwrap_or_default()
    }
}

fn begin(processor: &LogProcessor, now: Timestamp) -> Conditions {
    let before = processor
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    Conditions::new(before.unwrap_or_default(), processor.metadata.generation, now)
}

/// Keeps the figures that were seen last.
fn kept(processor: &LogProcessor, conditions: Conditions) -> LogProcessorStatus {
    LogProcessorStatus {
        conditions: conditions.finish(),
        observed_generation: processor.metadata.generation,
        ..processor.status.clone().unwrap_or_default()
    }
}

/// Returns the status of a resource whose objects were applied.
pub fn status(
    processor: &LogProcessor,
    observed: &Observed,
    local_api: &LocalApi,
    outcome: &Outcome,
    now: Timestamp,
) -> LogProcessorStatus {
    let namespace = processor.namespace().unwrap_or_default();
    let reports = match &outcome.local_api {
        Ok(answer) => reports::reports(answer, &namespace, &processor.name_any(), now),
        Err(_) => Reports::default(),
    };
    let counts = Counts::of(outcome.daemon_set.as_ref());
    let view = View {
        processor,
        observed,
        engine_is_ready: local_api.ready,
        outcome,
        total: reports.total(),
        reports: &reports,
        counts,
    };
    let mut conditions = begin(processor, now);
    view.ready(&mut conditions);
    view.progressing(&mut conditions);
    view.degraded(&mut conditions);
    view.registered(&mut conditions);
    view.reading(&mut conditions);
    view.parsing(&mut conditions);
    view.monitored(&mut conditions);
    let number = |count: usize| Some(i32::try_from(count).unwrap_or(i32::MAX));
    let lines = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    LogProcessorStatus {
        observed_generation: processor.metadata.generation,
        conditions: conditions.finish(),
        desired: Some(counts.desired),
        ready: Some(counts.ready),
        registered: number(outcome.registered),
        matched_pods: Some(matched_pods(processor, observed)),
        nodes: number(reports.nodes.len()),
        lines: Some(Lines {
            read: lines(view.total.read),
            parsed: lines(view.total.parsed),
        }),
    }
}

/// Returns the pods that its Acquisitions said they match.
fn matched_pods(processor: &LogProcessor, observed: &Observed) -> i32 {
    observed
        .candidates
        .iter()
        .filter(|candidate| select::verdict(processor, candidate) == Verdict::Selected)
        .filter_map(|candidate| candidate.acquisition.status.as_ref()?.matched_pods)
        .fold(0, i32::saturating_add)
}

/// What the DaemonSet says; zero before it said anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    is_current: bool,
    desired: i32,
    existing: i32,
    updated: i32,
    ready: i32,
}

impl Counts {
    fn of(daemon_set: Option<&DaemonSet>) -> Self {
        let Some(status) = daemon_set.and_then(|set| set.status.as_ref()) else {
            return Self::default();
        };
        Self {
            is_current: status.observed_generation == daemon_set.and_then(|set| set.metadata.generation),
            desired: status.desired_number_scheduled,
            existing: status.current_number_scheduled,
            updated: status.updated_number_scheduled.unwrap_or_default(),
            ready: status.number_ready,
        }
    }

    fn is_rolled_out(self) -> bool {
        self.is_current && self.updated >= self.desired && self.ready >= self.desired
    }
}

struct View<'a> {
    processor: &'a LogProcessor,
    observed: &'a Observed,
    engine_is_ready: bool,
    outcome: &'a Outcome,
    reports: &'a Reports,
    total: Sum,
    counts: Counts,
}

impl View<'_> {
    fn ready(&self, conditions: &mut Conditions) {
        let Counts { desired, ready, .. } = self.counts;
        if let Some(error) = &self.outcome.apply_error {
            conditions.set(Ready::ApplyFailed, error);
        } else if !self.counts.is_current {
            conditions.set(Ready::Starting, "the cluster has not looked at the DaemonSet yet");
        } else if desired == 0 {
            let cure = "no node fits; look at spec.nodeSelector, affinity and tolerations";
            conditions.set(Ready::Incomplete, cure);
        } else if ready < desired {
            conditions.set(Ready::Starting, format!("{ready} of {desired} agents are ready"));
        } else if let Err(silence) = &self.outcome.local_api {
            conditions.set(Ready::EngineNotReady, silence.to_string());
        } else if !self.engine_is_ready {
            conditions.set(
                Ready::EngineNotReady,
                "the SecurityEngine is not ready; see its conditions",
            );
        } else if self.missing() > 0 {
            conditions.set(
                Ready::Incomplete,
                "agents wait for their machines: see Registered",
            );
        } else {
            conditions.set(Ready::Available, format!("{ready} of {desired} agents are ready"));
        }
    }

    fn missing(&self) -> usize {
        usize::try_from(self.counts.desired)
            .unwrap_or_default()
            .saturating_sub(self.outcome.registered)
    }

    fn progressing(&self, conditions: &mut Conditions) {
        let Counts {
            desired,
            updated,
            ready,
            ..
        } = self.counts;
        if self.counts.is_rolled_out() && self.outcome.apply_error.is_none() {
            conditions.set(Progressing::Reconciled, "");
        } else if let Some(failure) = self.failure() {
            conditions.set(Progressing::Stalled, failure);
        } else if let Some(error) = &self.outcome.apply_error {
            conditions.set(Progressing::Waiting, error);
        } else {
            let text = format!("{updated} of {desired} agents are up to date, {ready} are ready");
            conditions.set(Progressing::RollingOut, text);
        }
    }

    fn degraded(&self, conditions: &mut Conditions) {
        if let Some(error) = &self.outcome.apply_error {
            conditions.set(Degraded::ApplyFailed, error);
        } else if let Some(failure) = self.failure() {
            conditions.set(Degraded::PodsFailing, failure);
        } else if let Err(Silence::Unreachable(why)) = &self.outcome.local_api {
            conditions.set(Degraded::LocalApiUnreachable, why);
        } else if let Some(error) = &self.total.error {
            conditions.set(Degraded::SourceFailing, error);
        } else {
            conditions.set(Degraded::AsExpected, "");
        }
    }

    /// Returns what keeps pods from running, in the cluster's words.
    fn failure(&self) -> Option<String> {
        let Counts {
            desired, existing, ..
        } = self.counts;
        let level = self.outcome.pod_security.as_deref();
        if let Some(level) = level.filter(|level| existing < desired && *level != "privileged") {
            return Some(format!(
                "the namespace enforces Pod Security {level:?}, which refuses agents because they read /var/log of their node; \
                 run: kubectl label namespace {} pod-security.kubernetes.io/enforce=privileged --overwrite",
                self.processor.namespace().unwrap_or_default()
            ));
        }
        let failing: Vec<String> = self.outcome.pods.iter().filter_map(failing).collect();
        let first = failing.first()?;
        Some(format!(
            "{} of {desired} agents fail, the first: {first}",
            failing.len()
        ))
    }

    fn registered(&self, conditions: &mut Conditions) {
        let (desired, registered) = (self.counts.desired, self.outcome.registered);
        match &self.outcome.local_api {
            Err(silence) => conditions.set(silence.reason(), silence.to_string()),
            Ok(_) if self.missing() > 0 || !self.counts.is_current => conditions.set(
                Registered::Incomplete,
                format!("the Local API knows {registered} of {desired} nodes"),
            ),
            Ok(_) => conditions.set(
                Registered::Registered,
                format!("the Local API knows {registered} of {desired} nodes"),
            ),
        }
    }

    fn reading(&self, conditions: &mut Conditions) {
        let on = format!(
            "{} of {} agents reported",
            self.reports.nodes.len(),
            self.counts.desired
        );
        if self.reports.nodes.is_empty() {
            conditions.set(ReadingLogs::NoReport, on);
        } else if let Some(error) = &self.total.error {
            conditions.set(ReadingLogs::SourceFailing, error);
        } else if self.total.read > 0 {
            conditions.set(ReadingLogs::LinesRead, on);
        } else if self.total.files > 0 {
            conditions.set(
                ReadingLogs::NoLinesYet,
                format!("{} files are open; {on}", self.total.files),
            );
        } else {
            conditions.set(
                ReadingLogs::NothingMatched,
                "no file is open: no pod matches an Acquisition that is accepted, and no file of spec.sources.nodeFiles \
                 exists; see kubectl get acquisitions -A",
            );
        }
    }

    fn parsing(&self, conditions: &mut Conditions) {
        if self.reports.nodes.is_empty() {
            conditions.set(ParsingLogs::NoReport, "no agent has reported");
        } else if self.total.read == 0 {
            conditions.set(ParsingLogs::NoLinesYet, "no line was read yet");
        } else if self.total.parsed == 0 {
            conditions.set(
                ParsingLogs::NothingParsed,
                format!(
                    "lines are read, and no parser understands one: {}",
                    self.deaf().join(", ")
                ),
            );
        } else {
            let deaf = self.deaf();
            let but = if deaf.is_empty() {
                String::new()
            } else {
                format!("except for {}", deaf.join(", "))
            };
            conditions.set(ParsingLogs::LinesParsed, but);
        }
    }

    /// Returns the sources of which no line was understood, with their types.
    fn deaf(&self) -> Vec<String> {
        self.reports
            .sources
            .iter()
            .filter(|(_, sum)| sum.read > 0 && sum.parsed == 0)
            .map(|(name, sum)| {
                let types: Vec<&str> = sum.types.iter().map(String::as_str).collect();
                format!("{name} (type {})", types.join(", "))
            })
            .collect()
    }

    fn monitored(&self, conditions: &mut Conditions) {
        if !self.processor.spec.monitoring.enabled {
            conditions.set(Monitored::Disabled, "spec.monitoring.enabled is false");
        } else if self.observed.serves_pod_monitor {
            conditions.set(Monitored::MonitorApplied, "");
        } else {
            conditions.set(
                Monitored::CrdMissing,
                "the cluster does not serve PodMonitor; install the Prometheus Operator, or set spec.monitoring.enabled: false",
            );
        }
    }
}

/// Returns a pod whose container is in a state that does not end by itself, with the state.
fn failing(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let all = status
        .init_container_statuses
        .iter()
        .chain(&status.container_statuses)
        .flatten();
    all.filter_map(waiting)
        .find(|(reason, _)| FAILING.contains(&reason.as_str()))
        .map(|(reason, message)| format!("{}: {reason}: {message}", pod.name_any()))
}

fn waiting(container: &ContainerStatus) -> Option<(String, String)> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let last = container
        .last_state
        .as_ref()
        .and_then(|state| state.terminated.as_ref())
        .and_then(|ended| {
            ended
                .message
                .clone()
                .or_else(|| Some(format!("exit code {}", ended.exit_code)))
        });
    let message = last.or_else(|| waiting.message.clone()).unwrap_or_default();
    Some((waiting.reason.clone()?, format!("{}: {message}", container.name)))
}

#[cfg(test)]
mod tests;
