//! What agents say about their sources: kept in memory, for the admin interface. Ours; upstream has no such route.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use http::StatusCode;
use jiff::Timestamp;
use wire::report::Report;

use super::answer::{self, Answer, Body, Failure};
use super::{Api, Call, body};

/// Limit of a body: more than [`Report::problem`] lets through.
const LIMIT: usize = 5 << 20;

/// The last report of each machine, and when it came.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    last: Mutex<BTreeMap<String, (Timestamp, Report)>>,
}

impl Reports {
    /// Takes a report; says whether this machine had none before.
    fn put(&self, machine: &str, at: Timestamp, report: Report) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.insert(machine.to_owned(), (at, report)).is_none()
    }

    /// Returns a machine's report.
    pub(crate) fn of(&self, machine: &str) -> Option<(Timestamp, Report)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(machine).cloned()
    }

    /// Forgets the reports of machines that are gone.
    fn keep(&self, machines: &BTreeSet<String>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|machine, _| machines.contains(machine));
    }
}

/// `POST /v1/watchers/report`; a machine that was deleted gets 403 although its token is still good.
pub(super) async fn store(api: &Api, machine: &str, call: &Call, body: Body) -> Result<Answer, Failure> {
    let bytes = body::read(call, body, LIMIT).await?;
    let report: Report =
        serde_json::from_slice(&bytes).map_err(|error| Failure::bad_request(error.to_string()))?;
    if let Some(problem) = report.problem() {
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, problem));
    }
    if api.store.machine(machine).await?.is_none() {
        return Err(Failure::forbidden());
    }
    if api.reports.put(machine, call.now, report) {
        // A new name may follow on a deleted one, so this bounds what is kept by the number of machines.
        let machines = api.store.machines().await?;
        let names = machines.into_iter().map(|row| row.machine_id).collect();
        api.reports.keep(&names);
    }
    Ok(answer::empty(StatusCode::OK))
}
