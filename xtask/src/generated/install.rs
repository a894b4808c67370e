//! `manifests/install.yaml`: what the chart renders with its defaults, without anything that only Helm understands.

use serde_json::Value;

use super::{Generated, chart};

const PATH: &str = "manifests/install.yaml";

const HEAD: &str = "\
# The operator without Helm; generated from the chart by `make gen`.
#   kubectl create namespace crowdsec
#   kubectl apply --server-side -f install.yaml
# To remove it: kubectl delete crowdsec --all -A, then kubectl delete -f install.yaml (docs/install.md).
";

/// The file, where Helm is to be had.
pub(super) fn file() -> Option<Generated> {
    let mut text = HEAD.to_owned();
    for mut object in chart::render("crowdsec-operator", "crowdsec", &[])? {
        if chart::is_hook(&object) {
            continue;
        }
        forget_helm(&mut object);
        text.push_str("---\n");
        text.push_str(&golang::yaml::to_string(&object).unwrap());
    }
    Some(Generated::new(PATH, text))
}

/// Takes away the labels by which Helm knows its objects, in pod templates too.
fn forget_helm(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                !key.starts_with("helm.sh/") && (key != "app.kubernetes.io/managed-by" || value != "Helm")
            });
            map.values_mut().for_each(forget_helm);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_helm),
        _ => {}
    }
}
