//! The subjects of `cscli metrics`: names, titles, columns, and how their rows become a table or JSON.

use serde_json::{Map, Value, json};

use crate::metrics::number;
use crate::metrics::scrape::Rows;
use crate::output::Output;
use crate::output::table::{Align, Style};

/// One subject.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    keys: &'static [&'static str],
    /// JSON name and header; a single column without a JSON name is the value itself.
    columns: &'static [(&'static str, &'static str)],
}

/// Names for several subjects.
pub(super) const ALIASES: [(&str, &[&str]); 3] = [
    (
        "engine",
        &["acquisition", "parsers", "scenarios", "stash", "whitelists"],
    ),
    (
        "lapi",
        &[
            "alerts",
            "decisions",
            "lapi",
            "lapi-bouncer",
            "lapi-decisions",
            "lapi-machine",
        ],
    ),
    ("appsec", &["appsec-engine", "appsec-rule"]),
];

/// All subjects, sorted by name.
pub(super) const SECTIONS: [Section; 14] = [
    Section {
        name: "acquisition",
        title: "Acquisition Metrics",
        about: "Lines read from each data source, and what became of them. No lines read means that the source is \
                wrong or silent, none parsed that no parser fits; unparsed ones are normal, most logs are not \
                about security.",
        keys: &["Source"],
        columns: &[
            ("reads", "Lines read"),
            ("parsed", "Lines parsed"),
            ("unparsed", "Lines unparsed"),
            ("pour", "Lines poured to bucket"),
            ("whitelisted", "Lines whitelisted"),
        ],
    },
    Section {
        name: "alerts",
        title: "Local API Alerts",
        about: "Alerts in the database by scenario.",
        keys: &["Reason"],
        columns: &[("", "Count")],
    },
    Section {
        name: "appsec-engine",
        title: "Appsec Metrics",
        about: "Requests the application firewall inspected and blocked.",
        keys: &["Appsec Engine"],
        columns: &[("processed", "Processed"), ("blocked", "Blocked")],
    },
    Section {
        name: "appsec-rule",
        title: "Appsec Rule Metrics",
        about: "Matches of each rule of the application firewall.",
        keys: &["Appsec Engine", "Rule ID"],
        columns: &[("triggered", "Triggered")],
    },
    Section {
        name: "bouncers",
        title: "Bouncer Metrics",
        about: "What bouncers report that they blocked.",
        keys: &["Origin"],
        columns: &[],
    },
    Section {
        name: "decisions",
        title: "Local API Decisions",
        about: "Active decisions by reason, origin and action, local ones and those of the Central API.",
        keys: &["Reason", "Origin", "Action"],
        columns: &[("", "Count")],
    },
    Section {
        name: "lapi",
        title: "Local API Metrics",
        about: "Requests to the Local API by route.",
        keys: &["Route", "Method"],
        columns: &[("", "Hits")],
    },
    Section {
        name: "lapi-bouncer",
        title: "Local API Bouncers Metrics",
        about: "Requests of each bouncer by route.",
        keys: &["Bouncer", "Route", "Method"],
        columns: &[("", "Hits")],
    },
    Section {
        name: "lapi-decisions",
        title: "Local API Bouncers Decisions",
        about: "Answers with and without a decision to bouncers that ask for single addresses.",
        keys: &["Bouncer"],
        columns: &[("Empty", "Empty answers"), ("NonEmpty", "Non-empty answers")],
    },
    Section {
        name: "lapi-machine",
        title: "Local API Machines Metrics",
        about: "Requests of each machine by route.",
        keys: &["Machine", "Route", "Method"],
        columns: &[("", "Hits")],
    },
    Section {
        name: "parsers",
        title: "Parser Metrics",
        about: "Events each parser saw, parsed and left. A parser that parses nothing is worth a look; unparsed \
                ones alone are not.",
        keys: &["Parsers"],
        columns: &[("hits", "Hits"), ("parsed", "Parsed"), ("unparsed", "Unparsed")],
    },
    Section {
        name: "scenarios",
        title: "Scenario Metrics",
        about: "Buckets of each scenario: open ones, those that overflowed into an alert, and those that expired \
                before they got there.",
        keys: &["Scenario"],
        columns: &[
            ("curr_count", "Current Count"),
            ("overflow", "Overflows"),
            ("instantiation", "Instantiated"),
            ("pour", "Poured"),
            ("underflow", "Expired"),
        ],
    },
    Section {
        name: "stash",
        title: "Parser Stash Metrics",
        about: "Items in the caches that parsers and scenarios keep.",
        keys: &["Name", "Type"],
        columns: &[("Count", "Items")],
    },
    Section {
        name: "whitelists",
        title: "Whitelist Metrics",
        about: "Events each whitelist saw and set aside.",
        keys: &["Whitelist", "Reason"],
        columns: &[("hits", "Hits"), ("whitelisted", "Whitelisted")],
    },
];

impl Section {
    /// Returns the rows as a table.
    pub(super) fn table(&self, out: &Output, rows: &Rows, exact: bool) -> String {
        let header = self
            .keys
            .iter()
            .copied()
            .chain(self.columns.iter().map(|(_, header)| *header));
        let mut table = out
            .table(Style::Boxed)
            .title(self.title)
            .header(header)
            .header_align(Align::Left);
        for (keys, values) in rows {
            let counts = self.columns.iter().map(|(column, _)| {
                let value = values.get(column).copied().unwrap_or(0);
                // Upstream writes these two as they are.
                if self.name == "lapi-decisions" {
                    value.to_string()
                } else {
                    number(value, exact)
                }
            });
            table.row(keys.iter().cloned().chain(counts));
        }
        table.render()
    }

    /// Returns the rows as nested objects.
    pub(super) fn json(&self, rows: &Rows) -> Value {
        let mut root = Map::new();
        for (keys, values) in rows {
            let leaf = match self.columns {
                [("", _)] => json!(values.get("").copied().unwrap_or(0)),
                columns => {
                    let mut object = Map::new();
                    for (column, _) in columns {
                        let value = values.get(column).copied().unwrap_or(0);
                        if value != 0 || self.name == "lapi-decisions" {
                            object.insert((*column).to_owned(), json!(value));
                        }
                    }
                    Value::Object(object)
                }
            };
            insert(&mut root, keys, leaf);
        }
        sort(&mut root);
        Value::Object(root)
    }
}

fn insert(object: &mut Map<String, Value>, keys: &[String], leaf: Value) {
    match keys {
        [] => {}
        [last] => {
            object.insert(last.clone(), leaf);
        }
        [first, rest @ ..] => {
            let inner = object.entry(first.clone()).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                insert(inner, rest, leaf);
            }
        }
    }
}

/// Go prints maps sorted by key.
fn sort(object: &mut Map<String, Value>) {
    object.sort_keys();
    for value in object.values_mut() {
        if let Value::Object(inner) = value {
            sort(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::scrape;
    use crate::output::{Format, Level};

    #[test]
    fn rows_become_a_table_and_nested_json() {
        let text = "cs_lapi_route_requests_total{method=\"POST\",route=\"/v1/alerts\"} 3000\n\
                    cs_lapi_route_requests_total{method=\"GET\",route=\"/v1/alerts\"} 2\n";
        let rows = scrape::sort(&scrape::parse(text)).remove("lapi").unwrap();
        let section = SECTIONS.iter().find(|section| section.name == "lapi").unwrap();
        let out = Output {
            format: Format::Human,
            level: Level::Info,
            color: false,
        };
        insta::assert_snapshot!(section.table(&out, &rows, false), @r"
        +-----------------------------+
        | Local API Metrics           |
        +------------+--------+-------+
        | Route      | Method | Hits  |
        +------------+--------+-------+
        | /v1/alerts | GET    | 2     |
        | /v1/alerts | POST   | 3.00k |
        +------------+--------+-------+
        ");
        assert_eq!(
            section.json(&rows),
            json!({"/v1/alerts": {"GET": 2, "POST": 3000}})
        );
    }

    #[test]
    fn sections_are_sorted_and_groups_name_existing_ones() {
        assert!(SECTIONS.is_sorted_by_key(|section| section.name));
        for (alias, members) in ALIASES {
            for member in members {
                assert!(
                    SECTIONS.iter().any(|section| section.name == *member),
                    "{alias}: {member}"
                );
            }
        }
    }
}
