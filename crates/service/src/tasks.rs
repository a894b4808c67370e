//! A group that owns, names and joins every task; a task that fails stops the group.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// The cause a task gives when it fails.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The tasks of one process or of one part of it.
#[derive(Debug)]
pub struct Tasks {
    token: CancellationToken,
    running: JoinSet<Result<(), Cause>>,
    names: HashMap<Id, String>,
}

/// Why a group ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A task returned an error.
    #[error("task {name} failed")]
    Failed {
        /// The task's name.
        name: String,
        /// What it returned.
        #[source]
        cause: Cause,
    },
    /// A task panicked.
    #[error("task {name} panicked: {message}")]
    Panicked {
        /// The task's name.
        name: String,
        /// The panic's text, empty when it carried none.
        message: String,
    },
    /// Tasks did not end within the grace period after the stop and were aborted.
    #[error("tasks still running after {grace:?}: {}", names.join(", "))]
    Stuck {
        /// The names of the tasks, sorted.
        names: Vec<String>,
        /// How long they were waited for.
        grace: Duration,
    },
}

impl Tasks {
    /// Makes an empty group that stops when `token` is cancelled; a failing task cancels it.
    pub fn new(token: CancellationToken) -> Self {
        Self {
            token,
            running: JoinSet::new(),
            names: HashMap::new(),
        }
    }

    /// Returns the token whose cancellation asks every task to end.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Starts a task under `name`; it must return soon after the group's token is cancelled.
    pub fn spawn<F, E>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Cause> + 'static,
    {
        let handle = self.running.spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name.into());
    }

    /// Says whether no task is left.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits until every task has ended, at most `grace` after the stop; returns the first failure.
    ///
    /// A failure cancels the token; the others then have `grace` to end before they are aborted.
    pub async fn join(mut self, grace: Duration) -> Result<(), Error> {
        let token = self.token.clone();
        let mut first = None;
        while !self.running.is_empty() && !token.is_cancelled() {
            tokio::select! {
                () = token.cancelled() => {}
                ended = self.running.join_next_with_id() => self.note(ended, &mut first),
            }
        }
        let drained = tokio::time::timeout(grace, async {
            while let ended @ Some(_) = self.running.join_next_with_id().await {
                self.note(ended, &mut first);
            }
        })
        .await;
        if drained.is_err() {
            self.running.abort_all();
            let mut names: Vec<String> = std::mem::take(&mut self.names).into_values().collect();
            names.sort();
            first.get_or_insert(Error::Stuck { names, grace });
        }
        first.map_or(Ok(()), Err)
    }

    fn note(&mut self, ended: Option<Ended>, first: &mut Option<Error>) {
        let failure = match ended {
            None => None,
            Some(Ok((id, result))) => {
                let name = self.names.remove(&id).unwrap_or_default();
                result.err().map(|cause| Error::Failed { name, cause })
            }
            Some(Err(error)) => {
                let name = self.names.remove(&error.id()).unwrap_or_default();
                error.try_into_panic().ok().map(|panic| Error::Panicked {
                    name,
                    message: text(&*panic),
                })
            }
        };
        if let Some(failure) = failure {
            self.token.cancel();
            first.get_or_insert(failure);
        }
    }
}

type Ended = Result<(Id, Result<(), Cause>), tokio::task::JoinError>;

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    async fn until_stopped(token: CancellationToken) -> Result<(), Cause> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_failing_task_stops_the_others_and_names_itself() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("waits", until_stopped(tasks.token().clone()));
        tasks.spawn("breaks", async { Err::<(), Cause>("no disk".into()) });
        let error = tasks.join(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "task breaks failed");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no disk");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_text() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("waits", until_stopped(tasks.token().clone()));
        tasks.spawn::<_, Cause>("breaks", async { panic!("index {}", 3) });
        assert_eq!(
            tasks.join(GRACE).await.unwrap_err().to_string(),
            "task breaks panicked: index 3"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ignores_the_stop_is_named() {
        let token = CancellationToken::new();
        let mut tasks = Tasks::new(token.clone());
        tasks.spawn::<_, Cause>("deaf", std::future::pending());
        tasks.spawn("waits", until_stopped(token.clone()));
        token.cancel();
        assert_eq!(
            tasks.join(GRACE).await.unwrap_err().to_string(),
            "tasks still running after 5s: deaf"
        );
    }

    #[tokio::test]
    async fn a_group_whose_tasks_all_end_ends_well() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.spawn("one", async { Ok::<(), Cause>(()) });
        tasks.spawn("two", async { Ok::<(), Cause>(()) });
        tasks.join(GRACE).await.unwrap();
    }
}
