//! Events: one for each transition of a condition, aggregated by the API server's own rules.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::events::{Event, EventType, Recorder as Publisher, Reporter};
use kube::{Client, Resource};

use crate::conditions::Transition;
use crate::labels::OPERATOR;

/// Longest note of an event.
const NOTE_MAX: usize = 1000;

/// Publishes events; clones share the aggregation.
#[derive(Clone)]
pub struct Recorder {
    publisher: Publisher,
}

impl Recorder {
    /// Makes a recorder that reports as this operator; `instance` is the pod's name.
    pub fn new(client: Client, instance: Option<String>) -> Self {
        let reporter = Reporter {
            controller: OPERATOR.to_owned(),
            instance,
        };
        Self {
            publisher: Publisher::new(client, reporter),
        }
    }

    /// Publishes one event for each transition of a resource.
    pub async fn transitions<K: Resource<DynamicType = ()>>(&self, resource: &K, transitions: &[Transition]) {
        for transition in transitions {
            let kind = if is_bad(transition) {
                EventType::Warning
            } else {
                EventType::Normal
            };
            let note = format!(
                "{} is {}: {}",
                transition.condition, transition.status, transition.message
            );
            self.publish(
                &resource.object_ref(&()),
                kind,
                &transition.reason,
                &transition.condition,
                note,
            )
            .await;
        }
    }

    /// Publishes that a resource in storage does not parse.
    pub(crate) async fn unreadable<K: Resource<DynamicType = ()>>(&self, invalid: &InvalidObject) {
        let reference = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            name: invalid.metadata.name.clone(),
            namespace: invalid.metadata.namespace.clone(),
            uid: invalid.metadata.uid.clone(),
            ..ObjectReference::default()
        };
        let note = format!("the object does not parse and is left alone: {}", invalid.error);
        self.publish(&reference, EventType::Warning, "Invalid", "Accepted", note)
            .await;
    }

    async fn publish(&self, to: &ObjectReference, kind: EventType, reason: &str, action: &str, note: String) {
        let event = Event {
            type_: kind,
            reason: reason.to_owned(),
            note: Some(note.chars().take(NOTE_MAX).collect()),
            action: action.to_owned(),
            secondary: None,
        };
        // An event that cannot be written is no reason to stop the work it tells of.
        if let Err(error) = self.publisher.publish(&event, to).await {
            tracing::debug!(%error, reason, "an event could not be written");
        }
    }
}

/// Says whether a transition is for the worse.
fn is_bad(transition: &Transition) -> bool {
    match transition.condition.as_str() {
        "Degraded" => transition.status == "True",
        "Progressing" => matches!(transition.reason.as_str(), "Stalled" | "Invalid"),
        condition => transition.status == "False" && !is_usual(condition, &transition.reason),
    }
}

/// Says whether a reason is what was asked for or what every installation goes through. Of an engine that does not serve
/// the engine itself warns.
fn is_usual(condition: &str, reason: &str) -> bool {
    matches!(
        (condition, reason),
        (
            _,
            "Disabled"
                | "NoLinesYet"
                | "ScaledToZero"
                | "Starting"
                | "Waiting"
                | "EngineNotReady"
                | "EngineUnavailable"
        ) | ("Monitored", "CrdMissing")
            | ("Registered", "Incomplete")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(condition: &str, status: &str, reason: &str, bad: bool) {
        let transition = Transition {
            condition: condition.into(),
            status: status.into(),
            reason: reason.into(),
            message: String::new(),
        };
        assert_eq!(is_bad(&transition), bad, "{condition} {status} {reason}");
    }

    #[test]
    fn a_turn_for_the_worse_is_a_warning() {
        check("Ready", "False", "Invalid", true);
        check("Ready", "False", "Starting", false);
        check("Ready", "True", "Available", false);
        check("Degraded", "True", "PodsFailing", true);
        check("Degraded", "False", "AsExpected", false);
        check("Monitored", "False", "Disabled", false);
        check("Monitored", "False", "CrdMissing", false);
        check("Integrated", "False", "CrdMissing", true);
        check("Registered", "False", "Incomplete", false);
        check("Ready", "False", "EngineNotReady", false);
        check("Ready", "False", "EngineNotFound", true);
        check("ReadingLogs", "False", "NoLinesYet", false);
        check("ReadingLogs", "False", "SourceFailing", true);
        check("ParsingLogs", "False", "NothingParsed", true);
        check("Progressing", "False", "Reconciled", false);
    }
}
