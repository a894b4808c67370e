//! Which machines the Local API should know: one for each node that has an agent, none for a node that is gone.

use std::collections::BTreeSet;

use client::admin::Client;
use k8s_openapi::api::core::v1::Pod;
use wire::admin::PutMachine;

use crate::labels::Owner;
use crate::log_processor::observe::Machines;
use crate::names;

/// Cost of the hash of a password that is 256 random bits: nobody can guess it, so nothing is won by slowness, and a
/// thousand agents that log in at once after a restart of the Local API would have to wait for it.
const COST: u32 = 4;

/// What is to be done, by login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Machines that are made or get their password anew.
    pub put: Vec<String>,
    /// Machines of nodes that are gone.
    pub delete: Vec<String>,
}

/// Why a machine is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Local API did not do what it was asked for.
    #[error("machine {login}")]
    LocalApi {
        /// Which machine.
        login: String,
        /// What it said.
        #[source]
        cause: client::Error,
    },
    /// A password cannot be hashed.
    #[error("hashing the password of {login}")]
    Hash {
        /// Which machine.
        login: String,
        /// Why.
        #[source]
        cause: bcrypt::BcryptError,
    },
}

/// Returns what is to be done. Without knowledge of the nodes nothing is deleted.
pub fn plan(owner: &Owner, machines: &Machines) -> Plan {
    let login = |node: &String| names::machine(&owner.namespace, &owner.name, node);
    let prefix = login(&String::new());
    let put = machines
        .agents
        .iter()
        .filter(|node| machines.nodes.as_ref().is_none_or(|nodes| nodes.contains(*node)))
        .map(login)
        .filter(|login| machines.renew || !machines.known.contains(login))
        .collect();
    let is_gone = |known: &&String| {
        known
            .strip_prefix(&prefix)
            .is_some_and(|node| machines.nodes.as_ref().is_some_and(|nodes| !nodes.contains(node)))
    };
    Plan {
        put,
        delete: machines.known.iter().filter(is_gone).cloned().collect(),
    }
}

/// Carries a plan out; a machine may not delete decisions, agents have no need to.
pub async fn register(client: &Client, key: &str, plan: &Plan) -> Result<(), Error> {
    for login in &plan.put {
        let password = wire::machine::password(key, login);
        let hash = bcrypt::hash(password, COST).map_err(|cause| Error::Hash {
            login: login.clone(),
            cause,
        })?;
        let wanted = PutMachine {
            password_bcrypt: hash,
            may_delete_decisions: false,
        };
        let put = client.put_machine(login, &wanted).await;
        put.map_err(|cause| failed(login, cause))?;
        tracing::info!(machine.id = login, "a machine was registered");
    }
    delete(client, &plan.delete).await
}

/// Deletes machines; those that are gone already are fine.
pub async fn delete(client: &Client, logins: &[String]) -> Result<(), Error> {
    for login in logins {
        let deleted = client.delete_machine(login).await;
        deleted.map_err(|cause| failed(login, cause))?;
        tracing::info!(machine.id = login, "a machine was removed");
    }
    Ok(())
}

fn failed(login: &str, cause: client::Error) -> Error {
    Error::LocalApi {
        login: login.to_owned(),
        cause,
    }
}

/// Returns the nodes of agents' pods, also of those that end: another follows them. A DaemonSet's pod names its node
/// before the scheduler has bound it.
pub fn nodes_of(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().filter_map(node_of).collect()
}

fn node_of(pod: &Pod) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    if let Some(node) = &spec.node_name {
        return Some(node.clone());
    }
    let affinity = spec.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity
        .required_during_scheduling_ignored_during_execution
        .as_ref()?;
    required
        .node_selector_terms
        .iter()
        .flat_map(|term| term.match_fields.iter().flatten())
        .find(|field| field.key == "metadata.name")
        .and_then(|field| field.values.as_ref()?.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_processor::fixtures::{owner, pod};

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    fn machines() -> Machines {
        Machines {
            agents: set(&["a", "b"]),
            nodes: Some(set(&["a", "b", "c"])),
            known: set(&["cscli", "watch:nodes:a", "watch:nodes:b", "watch:nodes2:x"]),
            renew: false,
        }
    }

    #[test]
    fn nothing_is_done_when_every_agent_is_known() {
        assert_eq!(plan(&owner(), &machines()), Plan::default());
    }

    #[test]
    fn a_new_node_is_registered_and_a_gone_one_removed() {
        let mut machines = machines();
        machines.known.remove("watch:nodes:b");
        machines.known.insert("watch:nodes:gone".into());
        // The pod of a node that is gone stays a while.
        machines.agents.insert("gone".into());
        machines.known.insert("watch:nodes:c".into());
        let plan = plan(&owner(), &machines);
        assert_eq!(plan.put, ["watch:nodes:b"]);
        // c has no agent any more, but its node is still there.
        assert_eq!(plan.delete, ["watch:nodes:gone"]);
    }

    #[test]
    fn without_knowledge_of_the_nodes_no_machine_is_removed() {
        let machines = Machines {
            nodes: None,
            known: set(&["watch:nodes:gone"]),
            ..machines()
        };
        assert_eq!(plan(&owner(), &machines).delete, [""; 0]);
    }

    #[test]
    fn a_new_key_registers_every_machine_again() {
        let machines = Machines {
            renew: true,
            ..machines()
        };
        assert_eq!(plan(&owner(), &machines).put, ["watch:nodes:a", "watch:nodes:b"]);
    }

    #[test]
    fn a_pod_names_its_node_before_it_is_bound() {
        let pods = [
            pod("{nodeName: a}", "{}"),
            pod(
                "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [b]}]}]}}}}",
                "{}",
            ),
            pod("{}", "{}"),
        ];
        assert_eq!(nodes_of(&pods), set(&["a", "b"]));
    }
}
