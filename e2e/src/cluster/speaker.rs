//! A pod that prints prepared lines and ends: the log of a program without the program.

use anyhow::Result;

use super::images::PROBE;
use super::namespace::Namespace;
use crate::process::run_with_input;

/// Missing pages that one address asks for, as nginx logs them: one more than `starter/http-probing` lets pass.
pub fn attack(address: &str) -> String {
    (1..=11)
        .map(|number| request(address, &format!("/admin/{number}.php")))
        .collect()
}

/// One request for a page that is not there, as nginx logs it.
pub fn request(address: &str, path: &str) -> String {
    format!("{address} - - [25/Nov/2026:05:00:00 +0000] \"GET {path} HTTP/1.1\" 404 153 \"-\" \"curl/8.0\"\n")
}

/// Starts a pod with labels whose containers (name, lines) print their lines, each once.
pub fn speak(
    namespace: &Namespace<'_>,
    name: &str,
    labels: &[(&str, &str)],
    containers: &[(&str, &str)],
) -> Result<()> {
    let mut data = serde_json::Map::new();
    let mut list = Vec::new();
    for (container, lines) in containers {
        data.insert((*container).to_owned(), (*lines).into());
        list.push(serde_json::json!({
            "name": container,
            "image": PROBE,
            "imagePullPolicy": "IfNotPresent",
            "args": ["cat", format!("/lines/{container}")],
            "securityContext": {
                "readOnlyRootFilesystem": true,
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "lines", "mountPath": "/lines", "readOnly": true}],
        }));
    }
    let labels: serde_json::Map<String, serde_json::Value> = labels
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    let lines = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data,
    });
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
        "spec": {
            "automountServiceAccountToken": false,
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": list,
            "volumes": [{"name": "lines", "configMap": {"name": name}}],
        },
    });
    // `apply` would keep the lines in an annotation too, which holds less than they may be.
    run_with_input(
        namespace.kubectl_command(&["create", "-f", "-"]),
        &format!("{lines}\n---\n{pod}\n"),
    )
    .map(drop)
}
