//! The watches that keep the world current, also those of kinds that may come and go.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use kube::core::{DeserializeGuard, DynamicObject};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use service::tasks::{Cause, Tasks};
use tokio_util::sync::CancellationToken;

use crate::cluster::events::Recorder;
use crate::cluster::kinds::{Kind, Served, WATCHED};
use crate::cluster::store::{Feed, Key, Store, Told};
use crate::cluster::world::{Change, World};
use crate::labels::{KEY_MANAGED_BY, OPERATOR};

/// How often it is asked whether optional kinds are served.
const DISCOVERY: Duration = Duration::from_secs(60);

/// What every watch needs.
#[derive(Clone)]
struct Watch {
    client: Client,
    world: Arc<World>,
    recorder: Recorder,
    stop: CancellationToken,
}

/// Starts all watches in `tasks`.
pub fn spawn(tasks: &mut Tasks, client: &Client, world: &Arc<World>, recorder: &Recorder) {
    let watch = Watch {
        client: client.clone(),
        world: Arc::clone(world),
        recorder: recorder.clone(),
        stop: tasks.token().clone(),
    };
    resources(tasks, &watch, "SecurityEngine", |world| &world.engines);
    resources(tasks, &watch, "LogProcessor", |world| &world.processors);
    resources(tasks, &watch, "Acquisition", |world| &world.acquisitions);
    resources(tasks, &watch, "Bouncer", |world| &world.bouncers);
    for kind in WATCHED.iter().filter(|kind| kind.served == Served::Always) {
        owned(tasks, &watch, kind);
    }
    surroundings(tasks, &watch);
    tasks.spawn("discovery", discover(watch));
}

/// Watches one of our kinds; an object that does not parse is told of and does not stop the others.
fn resources<K>(tasks: &mut Tasks, watch: &Watch, kind: &'static str, store: fn(&World) -> &Store<K>)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    for api in watch.world.scope.apis::<DeserializeGuard<K>>(&watch.client) {
        watch.world.expect();
        let watch = watch.clone();
        tasks.spawn(format!("watch {kind}"), async move {
            let mut feed = Feed::default();
            let mut events = stream(api, watcher::Config::default());
            let mut told_once = false;
            while let Some(event) = watch.next(&mut events).await {
                let Some(event) = valid(&watch, kind, event).await else {
                    continue;
                };
                let Told { seen, synced } = feed.take(store(&watch.world), event);
                for seen in &seen {
                    watch.world.tell_resource(kind, seen);
                }
                watch.note(synced, &mut told_once);
            }
            Ok::<(), Cause>(())
        });
    }
}

/// Takes the guard off; what is invalid keeps the last valid object and gets an event.
async fn valid<K>(watch: &Watch, kind: &'static str, event: Event<DeserializeGuard<K>>) -> Option<Event<K>>
where
    K: Resource<DynamicType = ()>,
{
    let (guarded, wrap): (_, fn(K) -> Event<K>) = match event {
        Event::Init => return Some(Event::Init),
        Event::InitDone => return Some(Event::InitDone),
        Event::Apply(object) => (object.0, Event::Apply),
        Event::InitApply(object) => (object.0, Event::InitApply),
        Event::Delete(object) => (object.0, Event::Delete),
    };
    match guarded {
        Ok(object) => Some(wrap(object)),
        Err(invalid) => {
            let key = Key::new(
                invalid.metadata.namespace.clone().unwrap_or_default(),
                invalid.metadata.name.clone().unwrap_or_default(),
            );
            tracing::warn!(object.kind = kind, object.key = %key, error = %invalid.error, "a resource does not parse and is left alone");
            watch.recorder.unreadable::<K>(&invalid).await;
            None
        }
    }
}

/// Watches the objects of one kind that carry our label.
fn owned(tasks: &mut Tasks, watch: &Watch, kind: &'static Kind) {
    for api in watch.world.scope.dynamic_apis(&watch.client, &kind.resource()) {
        watch.world.expect();
        let watch = watch.clone();
        tasks.spawn(format!("watch {}", kind.kind), async move {
            watch.follow_owned(api, kind, true).await;
            Ok::<(), Cause>(())
        });
    }
}

/// Watches nodes, namespaces and the addresses of the API server.
fn surroundings(tasks: &mut Tasks, watch: &Watch) {
    if let Some(api) = watch.world.scope.cluster_api(&watch.client) {
        follow(
            tasks,
            watch,
            "watch Node",
            api,
            |world| &world.nodes,
            Change::Node,
        );
    }
    if let Some(api) = watch.world.scope.cluster_api(&watch.client) {
        follow(
            tasks,
            watch,
            "watch Namespace",
            api,
            |world| &world.namespaces,
            Change::Namespace,
        );
    }
    let api = Api::namespaced(watch.client.clone(), "default");
    follow(
        tasks,
        watch,
        "watch EndpointSlice",
        api,
        |world| &world.api_server,
        Change::Surroundings,
    );
}

fn follow<K>(
    tasks: &mut Tasks,
    watch: &Watch,
    name: &'static str,
    api: Api<K>,
    store: fn(&World) -> &Store<K>,
    change: Change,
) where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    // The right to look into `default` may be missing where only some namespaces are looked at.
    let expected = change != Change::Surroundings || watch.world.scope.is_cluster();
    if expected {
        watch.world.expect();
    }
    let watch = watch.clone();
    // Only the API server's own slices are of interest where slices are watched.
    let config = match change {
        Change::Surroundings => watcher::Config::default().labels("kubernetes.io/service-name=kubernetes"),
        _ => watcher::Config::default(),
    };
    tasks.spawn(name, async move {
        let mut feed = Feed::default();
        let mut events = stream(api, config);
        let mut told_once = !expected;
        while let Some(event) = watch.next(&mut events).await {
            let Told { seen, synced } = feed.take(store(&watch.world), event);
            if seen
                .iter()
                .any(|seen| is_news(seen.before.as_deref(), seen.after.as_deref()))
            {
                watch.world.tell(change.clone());
            }
            watch.note(synced, &mut told_once);
        }
        Ok::<(), Cause>(())
    });
}

/// Nodes renew their status all the time; only coming, going and labels count.
fn is_news<K: Resource>(before: Option<&K>, after: Option<&K>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => {
            before.meta().labels != after.meta().labels || before.meta().generation != after.meta().generation
        }
        _ => true,
    }
}

/// Asks from time to time which optional kinds are served, and watches those that are.
async fn discover(watch: Watch) -> Result<(), Cause> {
    let mut running: Vec<(&'static Kind, CancellationToken)> = Vec::new();
    let mut tasks = Tasks::new(watch.stop.child_token());
    loop {
        for kind in WATCHED.iter().filter(|kind| kind.served == Served::WhenInstalled) {
            // A cluster that does not answer is not one that does not serve.
            let Some(served) = is_served(&watch.client, kind).await else {
                continue;
            };
            if !watch.world.note_served(kind, served) {
                continue;
            }
            tracing::info!(object.kind = kind.kind, served, "an optional kind came or went");
            if served {
                let token = tasks.token().child_token();
                running.push((kind, token.clone()));
                for api in watch.world.scope.dynamic_apis(&watch.client, &kind.resource()) {
                    let watch = Watch {
                        stop: token.clone(),
                        ..watch.clone()
                    };
                    tasks.spawn(format!("watch {}", kind.kind), async move {
                        watch.follow_owned(api, kind, false).await;
                        Ok::<(), Cause>(())
                    });
                }
            } else {
                for (_, token) in running.iter().filter(|(gone, _)| *gone == kind) {
                    token.cancel();
                }
                running.retain(|(gone, _)| *gone != kind);
            }
            watch.world.tell(Change::Surroundings);
        }
        tokio::select! {
            () = watch.stop.cancelled() => break,
            () = tokio::time::sleep(DISCOVERY) => {}
        }
    }
    tasks.join(Duration::from_secs(5)).await.map_err(Into::into)
}

/// Says whether a kind is served; none when the cluster did not answer.
async fn is_served(client: &Client, kind: &Kind) -> Option<bool> {
    match client.list_api_group_resources(&kind.api_version()).await {
        Ok(list) => Some(list.resources.iter().any(|resource| resource.name == kind.plural)),
        Err(kube::Error::Api(status)) if status.code == 404 => Some(false),
        Err(_) => None,
    }
}

impl Watch {
    /// Returns the next event; none once the watch should end.
    async fn next<K, S>(&self, events: &mut S) -> Option<Event<K>>
    where
        S: Stream<Item = watcher::Result<Event<K>>> + Unpin,
    {
        loop {
            let event = tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                event = events.next() => event?,
            };
            match event {
                Ok(event) => return Some(event),
                Err(error) => tracing::warn!(%error, "a watch was interrupted and begins anew"),
            }
        }
    }

    async fn follow_owned(&self, api: Api<DynamicObject>, kind: &'static Kind, expected: bool) {
        let Some(store) = self.world.owned(kind) else {
            return;
        };
        let config = watcher::Config::default().labels(&format!("{KEY_MANAGED_BY}={OPERATOR}"));
        let mut events = watcher_with(api, config);
        let mut feed = Feed::default();
        let mut told_once = !expected;
        while let Some(event) = self.next(&mut events).await {
            let Told { seen, synced } = feed.take(store, event);
            for seen in &seen {
                self.world.tell_owned(seen);
            }
            self.note(synced, &mut told_once);
        }
        feed.end(store);
    }

    fn note(&self, synced: bool, told_once: &mut bool) {
        if synced && !*told_once {
            *told_once = true;
            self.world.told();
        }
    }
}

fn stream<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Unpin + Send
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    Box::pin(watcher(api, config).default_backoff())
}

fn watcher_with(
    api: Api<DynamicObject>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<DynamicObject>>> + Unpin + Send {
    Box::pin(watcher(api, config).default_backoff())
}
