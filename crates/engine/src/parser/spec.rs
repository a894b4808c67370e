//! A parser or post-overflow document as written; keys are upstream's, others are refused (`pkg/parser/node.go`).

use indexmap::IndexMap;
use serde::Deserialize;

use crate::data::DataEntry;

/// A node: a whole document, or an element of `nodes`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NodeSpec {
    pub(crate) format: String,
    #[serde(rename = "debug")]
    pub(crate) _debug: bool,
    #[serde(rename = "profiling")]
    pub(crate) _profiling: bool,
    pub(crate) name: String,
    pub(crate) author: String,
    pub(crate) description: String,
    #[serde(rename = "references")]
    pub(crate) _references: Vec<String>,
    #[serde(rename = "stage")]
    pub(crate) _stage: String,
    pub(crate) onsuccess: String,
    pub(crate) filter: String,
    pub(crate) nodes: Vec<NodeSpec>,
    pub(crate) pattern_syntax: IndexMap<String, String>,
    pub(crate) grok: GrokSpec,
    pub(crate) statics: Vec<StaticSpec>,
    pub(crate) stash: Vec<StashSpec>,
    pub(crate) whitelist: WhitelistSpec,
    pub(crate) data: Vec<DataEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GrokSpec {
    pub(crate) apply_on: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) expression: String,
    pub(crate) statics: Vec<StaticSpec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StaticSpec {
    pub(crate) target: String,
    pub(crate) parsed: String,
    pub(crate) meta: String,
    pub(crate) enriched: String,
    pub(crate) value: String,
    pub(crate) expression: String,
    pub(crate) method: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WhitelistSpec {
    pub(crate) reason: String,
    pub(crate) ip: Vec<String>,
    pub(crate) cidr: Vec<String>,
    pub(crate) expression: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StashSpec {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) ttl: String,
    pub(crate) size: Option<i64>,
    pub(crate) strategy: String,
}

impl GrokSpec {
    pub(crate) fn is_empty(&self) -> bool {
        let texts = [&self.apply_on, &self.name, &self.pattern, &self.expression];
        texts.iter().all(|text| text.is_empty()) && self.statics.is_empty()
    }
}

impl WhitelistSpec {
    pub(crate) fn is_empty(&self) -> bool {
        self.ip.is_empty() && self.cidr.is_empty() && self.expression.is_empty()
    }
}
