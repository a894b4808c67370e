//! Setting conditions: pure, with the time as a parameter.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::crd::conditions::Reason;

/// Longest message of a condition; the API server refuses more than 32 KiB.
const MESSAGE_MAX: usize = 1024;

/// The conditions of an object while its status is computed.
#[derive(Clone, Debug)]
pub struct Conditions {
    before: Vec<Condition>,
    now: Timestamp,
    generation: Option<i64>,
    set: Vec<Condition>,
}

impl Conditions {
    /// Begins with the conditions an object has; `generation` is the one the new status is about.
    pub fn new(before: &[Condition], generation: Option<i64>, now: Timestamp) -> Self {
        Self {
            before: before.to_vec(),
            now,
            generation,
            set: Vec::new(),
        }
    }

    /// Sets a condition; its time of transition changes with its status only. `message` says what to do, if anything.
    pub fn set<R: Reason>(&mut self, reason: R, message: impl AsRef<str>) {
        let message: String = message.as_ref().chars().take(MESSAGE_MAX).collect();
        let status = reason.status().as_str();
        let since = self
            .before
            .iter()
            .find(|condition| condition.type_ == R::TYPE && condition.status == status)
            .map_or(Time(self.now), |condition| condition.last_transition_time.clone());
        self.set.retain(|condition| condition.type_ != R::TYPE);
        self.set.push(Condition {
            type_: R::TYPE.to_owned(),
            status: status.to_owned(),
            reason: reason.name().to_owned(),
            message,
            last_transition_time: since,
            observed_generation: self.generation,
        });
    }

    /// Keeps a condition as it was, for what could not be observed this time.
    pub fn keep<R: Reason>(&mut self) {
        let kept = self.before.iter().find(|condition| condition.type_ == R::TYPE);
        self.set.extend(kept.cloned());
    }

    /// Returns the conditions that were set, in the order of their setting.
    pub fn finish(self) -> Vec<Condition> {
        self.set
    }
}

/// A condition whose status or reason changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Type of the condition.
    pub condition: String,
    /// Its status now.
    pub status: String,
    /// Its reason now.
    pub reason: String,
    /// Its message now.
    pub message: String,
}

/// Returns what changed between two lists of conditions; an event is published for each.
pub fn transitions(before: &[Condition], after: &[Condition]) -> Vec<Transition> {
    after
        .iter()
        .filter(|now| {
            !before
                .iter()
                .any(|then| then.type_ == now.type_ && then.status == now.status && then.reason == now.reason)
        })
        .map(|now| Transition {
            condition: now.type_.clone(),
            status: now.status.clone(),
            reason: now.reason.clone(),
            message: now.message.clone(),
        })
        .collect()
}

/// Says whether a condition of type `R::TYPE` is `True`.
pub fn is_true<R: Reason>(conditions: &[Condition]) -> bool {
    conditions
        .iter()
        .any(|condition| condition.type_ == R::TYPE && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::conditions::Ready;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn with(reason: Ready, before: &[Condition], second: i64) -> Vec<Condition> {
        let mut conditions = Conditions::new(before, Some(1), at(second));
        conditions.set(reason, "why");
        conditions.finish()
    }

    #[test]
    fn the_time_of_transition_changes_with_the_status_only() {
        let starting = with(Ready::Starting, &[], 1);
        let invalid = with(Ready::Invalid, &starting, 2);
        assert_eq!(invalid[0].last_transition_time.0, at(1));
        let available = with(Ready::Available, &invalid, 3);
        assert_eq!(available[0].last_transition_time.0, at(3));
    }

    #[test]
    fn a_transition_is_a_change_of_status_or_reason() {
        let starting = with(Ready::Starting, &[], 1);
        assert_eq!(transitions(&[], &starting).len(), 1);
        assert!(transitions(&starting, &with(Ready::Starting, &starting, 9)).is_empty());
        let invalid = with(Ready::Invalid, &starting, 2);
        assert_eq!(transitions(&starting, &invalid)[0].reason, "Invalid");
    }

    #[test]
    fn a_message_is_cut_before_the_api_server_refuses_it() {
        let mut conditions = Conditions::new(&[], None, at(0));
        conditions.set(Ready::Invalid, "x".repeat(5000));
        assert_eq!(conditions.finish()[0].message.len(), MESSAGE_MAX);
    }
}
