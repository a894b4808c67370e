//! A second bouncer that nobody here wrote: Debian's firewall bouncer in the network namespace of the web pod.

use anyhow::{Result, ensure};
use e2e::cluster::images::FIREWALL_BOUNCER;
use e2e::cluster::outside::Host;
use e2e::wait::PATIENCE;

use super::clients::{ATTACKER, VISITOR};
use super::stage::Stage;
use super::{SHOP, narrate};

const NODE_PORT: u16 = 30081;

/// A key for it, and a way to the web pod that keeps the client's address.
const RESOURCES: &str = "apiVersion: crowdsec-operator.dev/v1alpha1
kind: Bouncer
metadata: {name: firewall, namespace: shop}
spec: {engineRef: {name: main, namespace: crowdsec}}
---
apiVersion: v1
kind: Service
metadata: {name: web-direct, namespace: shop}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {app.kubernetes.io/name: web}
  ports: [{name: web, port: 80, targetPort: web, nodePort: 30081}]
";

/// Puts the bouncer beside nginx and shows that packets of the attacker alone are dropped.
pub(super) fn play(stage: &Stage<'_>) -> Result<()> {
    narrate::chapter("A bouncer that nobody here wrote: Debian's crowdsec-firewall-bouncer, by packets");
    let Some(own) = stage.cluster.own() else {
        narrate::step(
            "left out: it needs a client with an address of its own, which only our own cluster has",
        );
        return Ok(());
    };
    stage.cluster.apply(RESOURCES)?;
    stage.kubectl(&[
        "wait",
        "-n",
        SHOP,
        "bouncer/firewall",
        "--for=condition=Ready",
        "--timeout=60s",
    ])?;
    narrate::step("Bouncer shop/firewall is Ready: its key stands in Secret shop/firewall-bouncer");
    let label = "pod-security.kubernetes.io/enforce=privileged";
    stage.kubectl(&["label", "--overwrite", "namespace", SHOP, label])?;
    stage.cluster.apply(&config(&key(stage)?))?;
    let sidecar = SIDECAR.replace("@IMAGE@", FIREWALL_BOUNCER);
    stage.kubectl(&["patch", "-n", SHOP, "deployment/web", "--patch", &sidecar])?;
    stage.kubectl(&["rollout", "status", "-n", SHOP, "deployment/web", "--timeout=90s"])?;
    let url = format!("http://198.51.100.1:{NODE_PORT}/");
    let (attacker, visitor) = (Host::new(own, ATTACKER)?, Host::new(own, VISITOR)?);
    stage
        .cluster
        .wait_for("the firewall to drop the attacker's packets", PATIENCE, || {
            let answers = (attacker.get(&url, &[])?, visitor.get(&url, &[])?);
            Ok((answers == ("no connection".to_owned(), "200".to_owned())).then_some(()))
        })?;
    narrate::step("straight to the web pod: visitor 200, attacker: no connection");
    Ok(())
}

/// The key that the operator made.
fn key(stage: &Stage<'_>) -> Result<String> {
    let text = stage.kubectl(&[
        "get",
        "-n",
        SHOP,
        "secret/firewall-bouncer",
        "-o",
        "go-template={{index .data \"api-key\" | base64decode}}",
    ])?;
    ensure!(
        !text.trim().is_empty(),
        "Secret firewall-bouncer holds no api-key"
    );
    Ok(text.trim().to_owned())
}

fn config(key: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: firewall-config, namespace: {SHOP}}}
stringData:
  firewall.yaml: |
    mode: nftables
    pid_dir: /tmp
    update_frequency: 1s
    log_mode: stdout
    log_level: info
    api_url: http://main-lapi.crowdsec.svc:8080/
    api_key: {key}
    deny_action: DROP
    supported_decisions_types: [ban]
    nftables:
      ipv4: {{enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain}}
      ipv6: {{enabled: false}}
    prometheus: {{enabled: false, listen_addr: 127.0.0.1, listen_port: 60601}}
"
    )
}

/// It changes the pod's packet filter, so it alone is root and may administer the pod's network.
const SIDECAR: &str = r#"{"spec": {"template": {"spec": {
  "containers": [{
    "name": "firewall",
    "image": "@IMAGE@",
    "imagePullPolicy": "IfNotPresent",
    "args": ["-c", "/bouncer/firewall.yaml"],
    "securityContext": {"runAsNonRoot": false, "runAsUser": 0, "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
    "volumeMounts": [{"name": "bouncer", "mountPath": "/bouncer", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}]
  }],
  "volumes": [{"name": "bouncer", "secret": {"secretName": "firewall-config"}}]
}}}}"#;
