//! The pages for users are true: their commands are run as they stand there, in their order.

use std::time::Duration;

use e2e::binary::workspace_dir;
use e2e::cluster::Cluster;
use e2e::cluster::namespace::Namespace;

use crate::fixture::{Alone, READY};

/// What an uninstallation leaves.
const STAYS: [&str; 3] = [
    "persistentvolumeclaim/main-lapi-data",
    "secret/main-lapi",
    "secret/nodes-agent",
];
/// Where the pages put everything.
const HOME: &str = "crowdsec";

#[test]
fn the_page_on_installing_works_as_written_with_helm() {
    let alone = Alone::take();
    let install = Page::read("docs/install.md");
    for line in Page::read("README.md").block("helm install").lines() {
        assert!(
            install.0.contains(line),
            "the README says otherwise than docs/install.md: {line}"
        );
    }
    let user = User::begins(&alone.cluster);

    user.types(install.block("helm install"));
    let home = user.finds_the_operator();
    user.types(install.block("minimal.yaml"));
    is_ready(&home);

    let troubleshooting = Page::read("docs/troubleshooting.md");
    for block in troubleshooting.blocks() {
        user.types(block);
    }
    let explained = user.types(troubleshooting.block("cscli explain"));
    assert!(explained.contains("traefik"), "{explained}");

    user.types(install.block("helm upgrade"));
    is_ready(&home);
    user.types(install.block("helm uninstall"));
    is_gone(&home);
}

#[test]
fn the_page_on_installing_works_as_written_without_helm() {
    let alone = Alone::take();
    let install = Page::read("docs/install.md");
    let user = User::begins(&alone.cluster);

    let first = install.block("kubectl create namespace");
    user.types(first);
    let home = user.finds_the_operator();
    user.types(install.block("minimal.yaml"));
    is_ready(&home);

    let again = install
        .block("helm upgrade")
        .split("# or: ")
        .nth(1)
        .unwrap()
        .trim();
    assert!(first.contains(again), "{again}");
    user.types(again);
    is_ready(&home);
    user.types(install.block("kubectl delete"));
    is_gone(&home);
}

/// A user at a shell, in the folder of the repository.
struct User<'a>(&'a Cluster);

impl<'a> User<'a> {
    /// Nothing of an earlier case is left.
    fn begins(cluster: &'a Cluster) -> Self {
        Namespace::remove(cluster, HOME).unwrap();
        User(cluster)
    }

    fn types(&self, commands: &str) -> String {
        self.0.script(commands).unwrap()
    }

    /// Waits for the operator; its namespace goes when this is dropped.
    fn finds_the_operator(&self) -> Namespace<'a> {
        let home = Namespace::taken(self.0, HOME);
        home.rolled_out("deployment/crowdsec-operator", Duration::from_secs(90))
            .unwrap();
        home
    }
}

fn is_ready(home: &Namespace<'_>) {
    for object in ["securityengine/main", "logprocessor/nodes"] {
        home.wait_condition(object, "Ready", "True", READY).unwrap();
    }
}

/// What the page says that stays, and nothing else; owned objects go a moment after their owners.
fn is_gone(home: &Namespace<'_>) {
    assert!(!home.cluster().serves("securityengines.crowdsec-operator.dev"));
    let kinds =
        "deployments,daemonsets,jobs,services,configmaps,secrets,pvc,networkpolicies,roles,serviceaccounts";
    let mut left = String::new();
    let outcome = home
        .cluster()
        .wait_for("all the rest to go", Duration::from_secs(60), || {
            left = home.kubectl(&["get", kinds, "-o", "name"])?;
            let mut left: Vec<&str> = left
                .lines()
                .filter(|name| !["configmap/kube-root-ca.crt", "serviceaccount/default"].contains(name))
                .collect();
            left.sort_unstable();
            Ok((left == STAYS).then_some(()))
        });
    assert!(outcome.is_ok(), "{left}");
}

/// A page for users.
struct Page(String);

impl Page {
    fn read(path: &str) -> Page {
        Page(std::fs::read_to_string(workspace_dir().unwrap().join(path)).unwrap())
    }

    /// The texts of its `sh` blocks.
    fn blocks(&self) -> impl Iterator<Item = &str> {
        self.0
            .split("```sh\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
    }

    /// The first block with this text.
    fn block(&self, text: &str) -> &str {
        let found = self.blocks().find(|block| block.contains(text));
        assert!(found.is_some(), "no block has {text:?}");
        found.unwrap()
    }
}
