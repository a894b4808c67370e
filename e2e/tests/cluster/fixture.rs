//! What most cases start from: the operator from the chart, and an engine with agents in a namespace of the case.

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use e2e::binary::workspace_dir;
use e2e::cluster::namespace::Namespace;
use e2e::cluster::{Cluster, images};

/// Namespace of the operator and name of its release.
pub(crate) const OPERATOR: &str = "crowdsec-operator";
/// How long a case waits for a resource to be Ready; one case alone holds the operator to its minute.
pub(crate) const READY: Duration = Duration::from_secs(120);

/// A bouncer with a Service that ingress controllers ask.
pub(crate) const FORWARD_AUTH: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: edge}
spec: {engineRef: {name: main}, integration: {type: ForwardAuth}}
";

/// Cases share one operator; those that install and uninstall it are alone.
static TURN: RwLock<()> = RwLock::new(());
static INSTALL: Mutex<()> = Mutex::new(());

/// A cluster with the operator in it, until the case ends.
pub(crate) struct Operated {
    pub(crate) cluster: Cluster,
    _turn: RwLockReadGuard<'static, ()>,
}

impl Operated {
    /// Installs the operator unless another case did.
    pub(crate) fn shared() -> Operated {
        let turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
        let cluster = Cluster::running().unwrap();
        let _one = INSTALL.lock().unwrap_or_else(PoisonError::into_inner);
        if cluster.helm(&["status", "-n", OPERATOR, OPERATOR]).is_err() {
            install(&cluster, OPERATOR, &[]);
        }
        Operated { cluster, _turn: turn }
    }
}

/// A cluster without an operator, for one case alone.
pub(crate) struct Alone {
    pub(crate) cluster: Cluster,
    _turn: RwLockWriteGuard<'static, ()>,
}

impl Alone {
    /// Removes the shared operator; the next case that needs it installs it anew.
    pub(crate) fn take() -> Alone {
        let turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
        let cluster = Cluster::running().unwrap();
        if cluster.helm(&["status", "-n", OPERATOR, OPERATOR]).is_ok() {
            uninstall(&cluster, OPERATOR);
        }
        Alone { cluster, _turn: turn }
    }
}

/// Installs the chart with our image into a namespace of the release's name.
pub(crate) fn install(cluster: &Cluster, release: &str, settings: &[&str]) {
    let chart = workspace_dir().unwrap().join("charts/crowdsec-operator");
    let (repository, tag) = images::OURS;
    let image = format!("image.repository={repository},image.tag={tag}");
    let chart = chart.to_string_lossy().into_owned();
    let mut words = vec!["install", release, &chart, "-n", release, "--create-namespace"];
    words.extend(["--set", &image, "--wait", "--timeout", "120s"]);
    words.extend(settings);
    let outcome = cluster.helm(&words);
    assert!(
        outcome.is_ok(),
        "{:#}\n{}",
        outcome.unwrap_err(),
        cluster.dump(&[release])
    );
}

/// Uninstalls a release and its namespace.
pub(crate) fn uninstall(cluster: &Cluster, release: &str) {
    cluster
        .helm(&["uninstall", release, "-n", release, "--wait", "--timeout", "180s"])
        .unwrap();
    cluster
        .kubectl(&["delete", "namespace", release, "--timeout=60s"])
        .unwrap();
}

/// An engine `main` with agents `nodes`, in a namespace that admits the agents.
pub(crate) struct Engine<'a> {
    pub(crate) namespace: Namespace<'a>,
}

impl<'a> Engine<'a> {
    /// Applies both and waits until they are Ready. The agents read what Acquisitions of the same namespace select.
    pub(crate) fn start(operated: &'a Operated, prefix: &str) -> Engine<'a> {
        let engine = Engine::empty(&operated.cluster, prefix);
        engine.namespace.apply(&engine.resources()).unwrap();
        for object in ["securityengine/main", "logprocessor/nodes"] {
            engine
                .namespace
                .wait_condition(object, "Ready", "True", READY)
                .unwrap();
        }
        engine
    }

    /// The namespace alone.
    pub(crate) fn empty(cluster: &'a Cluster, prefix: &str) -> Engine<'a> {
        let labels = ["pod-security.kubernetes.io/enforce=privileged"];
        Engine {
            namespace: Namespace::create(cluster, prefix, &labels).unwrap(),
        }
    }

    /// The two resources; other namespaces' Acquisitions are left to other cases.
    pub(crate) fn resources(&self) -> String {
        format!(
            "apiVersion: crowdsec-operator.dev/v1alpha1
kind: SecurityEngine
metadata: {{name: main}}
spec: {{}}
---
apiVersion: crowdsec-operator.dev/v1alpha1
kind: LogProcessor
metadata: {{name: nodes}}
spec:
  engineRef: {{name: main}}
  acquisitionNamespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {}}}}}
",
            self.namespace.name()
        )
    }

    /// Kills the Local API, whose pod gets no time to end.
    pub(crate) fn kill_local_api(&self) {
        let selector = "app.kubernetes.io/instance=main,app.kubernetes.io/component=lapi";
        self.namespace
            .kubectl(&["delete", "pod", "-l", selector, "--grace-period=0", "--force"])
            .unwrap();
    }

    /// Runs `cscli` in the Local API's pod.
    pub(crate) fn cscli(&self, arguments: &[&str]) -> String {
        self.try_cscli(arguments).unwrap()
    }

    /// The same for a question that is asked again: `kubectl exec` loses its connection now and then under load.
    pub(crate) fn try_cscli(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut program = vec!["cscli"];
        program.extend(arguments);
        self.namespace.exec(&["deploy/main-lapi"], &program)
    }

    /// Names in a list that `cscli` prints as JSON.
    pub(crate) fn names(&self, what: &str, key: &str) -> Vec<String> {
        let text = self.cscli(&[what, "list", "-o", "json"]);
        let list: serde_json::Value = serde_json::from_str(&text).unwrap();
        list.as_array()
            .into_iter()
            .flatten()
            .filter_map(|row| row[key].as_str().map(str::to_owned))
            .collect()
    }

    /// Address of the Local API.
    pub(crate) fn api(&self) -> String {
        format!("main-lapi.{}.svc:8080", self.namespace.name())
    }
}
