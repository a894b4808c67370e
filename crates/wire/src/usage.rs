//! What bouncers and agents report about themselves. Upstream: `pkg/models/all_metrics.go`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::decode::go_struct;
use crate::json::{FromGo, Invalid, Mismatch, Path, Value, whole_or_float};

/// Body of `POST /v1/usage-metrics`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllMetrics {
    /// At most one, from an agent.
    pub log_processors: Vec<LogProcessor>,
    /// At most one, from a bouncer.
    pub remediation_components: Vec<RemediationComponent>,
}

go_struct!(AllMetrics, "AllMetrics", {
    log_processors "log_processors";
    remediation_components "remediation_components";
});

/// What both kinds report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Base {
    /// Features switched on.
    pub feature_flags: Vec<String>,
    /// One window each.
    pub metrics: Vec<Window>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<Os>,
    /// Unix seconds.
    pub utc_startup_timestamp: i64,
    /// Of the program.
    pub version: String,
}

go_struct!(Base, "BaseMetrics", {
    feature_flags "feature_flags";
    metrics "metrics";
    os "os";
    utc_startup_timestamp "utc_startup_timestamp" required;
    version "version" required at_most(255);
});

/// An operating system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Os {
    /// Family, `debian`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub family: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

go_struct!(Os, "OSversion", {
    family "family" at_most(255);
    name "name" required at_most(255);
    version "version" required at_most(255);
});

/// Counts over one window of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// The counts.
    pub items: Vec<Item>,
    /// The window.
    pub meta: WindowMeta,
}

go_struct!(Window, "DetailedMetrics", {
    items "items" required;
    meta "meta" required;
});

/// Length and end of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowMeta {
    /// Unix seconds of its end.
    pub utc_now_timestamp: i64,
    /// Seconds.
    pub window_size_seconds: i64,
}

go_struct!(WindowMeta, "MetricsMeta", {
    utc_now_timestamp "utc_now_timestamp" required;
    window_size_seconds "window_size_seconds" required;
});

/// One count.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// Whatever divides the count, `origin`, `ip_type`, …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// `dropped`, `processed`, `active_decisions`, …
    pub name: String,
    /// `request`, `byte`, `packet`, `ip`, …
    pub unit: String,
    /// The count.
    #[serde(serialize_with = "whole_or_float")]
    pub value: f64,
}

go_struct!(Item, "MetricsDetailItem", {
    labels "labels";
    name "name" required at_most(255);
    unit "unit" required at_most(255);
    value "value" required;
});

/// A bouncer's report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemediationComponent {
    /// What both kinds report.
    #[serde(flatten)]
    pub base: Base,
    /// Unix seconds of its last pull.
    pub last_pull: i64,
    /// Ignored: the row's name counts.
    pub name: String,
    /// Kind of bouncer; overwrites the row's.
    #[serde(rename = "type")]
    pub type_: String,
}

/// An agent's report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogProcessor {
    /// What both kinds report.
    #[serde(flatten)]
    pub base: Base,
    /// How many datasources of which type.
    pub datasources: BTreeMap<String, i64>,
    /// Installed items by type.
    pub hub_items: BTreeMap<String, Vec<HubItem>>,
    /// Unix seconds of its last push.
    pub last_push: i64,
    /// Unix seconds of its last update.
    pub last_update: i64,
    /// Ignored: the row's name counts.
    pub name: String,
}

/// An installed item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HubItem {
    /// `author/name`.
    pub name: String,
    /// `official`, `custom`, `tainted`.
    pub status: String,
    /// Version.
    pub version: String,
}

go_struct!(HubItem, "HubItem", {
    name "name";
    status "status";
    version "version";
});

/// Own members of the two reports; the common ones are read by upstream as a type of their own.
#[derive(Debug, Default)]
struct RemediationOwn {
    last_pull: i64,
    name: String,
    type_: String,
}

go_struct!(RemediationOwn, "", {
    last_pull "last_pull";
    name "name";
    type_ "type" at_most(255);
});

#[derive(Debug, Default)]
struct ProcessorOwn {
    datasources: BTreeMap<String, i64>,
    hub_items: BTreeMap<String, Vec<HubItem>>,
    last_push: i64,
    last_update: i64,
    name: String,
}

go_struct!(ProcessorOwn, "", {
    datasources "datasources" required;
    hub_items "hub_items" required;
    last_push "last_push";
    last_update "last_update";
    name "name";
});

fn check_parts<T: FromGo>(value: &Value<'_>, found: &mut Vec<Invalid>) {
    let mut base = Vec::new();
    Base::check(value, &mut base);
    if !base.is_empty() {
        found.push(Invalid::List(base));
    }
    T::check(value, found);
}

impl FromGo for RemediationComponent {
    fn go_type() -> String {
        "models.RemediationComponentsMetrics".to_owned()
    }
    fn element_type() -> String {
        "*models.RemediationComponentsMetrics".to_owned()
    }
    fn read(&mut self, value: &Value<'_>, _at: &Path<'_>) -> Result<(), Mismatch> {
        self.base.read(value, &Path::root("BaseMetrics"))?;
        let mut own = RemediationOwn::default();
        own.read(value, &Path::root(""))?;
        (self.last_pull, self.name, self.type_) = (own.last_pull, own.name, own.type_);
        Ok(())
    }
    fn check(value: &Value<'_>, found: &mut Vec<Invalid>) {
        check_parts::<RemediationOwn>(value, found);
    }
}

impl FromGo for LogProcessor {
    fn go_type() -> String {
        "models.LogProcessorsMetrics".to_owned()
    }
    fn element_type() -> String {
        "*models.LogProcessorsMetrics".to_owned()
    }
    fn read(&mut self, value: &Value<'_>, _at: &Path<'_>) -> Result<(), Mismatch> {
        self.base.read(value, &Path::root("BaseMetrics"))?;
        let mut own = ProcessorOwn::default();
        own.read(value, &Path::root(""))?;
        let ProcessorOwn {
            datasources,
            hub_items,
            last_push,
            last_update,
            name,
        } = own;
        (self.datasources, self.hub_items, self.name) = (datasources, hub_items, name);
        (self.last_push, self.last_update) = (last_push, last_update);
        Ok(())
    }
    fn check(value: &Value<'_>, found: &mut Vec<Invalid>) {
        check_parts::<ProcessorOwn>(value, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn check(body: &str, expected: &str) {
        let value = json::parse(body.as_bytes()).unwrap();
        let got = match json::decode_value::<AllMetrics>(&value) {
            Err(error) => error.to_string(),
            Ok(_) => json::invalid::<AllMetrics>(&value).unwrap_or_default(),
        };
        assert_eq!(got, expected, "for {body}");
    }

    #[test]
    fn refusals_carry_upstreams_texts() {
        check(
            r#"{"remediation_components":[{"version":"1","utc_startup_timestamp":1,"feature_flags":{}}]}"#,
            "json: cannot unmarshal object into Go struct field BaseMetrics.feature_flags of type []string",
        );
        check(
            r#"{"remediation_components":[{"version":"1","utc_startup_timestamp":1,"metrics":[{"items":{}}]}]}"#,
            "json: cannot unmarshal object into Go struct field BaseMetrics.metrics.0.items of type []*models.MetricsDetailItem",
        );
        check(
            r#"{"log_processors":null,"remediation_components":[{"type":"t","utc_startup_timestamp":1}]}"#,
            "validation failure list:\nremediation_components.0.version in body is required",
        );
        check(
            r#"{"log_processors":[{"version":"1"}]}"#,
            "validation failure list:\nlog_processors.0.utc_startup_timestamp in body is required\n\
             log_processors.0.datasources in body is required\nlog_processors.0.hub_items in body is required",
        );
        check(
            r#"{"remediation_components":[{"version":"1","utc_startup_timestamp":1,"metrics":[{"meta":{"utc_now_timestamp":1},"items":[]}]}]}"#,
            "validation failure list:\nremediation_components.0.metrics.0.meta.window_size_seconds in body is required",
        );
        check(
            r#"{"remediation_components":[{"version":"1","utc_startup_timestamp":1}]}"#,
            "",
        );
    }
}
