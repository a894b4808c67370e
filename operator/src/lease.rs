//! One operator acts at a time: a Lease that is held, renewed and given back.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::apply::chain;

/// How long a holder that does not renew is believed to act.
pub const DURATION: Duration = Duration::from_secs(15);
/// How long renewing may fail before the holder stops acting; shorter than [`DURATION`], so that two never act at once.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// Pause between two attempts.
pub const RETRY: Duration = Duration::from_secs(2);

/// Name of the Lease when none is given.
pub const NAME: &str = "crowdsec-operator";

/// A Lease and who this operator is.
pub struct Leader {
    api: Api<Lease>,
    name: String,
    identity: String,
}

/// What an operator that does not hold the Lease does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is no Lease yet.
    Create,
    /// It is free, expired, or ours from an earlier life.
    Take,
    /// Somebody holds it.
    Wait,
}

/// Which state of the Lease was seen, and since when; the clocks of two nodes need not agree.
#[derive(Debug, Default)]
struct Watched {
    state: Option<(String, Option<MicroTime>)>,
    since: Option<Instant>,
}

impl Leader {
    /// Makes a candidate; nothing is asked yet.
    pub fn new(client: Client, namespace: &str, name: String, identity: String) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name,
            identity,
        }
    }

    /// Waits until this operator holds the Lease; false when it was stopped first.
    pub async fn acquire(&self, stop: &CancellationToken) -> bool {
        let mut watched = Watched::default();
        loop {
            match self.attempt(&mut watched).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %chain(&error), "the lease cannot be read or written"),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Renews the Lease until `stop`, or until it is lost; returns whether it is still held.
    pub async fn hold(&self, stop: &CancellationToken) -> bool {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return true,
                () = tokio::time::sleep(RETRY) => {}
            }
            let left = (renewed + DEADLINE).saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.renew()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return false,
                Ok(Err(error)) => tracing::warn!(error = %chain(&error), "the lease could not be renewed"),
                Err(_too_late) => return false,
            }
        }
    }

    /// Gives the Lease back, so that another operator need not wait for its end.
    pub async fn release(&self) {
        let given_back = async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else {
                return Ok(());
            };
            if holder(&lease) != Some(self.identity.as_str()) {
                return Ok(());
            }
            let spec = lease.spec.get_or_insert_default();
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            self.api
                .replace(&self.name, &PostParams::default(), &lease)
                .await
                .map(drop)
        };
        if let Ok(Err(error)) = tokio::time::timeout(RETRY, given_back).await {
            tracing::info!(error = %chain(&error), "the lease could not be given back and runs out by itself");
        }
    }

    async fn attempt(&self, watched: &mut Watched) -> Result<bool, kube::Error> {
        let lease = self.api.get_opt(&self.name).await?;
        let written = match decide(lease.as_ref(), &self.identity, watched, Instant::now()) {
            Step::Wait => return Ok(false),
            Step::Create => {
                let lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.name.clone()),
                        ..ObjectMeta::default()
                    },
                    spec: Some(self.spec(None, service::clock::now())),
                };
                self.api.create(&PostParams::default(), &lease).await
            }
            Step::Take => {
                let mut lease = lease.unwrap_or_default();
                lease.spec = Some(self.spec(lease.spec.as_ref(), service::clock::now()));
                self.api.replace(&self.name, &PostParams::default(), &lease).await
            }
        };
        won(written)
    }

    async fn renew(&self) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            return Ok(false);
        };
        if holder(&lease) != Some(self.identity.as_str()) {
            return Ok(false);
        }
        lease.spec = Some(self.spec(lease.spec.as_ref(), service::clock::now()));
        won(self.api.replace(&self.name, &PostParams::default(), &lease).await)
    }

    fn spec(&self, before: Option<&LeaseSpec>, now: Timestamp) -> LeaseSpec {
        let ours = before.is_some_and(|spec| spec.holder_identity.as_deref() == Some(self.identity.as_str()));
        let changes = before.and_then(|spec| spec.lease_transitions).unwrap_or(0);
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(15),
            acquire_time: match before {
                Some(spec) if ours => spec.acquire_time.clone(),
                _ => Some(MicroTime(now)),
            },
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if ours || before.is_none() {
                changes
            } else {
                changes.saturating_add(1)
            }),
            ..LeaseSpec::default()
        }
    }
}

/// A conflict means that another operator was faster.
fn won(written: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match written {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

fn decide(lease: Option<&Lease>, own: &str, watched: &mut Watched, now: Instant) -> Step {
    let Some(lease) = lease else { return Step::Create };
    let Some(holder) = holder(lease).filter(|holder| *holder != own) else {
        return Step::Take;
    };
    let renewed = lease.spec.as_ref().and_then(|spec| spec.renew_time.clone());
    let state = Some((holder.to_owned(), renewed));
    if watched.state != state {
        watched.state = state;
        watched.since = Some(now);
    }
    match watched.since {
        Some(since) if now.saturating_duration_since(since) >= DURATION => Step::Take,
        _ => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: &str, renewed: i64) -> Lease {
        Lease {
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
                ..LeaseSpec::default()
            }),
            ..Lease::default()
        }
    }

    #[test]
    fn a_lease_is_taken_when_free_ours_or_not_renewed_for_its_duration() {
        let (mut watched, start) = (Watched::default(), Instant::now());
        assert_eq!(decide(None, "me", &mut watched, start), Step::Create);
        assert_eq!(decide(Some(&lease("", 1)), "me", &mut watched, start), Step::Take);
        assert_eq!(
            decide(Some(&lease("me", 1)), "me", &mut watched, start),
            Step::Take
        );
        assert_eq!(
            decide(Some(&lease("you", 1)), "me", &mut watched, start),
            Step::Wait
        );
        let almost = start + Duration::from_secs(14);
        assert_eq!(
            decide(Some(&lease("you", 1)), "me", &mut watched, almost),
            Step::Wait
        );
        assert_eq!(
            decide(Some(&lease("you", 2)), "me", &mut watched, almost),
            Step::Wait
        );
        let later = start + Duration::from_secs(28);
        assert_eq!(
            decide(Some(&lease("you", 2)), "me", &mut watched, later),
            Step::Wait
        );
        let last = start + Duration::from_secs(29);
        assert_eq!(
            decide(Some(&lease("you", 2)), "me", &mut watched, last),
            Step::Take
        );
    }
}
