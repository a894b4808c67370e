//! Follows targets and pods through the API server.
//!
//! One watch for the one `ConfigMap`, one for each namespace of the targets; a namespace nobody targets is not looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Pod as PodKind};
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Event, watch_object};
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::pod::Pod;
use crate::targets::{self, KEY, Target};
use crate::view::{Known, SOURCES, View};

/// Messages of the watches that wait at most.
const QUEUE: usize = 256;

/// Pause before the API server is looked for again when there is no way to ask it.
const PAUSE: Duration = Duration::from_secs(10);

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// This node.
    pub node: String,
    /// Namespace of the `ConfigMap`.
    pub namespace: String,
    /// Name of the `ConfigMap`.
    pub config_map: String,
}

/// What a watch says.
enum Message {
    Targets(Result<Option<ConfigMap>, watcher::Error>),
    Pods(String, Result<Event<PartialObjectMeta<PodKind>>, watcher::Error>),
}

/// Watches until `token` is cancelled; `sender` gets each change of what is known, beginning with `known`.
///
/// An API server that is away or refuses changes nothing in what is known.
pub async fn run(settings: Settings, known: Known, sender: watch::Sender<View>, token: CancellationToken) {
    let client = loop {
        let error = match Client::try_default().await {
            Ok(client) => break client,
            Err(error) => error.to_string(),
        };
        tracing::warn!(
            error,
            "there is no way to the api server; what is known stays in effect"
        );
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    };
    let (messages, mut inbox) = mpsc::channel(QUEUE);
    let mut watches = Watches {
        client,
        messages,
        tasks: JoinSet::new(),
        node: settings.node.clone(),
        token: token.clone(),
    };
    watches.follow_targets(&settings);
    let mut book = Book::new(&settings, known);
    loop {
        for (namespace, space) in &mut book.spaces {
            if space.stop.is_none() {
                space.stop = Some(watches.follow_pods(namespace));
            }
        }
        let message = tokio::select! {
            biased;
            () = token.cancelled() => break,
            message = inbox.recv() => message,
        };
        let mut next = message;
        // A list comes as many messages; the view is made once they are all in.
        while let Some(message) = next.take() {
            book.take(message);
            next = inbox.try_recv().ok();
        }
        let view = book.view();
        sender.send_if_modified(|current| {
            let is_new = *current != view;
            *current = view;
            is_new
        });
        while watches.tasks.try_join_next().is_some() {}
    }
    watches.tasks.shutdown().await;
}

/// Kube's own pauses between attempts, not begun anew by the first word of an attempt that then fails.
#[derive(Default)]
struct Patience(watcher::DefaultBackoff);

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

impl Backoff for Patience {
    /// Does nothing: the pauses become short again by themselves after two quiet minutes.
    fn reset(&mut self) {}
}

/// The running watches.
struct Watches {
    client: Client,
    messages: mpsc::Sender<Message>,
    tasks: JoinSet<()>,
    node: String,
    token: CancellationToken,
}

impl Watches {
    fn follow_targets(&mut self, settings: &Settings) {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &settings.namespace);
        let stream = watch_object(api, &settings.config_map).backoff(Patience::default());
        self.forward(stream.map(Message::Targets), self.token.clone());
    }

    fn follow_pods(&mut self, namespace: &str) -> CancellationToken {
        let api: Api<PartialObjectMeta<PodKind>> = Api::namespaced(self.client.clone(), namespace);
        let of_node = watcher::Config::default()
            .fields(&format!("spec.nodeName={}", self.node))
            .any_semantic();
        let stream = watcher::watcher(api, of_node).backoff(Patience::default());
        let name = namespace.to_owned();
        let stop = self.token.child_token();
        self.forward(
            stream.map(move |event| Message::Pods(name.clone(), event)),
            stop.clone(),
        );
        stop
    }

    fn forward(&mut self, stream: impl Stream<Item = Message> + Send + 'static, stop: CancellationToken) {
        let messages = self.messages.clone();
        self.tasks.spawn(async move {
            let mut stream = Box::pin(stream);
            loop {
                let message = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    message = stream.next() => message,
                };
                let Some(message) = message else { return };
                if messages.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// What the messages add up to.
struct Book {
    /// `ConfigMap namespace/name`, for messages.
    place: String,
    targets: Vec<Target>,
    problem: Option<String>,
    /// Pods by namespace; exactly the namespaces of the targets.
    spaces: BTreeMap<String, Space>,
}

/// The pods of one namespace.
#[derive(Default)]
struct Space {
    /// By uid of the object.
    pods: BTreeMap<String, Pod>,
    /// A list that is coming in.
    incoming: Option<BTreeMap<String, Pod>>,
    blind: Option<String>,
    stop: Option<CancellationToken>,
}

impl Book {
    fn new(settings: &Settings, known: Known) -> Self {
        let Known { targets, pods } = known;
        let mut book = Self {
            place: format!("ConfigMap {}/{}", settings.namespace, settings.config_map),
            targets,
            problem: None,
            spaces: BTreeMap::new(),
        };
        book.arrange_spaces();
        for pod in pods {
            if let Some(space) = book.spaces.get_mut(&pod.namespace) {
                space.pods.insert(pod.uid.clone(), pod);
            }
        }
        book
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Targets(Ok(object)) => self.take_targets(object),
            Message::Targets(Err(error)) => {
                tracing::debug!(%error, "the targets cannot be watched; those in effect stay");
            }
            Message::Pods(namespace, event) => {
                // A watch that was stopped may still have had something to say.
                if let Some(space) = self.spaces.get_mut(&namespace) {
                    space.take(&namespace, event);
                }
            }
        }
    }

    fn take_targets(&mut self, object: Option<ConfigMap>) {
        let place = &self.place;
        let text = object.and_then(|object| object.data?.remove(KEY));
        let read = match &text {
            Some(text) => targets::parse(text).map_err(|problems| {
                let told: Vec<String> = problems
                    .iter()
                    .map(|problem| format!("{place}: {problem}"))
                    .collect();
                told.join("\n")
            }),
            None => Err(format!(
                "{place}: there is no key {KEY}; the operator writes it, look at its log"
            )),
        };
        match read {
            Ok(targets) => {
                self.problem = None;
                if targets != self.targets {
                    tracing::info!(targets = targets.len(), "targets are put into effect");
                    self.targets = targets;
                    self.arrange_spaces();
                }
            }
            Err(problem) => {
                if self.problem.as_ref() != Some(&problem) {
                    tracing::error!("targets are refused, those in effect stay: {problem}");
                }
                self.problem = Some(problem);
            }
        }
    }

    /// Begins with the namespaces that are new and forgets those that no target has any more.
    fn arrange_spaces(&mut self) {
        let wanted: BTreeSet<&String> = self.targets.iter().map(|target| &target.namespace).collect();
        self.spaces.retain(|namespace, space| {
            let is_wanted = wanted.contains(namespace);
            if let Some(stop) = space.stop.take_if(|_| !is_wanted) {
                stop.cancel();
            }
            is_wanted
        });
        for namespace in wanted {
            self.spaces.entry(namespace.clone()).or_default();
        }
    }

    fn view(&self) -> View {
        View {
            known: Known {
                targets: self.targets.clone(),
                pods: self
                    .spaces
                    .values()
                    .flat_map(|space| space.pods.values().cloned())
                    .collect(),
            },
            problem: self.problem.clone(),
            blind: self
                .spaces
                .iter()
                .filter_map(|(namespace, space)| Some((namespace.clone(), space.blind.clone()?)))
                .collect(),
        }
    }
}

impl Space {
    fn take(&mut self, namespace: &str, event: Result<Event<PartialObjectMeta<PodKind>>, watcher::Error>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.cannot_see(namespace, &error),
        };
        match event {
            Event::Init => self.incoming = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                if let Some(incoming) = &mut self.incoming {
                    put(incoming, object);
                }
            }
            Event::InitDone => {
                if let Some(pods) = self.incoming.take() {
                    self.pods = pods;
                }
                self.blind = None;
            }
            Event::Apply(object) => {
                put(&mut self.pods, object);
                self.blind = None;
            }
            Event::Delete(object) => {
                if let Some(uid) = &object.metadata.uid {
                    self.pods.remove(uid);
                }
            }
        }
    }

    fn cannot_see(&mut self, namespace: &str, error: &watcher::Error) {
        let cause = match error {
            watcher::Error::InitialListFailed(cause)
            | watcher::Error::WatchStartFailed(cause)
            | watcher::Error::WatchFailed(cause) => match cause {
                kube::Error::Api(status) => status.message.clone(),
                other => other.to_string(),
            },
            watcher::Error::WatchError(status) => status.message.clone(),
            watcher::Error::NoResourceVersion => error.to_string(),
        };
        // A watch that breaks off is taken up again at once; only what cannot be listed is not seen.
        if !matches!(error, watcher::Error::InitialListFailed(_)) {
            tracing::debug!(namespace, error = cause, "the watch of pods is taken up again");
            return;
        }
        if self.blind.is_none() {
            tracing::warn!(
                namespace,
                error = cause,
                "pods cannot be listed; those known are read on"
            );
        }
        self.blind = Some(format!("pods of namespace {namespace} cannot be listed: {cause}"));
    }
}

fn put(pods: &mut BTreeMap<String, Pod>, object: PartialObjectMeta<PodKind>) {
    let Some(uid) = object.metadata.uid.clone() else {
        return;
    };
    if pods.len() >= SOURCES && !pods.contains_key(&uid) {
        tracing::warn!(limit = SOURCES, "a pod is left out: too many on this node");
        return;
    }
    if let Some(pod) = Pod::of(object) {
        pods.insert(uid, pod);
    } else {
        tracing::warn!(uid, "a pod is left out: its names cannot be those of a folder");
    }
}

#[cfg(test)]
mod tests;
