//! The one task that changes the database: takes what is queued, commits it together, then updates the read model.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{Connection as _, Row as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, decisions, migrate, state};
use crate::live::{Change, Live};

/// Jobs that wait; a full queue makes callers wait, so memory stays bounded.
const QUEUE: usize = 1024;
/// Jobs that share a commit.
const BATCH: usize = 256;
/// How often changes by other programs are looked for.
const WATCH: Duration = Duration::from_millis(200);

/// A future that borrows the transaction it works in.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

/// The transaction as a piece of work sees it.
#[derive(Debug)]
pub struct Tx<'c> {
    /// Where statements run.
    pub connection: &'c mut SqliteConnection,
    /// The one time of everything in this commit; later than that of the commit before.
    pub now: Timestamp,
    /// What the read model must learn once this is committed.
    pub changes: Vec<Change>,
}

/// Tells a caller what became of its work; called with whether the commit worked.
type Reply = Box<dyn FnOnce(bool) + Send>;
type Step<'t> = Pin<Box<dyn Future<Output = (bool, Reply)> + Send + 't>>;
type Task = Box<dyn for<'t> FnOnce(&'t mut Tx<'_>) -> Step<'t> + Send>;

enum Job {
    Task(Task),
    Follow(oneshot::Sender<Result<(), StoreError>>),
    Look(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    jobs: mpsc::Sender<Job>,
}

impl Handle {
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> Work<'t, T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Task(boxed(work, sender))).await?;
        receiver.await.map_err(|_gone| StoreError::Stopped)?
    }

    pub(super) async fn follow(&self) -> Result<(), StoreError> {
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Follow(sender)).await?;
        receiver.await.map_err(|_gone| StoreError::Stopped)?
    }

    pub(super) async fn look(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.send(Job::Look(sender)).await.is_ok() {
            drop(receiver.await);
        }
    }

    pub(super) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.send(Job::Close(sender)).await.is_ok() {
            drop(receiver.await);
        }
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        self.jobs.send(job).await.map_err(|_closed| StoreError::Stopped)
    }
}

/// Hides the type of a work's result, so that works of all kinds queue together.
fn boxed<T, F>(work: F, sender: oneshot::Sender<Result<T, StoreError>>) -> Task
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> Work<'t, T> + Send + 'static,
{
    Box::new(move |tx| {
        let future = work(tx);
        Box::pin(async move {
            let result = future.await;
            let kept = result.is_ok();
            let reply: Reply = Box::new(move |committed| {
                let answer = if committed || result.is_err() {
                    result
                } else {
                    Err(StoreError::Stopped)
                };
                // A caller that went away needs no answer.
                drop(sender.send(answer));
            });
            (kept, reply)
        })
    })
}

/// Starts the writer on its own connection.
pub(super) fn start(connection: SqliteConnection, live: Arc<Live>) -> Handle {
    let (jobs, queue) = mpsc::channel(QUEUE);
    tokio::spawn(
        Writer {
            connection,
            live,
            queue,
            version: 0,
            schema: None,
        }
        .run(),
    );
    Handle { jobs }
}

struct Writer {
    connection: SqliteConnection,
    live: Arc<Live>,
    queue: mpsc::Receiver<Job>,
    /// `PRAGMA data_version` up to which the read model follows.
    version: i64,
    /// `PRAGMA schema_version` under which nothing of ours is missing.
    schema: Option<i64>,
}

impl Writer {
    async fn run(mut self) {
        let mut watch = tokio::time::interval(WATCH);
        watch.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                job = self.queue.recv() => match job {
                    Some(Job::Task(task)) => self.commit(task).await,
                    Some(Job::Follow(reply)) => drop(reply.send(self.follow().await)),
                    Some(Job::Look(reply)) => {
                        self.watch().await;
                        reply.send(()).unwrap_or_default();
                    }
                    Some(Job::Close(reply)) => {
                        self.end().await;
                        // The caller may have gone.
                        reply.send(()).unwrap_or_default();
                        return;
                    }
                    None => return self.end().await,
                },
                _tick = watch.tick(), if self.live.is_following() => self.watch().await,
            }
        }
    }

    async fn end(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!("closing the database: {error}");
        }
    }

    /// Runs the first task and whatever waits behind it in one transaction.
    async fn commit(&mut self, first: Task) {
        let now = self.live.begin(service::clock::now());
        let mut replies = Vec::new();
        let changes = match self.transact(first, now, &mut replies).await {
            Ok(changes) => Some(changes),
            Err(error) => {
                tracing::error!("database transaction failed: {}", Chain(&error));
                drop(sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await);
                None
            }
        };
        let committed = changes.is_some();
        self.live.finish(now, changes.unwrap_or_default());
        for reply in replies {
            reply(committed);
        }
    }

    async fn transact(
        &mut self,
        first: Task,
        now: Timestamp,
        replies: &mut Vec<Reply>,
    ) -> Result<Vec<Change>, sqlx::Error> {
        self.mend().await?;
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await?;
        let mut changes = Vec::new();
        let mut next = Some(first);
        while let Some(task) = next.take() {
            sqlx::raw_sql("SAVEPOINT work")
                .execute(&mut self.connection)
                .await?;
            let mut tx = Tx {
                connection: &mut self.connection,
                now,
                changes: Vec::new(),
            };
            let (kept, reply) = task(&mut tx).await;
            let own = tx.changes;
            replies.push(reply);
            if kept {
                changes.extend(own);
            } else {
                sqlx::raw_sql("ROLLBACK TO work")
                    .execute(&mut self.connection)
                    .await?;
            }
            sqlx::raw_sql("RELEASE work")
                .execute(&mut self.connection)
                .await?;
            if replies.len() < BATCH {
                next = self.waiting();
            }
        }
        if let Some(highest) = changes.iter().filter_map(Change::added_decision).max() {
            state::put(&mut self.connection, state::DECISIONS_SEEN, &highest.to_string()).await?;
        }
        sqlx::raw_sql("COMMIT").execute(&mut self.connection).await?;
        Ok(changes)
    }

    /// Takes the next task if one waits; anything else is left for the main loop.
    fn waiting(&mut self) -> Option<Task> {
        // `Follow` and `Close` come from start and stop; they may be served between batches only, so a batch that
        // meets one answers it as "stopped", and the caller asks again.
        match self.queue.try_recv() {
            Ok(Job::Task(task)) => Some(task),
            Ok(Job::Follow(reply)) => {
                drop(reply.send(Err(StoreError::Stopped)));
                None
            }
            // Dropping the sender answers these.
            Ok(Job::Close(_) | Job::Look(_)) | Err(_) => None,
        }
    }

    async fn follow(&mut self) -> Result<(), StoreError> {
        self.version = self.data_version().await?;
        self.load().await?;
        self.live.set_following();
        Ok(())
    }

    async fn watch(&mut self) {
        let version = match self.data_version().await {
            Ok(version) => version,
            Err(error) => return tracing::warn!("database: {}", Chain(&error)),
        };
        if version == self.version {
            return;
        }
        if let Err(error) = self.mend().await {
            return tracing::warn!("another program changed the tables: {}", Chain(&error));
        }
        match self.load().await {
            Ok(()) => self.version = version,
            Err(error) => tracing::warn!("reading what another program wrote: {}", Chain(&error)),
        }
    }

    /// Makes the read model equal to the tables; new rows get the time at which they were noticed.
    async fn load(&mut self) -> Result<(), StoreError> {
        let first = !self.live.is_following();
        let now = self.live.begin(service::clock::now());
        let loaded = decisions::load(&mut self.connection, &self.live, now, first).await;
        let changes = match loaded {
            Ok(changes) => changes,
            Err(error) => {
                self.live.finish(now, Vec::new());
                return Err(error);
            }
        };
        if let Some(highest) = changes.iter().filter_map(Change::added_decision).max() {
            state::put(&mut self.connection, state::DECISIONS_SEEN, &highest.to_string()).await?;
        }
        self.live.finish(now, changes);
        Ok(())
    }

    async fn data_version(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query("PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(row.try_get(0)?)
    }

    async fn schema_version(&mut self) -> Result<i64, sqlx::Error> {
        let row = sqlx::query("PRAGMA schema_version")
            .fetch_one(&mut self.connection)
            .await?;
        row.try_get(0)
    }

    /// Adds again what an older program of upstream's removed: it rebuilds tables with the columns it knows.
    async fn mend(&mut self) -> Result<(), sqlx::Error> {
        let schema = self.schema_version().await?;
        if self.schema == Some(schema) {
            return Ok(());
        }
        match migrate::run(&mut self.connection).await {
            Ok(()) => {
                self.schema = Some(self.schema_version().await?);
                Ok(())
            }
            Err(StoreError::Sql(error)) => Err(error),
            Err(error) => Err(sqlx::Error::Protocol(error.to_string())),
        }
    }
}

/// Shows an error with its causes.
pub(crate) struct Chain<'e>(pub(crate) &'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
