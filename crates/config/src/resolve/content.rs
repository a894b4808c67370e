//! The small files beside `config.yaml`.

use std::time::Duration;

use crate::expand::Env;
use crate::raw;
use crate::resolve::{Findings, count};
use crate::resolved::content::{Console, Feature, Features, Notification, Simulation};

/// Upstream: `csplugin`, how long a plugin may take to send.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Upstream: `fflag`, the prefix of the environment.
const FEATURE_PREFIX: &str = "CROWDSEC_FEATURE_";

pub(crate) fn simulation(raw: raw::Simulation) -> Simulation {
    Simulation {
        on: raw.simulation.unwrap_or(false),
        exclusions: raw.exclusions.unwrap_or_default().into_iter().collect(),
    }
}

pub(crate) fn console(raw: &raw::Console) -> Console {
    let default = Console::default();
    Console {
        share_manual_decisions: raw
            .share_manual_decisions
            .unwrap_or(default.share_manual_decisions),
        share_tainted: raw.share_tainted.unwrap_or(default.share_tainted),
        share_custom: raw.share_custom.unwrap_or(default.share_custom),
        console_management: raw.console_management.unwrap_or(default.console_management),
        share_context: raw.share_context.unwrap_or(default.share_context),
    }
}

pub(crate) fn notification(
    raw: raw::Notification,
    text: String,
    line: usize,
    found: &mut Findings<'_>,
) -> Option<Notification> {
    let kind = raw.r#type.filter(|kind| !kind.is_empty());
    if kind.is_none() {
        found.problem(
            "type",
            "missing field 'type'",
            "name the plugin, for example type: http",
        );
    }
    Some(Notification {
        kind: kind?,
        name: raw.name.unwrap_or_default(),
        format: raw.format.unwrap_or_default(),
        group_wait: found.duration("group_wait", raw.group_wait.as_deref()),
        group_threshold: count(raw.group_threshold, 0),
        max_retry: count(raw.max_retry, 0),
        timeout: found
            .duration("timeout", raw.timeout.as_deref())
            .unwrap_or(TIMEOUT),
        text,
        file: found.file.to_owned(),
        line,
    })
}

/// Merges `feature.yaml` and the environment; unknown names are ignored with a sentence.
pub(crate) fn features(listed: &[String], env: &Env) -> Features {
    let mut features = Features::default();
    for name in listed {
        add(&mut features, name, true, &format!("feature flag '{name}'"));
    }
    for (variable, value) in env {
        let Some(name) = variable.strip_prefix(FEATURE_PREFIX) else {
            continue;
        };
        let on = match value.as_str() {
            "true" => true,
            "false" => false,
            _ => {
                features.ignored.push(format!(
                    "Ignored envvar {variable}={value}: invalid value (must be 'true' or 'false')"
                ));
                continue;
            }
        };
        add(
            &mut features,
            &name.to_ascii_lowercase(),
            on,
            &format!("envvar '{variable}'"),
        );
    }
    features
}

fn add(features: &mut Features, name: &str, on: bool, origin: &str) {
    let feature = match name {
        "disable_http_retry_backoff" => Feature::DisableHttpRetryBackoff,
        "pprof_block_profile" => Feature::PprofBlockProfile,
        "re2_grok_support" => Feature::Re2Grok,
        "re2_disable_grok_support" => Feature::Re2DisableGrok,
        "re2_regexp_in_file_support" => Feature::Re2RegexpInFile,
        "chunked_decisions_stream" | "papi_client" => {
            features
                .ignored
                .push(format!("Ignored {origin}: the feature is always on"));
            return;
        }
        _ => {
            features
                .ignored
                .push(format!("Ignored {origin}: unknown feature"));
            return;
        }
    };
    if on {
        features.enabled.insert(feature);
    } else {
        features.enabled.remove(&feature);
    }
}
