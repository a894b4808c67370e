//! Last step: what an engine says of itself; pure, written only when it differs.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ResourceExt as _;
use wire::admin;

use crate::conditions::Conditions;
use crate::crd::SecurityEngine;
use crate::crd::conditions::{ClientIPPreserved, Degraded, Monitored, Progressing, Ready};
use crate::crd::security_engine::SecurityEngineStatus;
use crate::engine::{self, url};
use crate::names;
use crate::problem::{self, Problem};

/// How long a volume may take to be made before its lack is told.
const BINDING: SignedDuration = SignedDuration::from_secs(30);

/// What became of an engine that is carried out.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the cluster refused.
    pub refused: Option<String>,
    /// The Deployment as it is.
    pub deployment: Option<Deployment>,
    /// The claim as it is.
    pub claim: Option<PersistentVolumeClaim>,
    /// What keeps the pod from being ready, in the words of the cluster; nobody looks while it is ready.
    pub trouble: Option<String>,
    /// Answer of the Local API, or why there is none; nobody asks before its pod is ready.
    pub local_api: Option<Result<admin::Status, String>>,
    /// Addresses of the cluster itself.
    pub inner: Vec<IpNet>,
    /// Whether `ServiceMonitor` is served.
    pub serves_service_monitor: bool,
}

/// Returns the status of an engine that cannot be carried out; what runs is left as it is.
pub fn invalid(engine: &SecurityEngine, problems: &[Problem], now: Timestamp) -> SecurityEngineStatus {
    let text = problem::text(problems);
    let mut conditions = begin(engine, now);
    conditions.set(Ready::Invalid, &text);
    conditions.set(Progressing::Invalid, &text);
    conditions.set(Degraded::Invalid, &text);
    conditions.keep::<ClientIPPreserved>();
    conditions.keep::<Monitored>();
    kept(engine, conditions)
}

/// Returns the status of an engine that is left alone.
pub fn paused(engine: &SecurityEngine, now: Timestamp) -> SecurityEngineStatus {
    let mut conditions = begin(engine, now);
    conditions.keep::<Ready>();
    conditions.set(
        Progressing::Paused,
        "spec.paused is true: nothing is changed until it is false",
    );
    conditions.keep::<Degraded>();
    conditions.keep::<ClientIPPreserved>();
    conditions.keep::<Monitored>();
    kept(engine, conditions)
}

fn begin(engine: &SecurityEngine, now: Timestamp) -> Conditions {
    let before = engine.status.as_ref().map(|status| status.conditions.as_slice());
    Conditions::new(before.unwrap_or_default(), engine.metadata.generation, now)
}

fn kept(engine: &SecurityEngine, conditions: Conditions) -> SecurityEngineStatus {
    SecurityEngineStatus {
        conditions: conditions.finish(),
        observed_generation: engine.metadata.generation,
        ..engine.status.clone().unwrap_or_default()
    }
}

/// Returns the status of an engine whose objects were applied.
pub fn status(engine: &SecurityEngine, outcome: &Outcome, now: Timestamp) -> SecurityEngineStatus {
    let mut conditions = begin(engine, now);
    let view = View { engine, outcome, now };
    view.ready(&mut conditions);
    view.progressing(&mut conditions);
    view.degraded(&mut conditions);
    view.client_addresses(&mut conditions);
    view.monitored(&mut conditions);
    let before = engine.status.clone().unwrap_or_default();
    let answer = outcome.local_api.as_ref().and_then(|answer| answer.as_ref().ok());
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    SecurityEngineStatus {
        observed_generation: engine.metadata.generation,
        conditions: conditions.finish(),
        endpoint: Some(url(engine)),
        active_decisions: answer
            .map(|answer| number(answer.active_decisions))
            .or(before.active_decisions),
        bouncers: answer.map(|answer| number(answer.bouncers)).or(before.bouncers),
        machines: answer.map(|answer| number(answer.machines)).or(before.machines),
    }
}

/// Says whether the pod of the Local API is there, up to date and ready.
pub fn is_rolled_out(deployment: Option<&Deployment>) -> bool {
    let status = deployment.and_then(|live| live.status.as_ref());
    let wanted = deployment
        .and_then(|live| live.spec.as_ref()?.replicas)
        .unwrap_or(1);
    status.is_some_and(|status| {
        let is_seen = status.observed_generation == deployment.and_then(|live| live.metadata.generation);
        let is_new = status.updated_replicas.unwrap_or_default() >= wanted
            && status.replicas.unwrap_or_default() <= wanted;
        is_seen && is_new && status.ready_replicas.unwrap_or_default() >= wanted
    })
}

struct View<'a> {
    engine: &'a SecurityEngine,
    outcome: &'a Outcome,
    now: Timestamp,
}

impl View<'_> {
    fn ready(&self, conditions: &mut Conditions) {
        let endpoint = url(self.engine);
        match (&self.outcome.refused, &self.outcome.local_api) {
            (Some(why), _) => conditions.set(Ready::ApplyFailed, why),
            (None, _) if self.engine.spec.replicas == 0 => {
                conditions.set(Ready::ScaledToZero, "spec.replicas is 0: no Local API runs");
            }
            (None, Some(Ok(_))) => {
                conditions.set(Ready::Available, format!("the Local API answers at {endpoint}"));
            }
            // Whether bouncers are answered is what its pod's probe says; the operator's own way may be cut.
            (None, Some(Err(_))) if self.was_ready() => {
                conditions.set(Ready::Available, format!("the Local API serves {endpoint}"));
            }
            (None, Some(Err(why))) => {
                conditions.set(Ready::Starting, format!("the Local API does not answer: {why}"));
            }
            (None, None) => conditions.set(Ready::Starting, self.waiting()),
        }
    }

    fn was_ready(&self) -> bool {
        engine::is_ready(self.engine)
    }

    fn is_new(&self) -> bool {
        !self.was_ready() && engine::is_settling(self.outcome.deployment.as_ref(), self.now)
    }

    /// What the pod waits for, as far as the cluster says.
    fn waiting(&self) -> String {
        if let Some(text) = self.unbound().or_else(|| self.outcome.trouble.clone()) {
            return text;
        }
        format!(
            "the Local API's pod is not ready; see: kubectl -n {} describe pod -l app.kubernetes.io/component=lapi,app.kubernetes.io/instance={}",
            self.engine.namespace().unwrap_or_default(),
            names::derived(&self.engine.name_any(), "")
        )
    }

    /// A claim without a volume, after the time that making one takes.
    fn unbound(&self) -> Option<String> {
        let claim = self.outcome.claim.as_ref()?;
        let age = |made: &Time| self.now.duration_since(made.0);
        if claim
            .metadata
            .creation_timestamp
            .as_ref()
            .map(age)
            .is_some_and(|age| age < BINDING)
        {
            return None;
        }
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            .unwrap_or("Pending");
        (phase != "Bound").then(|| {
            format!(
                "PersistentVolumeClaim {} is {phase}: it needs a storage class that can provide it (kubectl get storageclass), named in spec.storage.storageClassName or the cluster's default",
                claim.name_any()
            )
        })
    }

    fn progressing(&self, conditions: &mut Conditions) {
        if let Some(why) = &self.outcome.refused {
            conditions.set(Progressing::Waiting, why);
        } else if let Some(why) = self.stalled() {
            conditions.set(Progressing::Stalled, why);
        } else if is_rolled_out(self.outcome.deployment.as_ref()) {
            conditions.set(Progressing::Reconciled, "");
        } else {
            conditions.set(Progressing::RollingOut, self.waiting());
        }
    }

    /// What the Deployment says when it does not come forward.
    fn stalled(&self) -> Option<String> {
        let status = self.outcome.deployment.as_ref()?.status.as_ref()?;
        status
            .conditions
            .iter()
            .flatten()
            .find(|condition| {
                condition.type_ == "ReplicaFailure" && condition.status == "True"
                    || condition.type_ == "Progressing" && condition.status == "False"
            })
            .map(|condition| condition.message.clone().unwrap_or_default())
    }

    fn degraded(&self, conditions: &mut Conditions) {
        if let Some(why) = &self.outcome.refused {
            conditions.set(Degraded::ApplyFailed, why);
        } else if let Some(why) = self.stalled() {
            conditions.set(Degraded::PodsFailing, why);
        } else if let (Some(text), false) = (self.unbound(), is_rolled_out(self.outcome.deployment.as_ref()))
        {
            conditions.set(Degraded::StorageUnavailable, text);
        } else if let Some(why) = &self.outcome.trouble {
            conditions.set(Degraded::PodsFailing, why);
        } else if let (Some(Err(why)), false) = (&self.outcome.local_api, self.is_new()) {
            conditions.set(Degraded::LocalApiUnreachable, why);
        } else {
            conditions.set(Degraded::AsExpected, "");
        }
    }

    fn client_addresses(&self, conditions: &mut Conditions) {
        let Some(Ok(answer)) = &self.outcome.local_api else {
            conditions.keep::<ClientIPPreserved>();
            return;
        };
        let (inner, all) = counted(&answer.alert_sources, &self.outcome.inner);
        if all == 0 {
            conditions.set(ClientIPPreserved::NoAlerts, "there was no alert in the last hour");
        } else if inner * 10 > all * 9 {
            conditions.set(
                ClientIPPreserved::InternalAddresses,
                "more than nine in ten alerts name nodes or pods: set externalTrafficPolicy: Local on the Service of your ingress controller, or let your load balancer send its PROXY protocol or X-Forwarded-For and let the ingress controller trust it",
            );
        } else {
            conditions.set(
                ClientIPPreserved::ClientAddresses,
                "alerts name addresses outside the cluster",
            );
        }
    }

    fn monitored(&self, conditions: &mut Conditions) {
        if !self.engine.spec.monitoring.enabled {
            conditions.set(Monitored::Disabled, "spec.monitoring.enabled is false");
        } else if self.outcome.serves_service_monitor {
            conditions.set(Monitored::MonitorApplied, "");
        } else {
            conditions.set(
                Monitored::CrdMissing,
                "the cluster does not serve ServiceMonitor; install the Prometheus Operator, or set spec.monitoring.enabled: false",
            );
        }
    }
}

/// Counts alerts whose source is an address of the cluster itself, and all alerts.
fn counted(sources: &[admin::AlertSource], inner: &[IpNet]) -> (u64, u64) {
    let is_inner = |value: &str| {
        value
            .parse::<IpAddr>()
            .is_ok_and(|address| inner.iter().any(|range| range.contains(&address)))
    };
    let sum = |wanted: &dyn Fn(&&admin::AlertSource) -> bool| -> u64 {
        sources.iter().filter(wanted).map(|source| source.count).sum()
    };
    (sum(&|source| is_inner(&source.value)), sum(&|_| true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security_engine::fixtures::engine;

    fn told(spec: &str, outcome: &Outcome) -> Vec<String> {
        status(&engine(spec), outcome, Timestamp::UNIX_EPOCH)
            .conditions
            .iter()
            .map(|condition| format!("{}={} {}", condition.type_, condition.status, condition.reason))
            .collect()
    }

    fn object<K: serde::de::DeserializeOwned>(text: &str) -> K {
        let json: serde_json::Value = golang::yaml::from_str(text, golang::yaml::Dialect::V3Known).unwrap();
        serde_json::from_value(json).unwrap()
    }

    fn answering(sources: &[(&str, u64)]) -> Outcome {
        let alert_sources = sources
            .iter()
            .map(|(value, count)| admin::AlertSource {
                value: (*value).to_owned(),
                count: *count,
            })
            .collect();
        Outcome {
            deployment: Some(object(
                "{metadata: {generation: 1}, spec: {replicas: 1, selector: {}, template: {}}, status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1}}",
            )),
            local_api: Some(Ok(admin::Status {
                alert_sources,
                ..admin::Status::default()
            })),
            inner: vec!["10.99.0.1/32".parse().unwrap(), "10.244.0.0/16".parse().unwrap()],
            ..Outcome::default()
        }
    }

    #[test]
    fn an_engine_whose_local_api_answers_is_ready() {
        assert_eq!(
            told("{}", &answering(&[])),
            [
                "Ready=True Available",
                "Progressing=False Reconciled",
                "Degraded=False AsExpected",
                "ClientIPPreserved=Unknown NoAlerts",
                "Monitored=False CrdMissing",
            ]
        );
    }

    #[test]
    fn alerts_that_name_nodes_and_pods_are_told_with_a_cure() {
        let proxied = told(
            "{}",
            &answering(&[("10.99.0.1", 20), ("10.244.3.7", 75), ("192.0.2.7", 5)]),
        );
        assert!(proxied.contains(&"ClientIPPreserved=False InternalAddresses".to_owned()));
        let direct = told("{}", &answering(&[("10.99.0.1", 9), ("192.0.2.7", 1)]));
        assert!(direct.contains(&"ClientIPPreserved=True ClientAddresses".to_owned()));
    }

    #[test]
    fn a_volume_that_is_not_there_is_told() {
        let outcome = Outcome {
            claim: Some(object(
                "{metadata: {name: main-lapi-data}, status: {phase: Pending}}",
            )),
            ..Outcome::default()
        };
        let all = told("{}", &outcome);
        assert_eq!(all[0], "Ready=False Starting");
        assert!(all.contains(&"Degraded=True StorageUnavailable".to_owned()));
    }

    #[test]
    fn a_local_api_that_only_the_operator_cannot_reach_stays_ready_and_is_degraded() {
        let silent = Outcome {
            local_api: Some(Err("timed out".into())),
            ..answering(&[])
        };
        assert_eq!(told("{}", &silent)[0], "Ready=False Starting");
        let mut once = engine("{}");
        once.status = Some(status(&once, &answering(&[]), Timestamp::UNIX_EPOCH));
        let after = status(&once, &silent, Timestamp::UNIX_EPOCH).conditions;
        assert_eq!(
            (after[0].reason.as_str(), after[2].reason.as_str()),
            ("Available", "LocalApiUnreachable")
        );
    }

    #[test]
    fn a_local_api_that_just_became_ready_may_be_silent_for_a_moment() {
        let mut silent = Outcome {
            local_api: Some(Err("connection refused".into())),
            ..answering(&[])
        };
        let live = silent.deployment.as_mut().unwrap().status.as_mut().unwrap();
        live.conditions = Some(vec![object(
            "{type: Available, status: 'True', lastTransitionTime: '1970-01-01T00:00:00Z'}",
        )]);
        let degraded = |second| {
            let now = Timestamp::from_second(second).unwrap();
            let all = status(&engine("{}"), &silent, now).conditions;
            all[2].reason.clone()
        };
        assert_eq!(
            (degraded(14), degraded(15)),
            ("AsExpected".into(), "LocalApiUnreachable".into())
        );
    }

    #[test]
    fn what_keeps_a_pod_from_starting_is_told_in_the_clusters_words() {
        let failing = Outcome {
            trouble: Some("pod a, container lapi: ImagePullBackOff".into()),
            ..Outcome::default()
        };
        assert!(told("{}", &failing).contains(&"Degraded=True PodsFailing".to_owned()));
    }

    #[test]
    fn zero_replicas_are_no_fault() {
        let all = told("replicas: 0", &Outcome::default());
        assert_eq!(all[0], "Ready=False ScaledToZero");
        assert!(all.contains(&"Degraded=False AsExpected".to_owned()));
    }

    #[test]
    fn a_pod_that_cannot_be_made_is_told_in_the_clusters_words() {
        let outcome = Outcome {
            deployment: Some(object(
                "{metadata: {generation: 1}, spec: {replicas: 1, selector: {}, template: {}}, status: {observedGeneration: 1, conditions: [{type: ReplicaFailure, status: 'True', message: exceeded quota}]}}",
            )),
            ..Outcome::default()
        };
        let status = status(&engine("{}"), &outcome, Timestamp::UNIX_EPOCH);
        assert!(
            status
                .conditions
                .iter()
                .any(|one| one.reason == "PodsFailing" && one.message == "exceeded quota")
        );
    }
}
