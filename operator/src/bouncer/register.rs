//! Which rows the Local API should have for a bouncer: one for each valid key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest as _, Sha512};

use crate::bouncer::key::KeyState;
use crate::labels::Owner;
use crate::names;

/// Rows of the Local API that belong to one Bouncer, with the version of the key of each.
pub type Rows = BTreeMap<String, i64>;

/// What is to be done, by the rows' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The row of the key in use, when it has to be written.
    pub put: Option<String>,
    /// Rows of keys that are no longer valid; those of further addresses go with them.
    pub delete: Vec<String>,
}

/// Returns the version a row stands for; none for a row of somebody else. The Local API makes rows of its own for
/// further addresses that use a key, `<row>@<address>`.
pub fn version_of(owner: &Owner, row: &str) -> Option<i64> {
    let rest = row.strip_prefix(&format!("{}:{}:", owner.namespace, owner.name))?;
    let (version, _address) = rest.split_once('@').unwrap_or((rest, ""));
    version.parse().ok()
}

/// Returns the rows of one Bouncer among all.
pub fn own<'a>(owner: &Owner, rows: impl Iterator<Item = &'a str>) -> Rows {
    rows.filter_map(|row| Some((row.to_owned(), version_of(owner, row)?)))
        .collect()
}

/// Returns what is to be done. `is_current` says whether this operator registered this very key already.
pub fn plan(owner: &Owner, rows: &Rows, state: &KeyState, is_current: bool, now: Timestamp) -> Plan {
    let row = names::bouncer_row(&owner.namespace, &owner.name, state.version);
    let put = (!is_current || !rows.contains_key(&row)).then_some(row);
    let gone = |version: i64| !state.is_valid(version, now);
    Plan {
        put,
        delete: parents(
            rows.iter()
                .filter(|(_, version)| gone(**version))
                .map(|(row, _)| row),
        ),
    }
}

/// Returns the rows to delete so that all of `rows` go: those that the Local API made for further addresses of a key go
/// with the key's own row, and only with it.
pub fn parents<'a>(rows: impl Iterator<Item = &'a String>) -> Vec<String> {
    let all: BTreeSet<&str> = rows
        .map(|row| {
            row.split_once('@')
                .map_or(row.as_str(), |(parent, _address)| parent)
        })
        .collect();
    all.into_iter().map(str::to_owned).collect()
}

/// Returns the hash under which the Local API knows a key.
pub fn hash(key: &str) -> String {
    hex::encode(Sha512::digest(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            kind: "Bouncer".into(),
            namespace: "edge".into(),
            name: "web".into(),
            uid: "u".into(),
        }
    }

    fn state() -> KeyState {
        KeyState {
            version: 3,
            made: Timestamp::from_second(0).unwrap(),
            previous_until: Some(Timestamp::from_second(100).unwrap()),
            rotated_for: None,
        }
    }

    fn at(second: i64, rows: &[&str], is_current: bool) -> Plan {
        let rows = own(&owner(), rows.iter().copied());
        plan(
            &owner(),
            &rows,
            &state(),
            is_current,
            Timestamp::from_second(second).unwrap(),
        )
    }

    #[test]
    fn rows_of_others_are_left_alone() {
        let others = [
            "cscli-made",
            "edge:web2:1",
            "edge:web:x",
            "web:edge:1",
            "edge:web:3",
        ];
        assert_eq!(at(0, &others, true), Plan::default());
    }

    #[test]
    fn a_key_is_registered_when_its_row_is_missing_or_may_hold_another_key() {
        assert_eq!(at(0, &[], true).put.as_deref(), Some("edge:web:3"));
        assert_eq!(at(0, &["edge:web:3"], false).put.as_deref(), Some("edge:web:3"));
        assert_eq!(at(0, &["edge:web:3"], true).put, None);
    }

    #[test]
    fn the_old_row_goes_after_the_overlap_and_the_rows_of_its_addresses_with_it() {
        let rows = ["edge:web:1", "edge:web:2", "edge:web:2@10.0.0.1", "edge:web:3"];
        assert_eq!(at(99, &rows, true).delete, ["edge:web:1"]);
        assert_eq!(at(100, &rows, true).delete, ["edge:web:1", "edge:web:2"]);
    }

    #[test]
    fn the_local_api_knows_a_key_by_its_sha512() {
        assert!(hash("abc").starts_with("ddaf35a193617aba"));
        assert_eq!(hash("abc").len(), 128);
    }
}
