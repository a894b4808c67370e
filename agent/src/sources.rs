//! What each source has given so far, for the report to the Local API; clones share it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use pods::{Target, View};
use tokio::sync::Notify;

/// Most sources that are told apart; files of further ones are read all the same.
const LIMIT: usize = 1000;

/// Name of the source that stands for the file of targets itself, there only while something is wrong with it.
pub const FILE: &str = pods::targets::KEY;

/// What its type is.
const PODS: &str = "pods";

/// The sources of a running agent by name: a glob pattern, or a target as `namespace/name`.
#[derive(Debug, Clone, Default)]
pub struct Register(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    sources: Mutex<BTreeMap<String, Source>>,
    changed: Notify,
}

/// One source.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Label `type` of its lines.
    pub kind: String,
    /// Files open now.
    pub files: usize,
    /// Why nothing is found for it; empty when it is.
    pub error: String,
    /// Why a file of it cannot be opened; empty when all can.
    pub refused: String,
    /// Whether it comes from the targets of pods.
    pub is_target: bool,
    /// See [`Counts`].
    pub counts: Arc<Counts>,
}

/// Counts of the lines of one source.
#[derive(Debug, Default)]
pub struct Counts {
    read: AtomicU64,
    parsed: AtomicU64,
    /// Milliseconds since 1970; 0 before the first line.
    last: AtomicI64,
}

impl Counts {
    /// Counts a line that was read at `at`.
    pub fn line(&self, is_parsed: bool, at: Timestamp) {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.parsed.fetch_add(u64::from(is_parsed), Ordering::Relaxed);
        self.last.fetch_max(at.as_millisecond(), Ordering::Relaxed);
    }

    /// Returns how many lines were read, and how many of them parsed.
    pub fn lines(&self) -> (u64, u64) {
        (
            self.read.load(Ordering::Relaxed),
            self.parsed.load(Ordering::Relaxed),
        )
    }

    /// Returns when the last line was read.
    pub fn last(&self) -> Option<Timestamp> {
        let last = self.last.load(Ordering::Relaxed);
        Timestamp::from_millisecond(last).ok().filter(|_| last != 0)
    }
}

impl Register {
    /// Makes sure that there is a source of this name, and returns its counts.
    pub fn begin(&self, name: &str, kind: &str) -> Arc<Counts> {
        let mut sources = self.lock();
        if sources.len() >= LIMIT && !sources.contains_key(name) {
            return Arc::default();
        }
        let source = sources.entry(name.to_owned()).or_default();
        if source.kind != kind {
            kind.clone_into(&mut source.kind);
            self.0.changed.notify_one();
        }
        Arc::clone(&source.counts)
    }

    /// Says how many files of which source are open; those not named have none.
    pub fn set_files(&self, files: &BTreeMap<String, usize>) {
        self.change(|name, source| source.files = files.get(name).copied().unwrap_or_default());
    }

    /// Says which sources have files that cannot be opened, and why; the others have none.
    pub fn set_refused(&self, refused: &BTreeMap<String, String>) {
        self.change(|name, source| source.refused = refused.get(name).cloned().unwrap_or_default());
    }

    /// Has exactly the targets of a view beside the sources that are no targets, with what is wrong with them.
    pub fn arrange_targets(&self, view: &View) {
        let View {
            known,
            problem,
            blind,
        } = view;
        let wanted: BTreeSet<String> = known.targets.iter().map(Target::id).collect();
        self.lock()
            .retain(|name, source| !source.is_target || wanted.contains(name));
        for target in &known.targets {
            let kind = target.labels.get("type").map_or("", String::as_str);
            self.begin(&target.id(), kind);
        }
        if problem.is_some() {
            self.begin(FILE, PODS);
        }
        let namespaces: BTreeMap<String, &str> = known
            .targets
            .iter()
            .filter_map(|target| Some((target.id(), blind.get(&target.namespace)?.as_str())))
            .collect();
        self.change(|name, source| {
            if wanted.contains(name) {
                source.is_target = true;
                source.error = namespaces
                    .get(name)
                    .map_or_else(String::new, |why| (*why).to_owned());
            } else if name == FILE {
                source.is_target = true;
                source.error = problem.clone().unwrap_or_default();
            }
        });
        self.0.changed.notify_one();
    }

    /// Returns all sources by name.
    pub fn all(&self) -> BTreeMap<String, Source> {
        self.lock().clone()
    }

    /// Returns once something else than a count changed.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn change(&self, mut apply: impl FnMut(&str, &mut Source)) {
        let mut is_changed = false;
        for (name, source) in self.lock().iter_mut() {
            let state = |source: &Source| (source.files, source.error.clone(), source.refused.clone());
            let before = state(source);
            apply(name, source);
            is_changed |= before != state(source);
        }
        if is_changed {
            self.0.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Source>> {
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outlive_a_change_of_type_and_end_with_the_target() {
        let register = Register::default();
        let at = Timestamp::from_second(7).unwrap();
        let text = "targets:\n- {name: b, namespace: a, selector: {}, labels: {type: caddy}}\n";
        let mut view = View::default();
        view.known.targets = pods::targets::parse(text).unwrap();
        register.begin("a/b", "nginx").line(true, at);
        register.begin("/var/log/x", "syslog");
        view.blind.insert("a".to_owned(), "forbidden".to_owned());
        view.problem = Some("targets.yaml:3: no".to_owned());
        register.arrange_targets(&view);
        register.begin("a/b", "caddy").line(false, at);
        register.set_files(&BTreeMap::from([("a/b".to_owned(), 3)]));
        let all = register.all();
        let source = &all["a/b"];
        assert_eq!(
            (source.kind.as_str(), source.counts.lines(), source.files),
            ("caddy", (2, 1), 3)
        );
        assert_eq!(
            (source.counts.last(), all["/var/log/x"].counts.last()),
            (Some(at), None)
        );
        assert_eq!(
            (source.error.as_str(), all[FILE].error.as_str()),
            ("forbidden", "targets.yaml:3: no")
        );
        register.arrange_targets(&View::default());
        assert_eq!(register.all().into_keys().collect::<Vec<_>>(), ["/var/log/x"]);
    }
}
