//! What a bouncer asks for: the parameters of `GET /v1/decisions` and of the stream.
//!
//! Upstream: `pkg/database/decisionfilter.go`. Unknown parameters are ignored.

use std::sync::Arc;

use wire::range::Range;
use wire::scope;

use super::record::Record;
use crate::api::query::{Query, parse_bool};

/// A parsed filter; the default passes everything that is not simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// An address or network, and whether decisions must contain it (or lie within it).
    pub range: Option<(Range, bool)>,
    /// Lists of scopes of which each must hold the decision's.
    pub scopes: Vec<Vec<String>>,
    /// Exact value.
    pub value: Option<String>,
    /// Exact type.
    pub kind: Option<String>,
    /// Origins, exact.
    pub origins: Option<Vec<String>>,
    /// Lower-case parts of which the scenario must contain one.
    pub scenarios_with: Option<Vec<String>>,
    /// Lower-case parts of which the scenario may contain none.
    pub scenarios_without: Option<Vec<String>>,
    /// Whether simulated decisions pass.
    pub simulated: bool,
    /// Whether only the longest decision on a subject is told (stream only).
    pub dedup: bool,
    limit: Option<usize>,
    offset: usize,
    after: Option<i64>,
}

/// Says which parameter is wrong; texts as upstream's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Neither address nor network.
    #[error("unable to convert '{0}' to int: {1}: invalid ip address / range")]
    Address(String, wire::range::RangeError),
    /// Not a boolean.
    #[error("invalid contains value : strconv.ParseBool: parsing \"{0}\": invalid syntax")]
    Bool(String),
    /// Not a number.
    #[error("invalid {0} value : strconv.Atoi: parsing \"{1}\": invalid syntax")]
    Number(&'static str, String),
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            range: None,
            scopes: Vec::new(),
            value: None,
            kind: None,
            origins: None,
            scenarios_with: None,
            scenarios_without: None,
            simulated: false,
            dedup: true,
            limit: None,
            offset: 0,
            after: None,
        }
    }
}

impl Filter {
    /// Reads the parameters of a request.
    pub fn from_query(query: &Query) -> Result<Self, FilterError> {
        let contains = match query.get("contains") {
            Some(text) => parse_bool(text).ok_or_else(|| FilterError::Bool(text.to_owned()))?,
            None => true,
        };
        let range = match query.get("range").or_else(|| query.get("ip")) {
            Some(text) => {
                let range =
                    Range::parse(text).map_err(|error| FilterError::Address(text.to_owned(), error))?;
                Some((range, contains))
            }
            None => None,
        };
        let list = |name| {
            query
                .get(name)
                .map(|text| text.split(',').map(ToOwned::to_owned).collect::<Vec<_>>())
        };
        let lower = |name| list(name).map(|parts| parts.iter().map(|part| part.to_lowercase()).collect());
        let scopes = ["scope", "scopes"]
            .into_iter()
            .filter_map(list)
            .map(|parts| {
                parts
                    .iter()
                    .map(|part| scope::normalise(part).to_owned())
                    .collect()
            })
            .collect();
        Ok(Self {
            range,
            scopes,
            value: query.get("value").map(ToOwned::to_owned),
            kind: query.get("type").map(ToOwned::to_owned),
            origins: list("origins"),
            scenarios_with: lower("scenarios_containing"),
            scenarios_without: lower("scenarios_not_containing"),
            simulated: query.get("simulated").is_some_and(|text| text != "false"),
            dedup: query.get("dedup") != Some("false"),
            limit: number(query, "limit")?,
            offset: number(query, "offset")?.unwrap_or(0),
            after: number(query, "id_gt")?,
        })
    }

    /// Narrows to addresses and networks where the request named no scopes; for the stream.
    #[must_use]
    pub fn with_default_scopes(mut self, query: &Query) -> Self {
        if query.get("scopes").is_none() {
            self.scopes
                .push(vec![scope::IP.to_owned(), scope::RANGE.to_owned()]);
        }
        self
    }

    /// Says whether a decision passes; its end is not looked at.
    pub fn matches(&self, record: &Record) -> bool {
        let listed = |list: &Vec<String>, text: &str| list.iter().any(|item| item == text);
        let in_range = self.range.is_none_or(|(range, contains)| {
            if contains {
                record.range.contains(&range)
            } else {
                range.contains(&record.range)
            }
        });
        let scenario = || record.scenario.to_lowercase();
        in_range
            && (self.simulated || !record.simulated)
            && self.scopes.iter().all(|scopes| listed(scopes, &record.scope))
            && self.value.as_ref().is_none_or(|value| **value == *record.value)
            && self.kind.as_ref().is_none_or(|kind| **kind == *record.kind)
            && self
                .origins
                .as_ref()
                .is_none_or(|origins| listed(origins, &record.origin))
            && self.scenarios_with.as_ref().is_none_or(|parts| {
                let scenario = scenario();
                parts.iter().any(|part| scenario.contains(part.as_str()))
            })
            && self.scenarios_without.as_ref().is_none_or(|parts| {
                let scenario = scenario();
                !parts.iter().any(|part| scenario.contains(part.as_str()))
            })
    }

    /// Cuts out the page that was asked for.
    pub(super) fn page(&self, mut found: Vec<Arc<Record>>) -> Vec<Arc<Record>> {
        if let Some(after) = self.after {
            found.retain(|record| record.id > after);
        }
        found.drain(..self.offset.min(found.len()));
        if let Some(limit) = self.limit.filter(|limit| *limit > 0) {
            found.truncate(limit);
        }
        found
    }
}

fn number<T: std::str::FromStr>(query: &Query, name: &'static str) -> Result<Option<T>, FilterError> {
    query
        .get(name)
        .map(|text| {
            text.parse()
                .map_err(|_parse| FilterError::Number(name, text.to_owned()))
        })
        .transpose()
}
