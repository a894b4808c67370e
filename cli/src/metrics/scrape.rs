//! Reads a `/metrics` page and sorts its samples into the sections `cscli` shows.
//! Upstream: `pkg/metrics` (names and labels), `cmd/crowdsec-cli/climetrics` (sections).

use std::collections::BTreeMap;

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: i64,
}

/// Counts by keys (source, route …) and column.
pub(super) type Rows = BTreeMap<Vec<String>, BTreeMap<&'static str, i64>>;

impl Sample {
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// `file:/var/log/nginx/access.log`.
    pub(super) fn source(&self) -> String {
        let kind = match self.label("datasource_type") {
            "" => self.label("type"),
            kind => kind,
        };
        let source = ["source", "path", "topic", "stream", "bucket", "group"]
            .iter()
            .map(|name| self.label(name))
            .find(|value| !value.is_empty())
            .unwrap_or_default();
        format!("{kind}:{source}")
    }
}

/// Reads the text format; lines that are none of ours are left out.
pub(super) fn parse(text: &str) -> Vec<Sample> {
    text.lines()
        .filter(|line| line.starts_with("cs_"))
        .filter_map(sample)
        .collect()
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value: f64 = value.split_whitespace().next()?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "counters are whole numbers, as upstream truncates them"
    )]
    let value = value as i64;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// Reads `a="b",c="d"} 1`, with backslash escapes in the values.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(value) = rest.strip_prefix('}') {
            return Some((labels, value));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            let (at, c) = chars.next()?;
            match c {
                '"' => break at,
                '\\' => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                c => value.push(c),
            }
        };
        labels.insert(name.to_owned(), value);
        rest = after.get(end + 1..)?;
    }
}

/// Sorts samples into sections.
pub(super) fn sort(samples: &[Sample]) -> BTreeMap<&'static str, Rows> {
    let mut sorted = Sorted::default();
    for sample in samples {
        sorted.take(sample);
    }
    sorted.0
}

#[derive(Default)]
struct Sorted(BTreeMap<&'static str, Rows>);

impl Sorted {
    fn add(&mut self, section: &'static str, keys: &[&str], column: &'static str, value: i64) {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        *self
            .0
            .entry(section)
            .or_default()
            .entry(keys)
            .or_default()
            .entry(column)
            .or_default() += value;
    }

    #[expect(clippy::too_many_lines, reason = "a table of names, one line each")]
    fn take(&mut self, sample: &Sample) {
        let source = sample.source();
        let name = sample.label("name");
        let value = sample.value;
        let (method, route) = (sample.label("method"), sample.label("route"));
        match sample.name.as_str() {
            "cs_parser_hits_ok_total" => self.add("acquisition", &[&source], "parsed", value),
            "cs_parser_hits_ko_total" => self.add("acquisition", &[&source], "unparsed", value),
            "cs_bucket_poured_total" => {
                self.add("acquisition", &[&source], "pour", value);
                self.add("scenarios", &[name], "pour", value);
            }
            "cs_node_hits_total" => self.add("parsers", &[name], "hits", value),
            "cs_node_hits_ok_total" => self.add("parsers", &[name], "parsed", value),
            "cs_node_hits_ko_total" => self.add("parsers", &[name], "unparsed", value),
            "cs_node_wl_hits_total" => {
                self.add("whitelists", &[name, sample.label("reason")], "hits", value);
            }
            "cs_node_wl_hits_ok_total" => {
                self.add(
                    "whitelists",
                    &[name, sample.label("reason")],
                    "whitelisted",
                    value,
                );
                self.add("acquisition", &[&source], "whitelisted", value);
            }
            "cs_buckets" => self.add("scenarios", &[name], "curr_count", value),
            "cs_bucket_instantiation_total" => self.add("scenarios", &[name], "instantiation", value),
            "cs_bucket_overflowed_total" => self.add("scenarios", &[name], "overflow", value),
            "cs_bucket_underflowed_total" => self.add("scenarios", &[name], "underflow", value),
            "cs_lapi_route_requests_total" => self.add("lapi", &[route, method], "", value),
            "cs_lapi_machine_requests_total" => {
                self.add(
                    "lapi-machine",
                    &[sample.label("machine"), route, method],
                    "",
                    value,
                );
            }
            "cs_lapi_bouncer_requests_total" => {
                self.add(
                    "lapi-bouncer",
                    &[sample.label("bouncer"), route, method],
                    "",
                    value,
                );
            }
            "cs_lapi_decisions_ok_total" => {
                self.add("lapi-decisions", &[sample.label("bouncer")], "NonEmpty", value);
            }
            "cs_lapi_decisions_ko_total" => {
                self.add("lapi-decisions", &[sample.label("bouncer")], "Empty", value);
            }
            "cs_active_decisions" => self.add(
                "decisions",
                &[
                    sample.label("reason"),
                    sample.label("origin"),
                    sample.label("action"),
                ],
                "",
                value,
            ),
            "cs_alerts" => self.add("alerts", &[sample.label("reason")], "", value),
            "cs_cache_size" => self.add("stash", &[name, sample.label("type")], "Count", value),
            "cs_appsec_reqs_total" => {
                self.add(
                    "appsec-engine",
                    &[sample.label("appsec_engine")],
                    "processed",
                    value,
                );
            }
            "cs_appsec_block_total" => {
                self.add(
                    "appsec-engine",
                    &[sample.label("appsec_engine")],
                    "blocked",
                    value,
                );
            }
            "cs_appsec_rule_hits" => self.add(
                "appsec-rule",
                &[sample.label("appsec_engine"), sample.label("rule_name")],
                "triggered",
                value,
            ),
            other if other.ends_with("source_hits_total") || other.ends_with("stream_hits_total") => {
                self.add("acquisition", &[&source], "reads", value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_hold_quotes_commas_and_braces() {
        let samples =
            parse("# HELP x\ncs_alerts{reason=\"a \\\"b\\\", {c}\"} 1.5e+01\ngo_threads 3\ncs_plain 2\n");
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].label("reason"), "a \"b\", {c}");
        assert_eq!((samples[0].value, samples[1].value), (15, 2));
    }

    #[test]
    fn samples_of_one_subject_meet_in_one_row() {
        let text = "cs_filesource_hits_total{acquis_type=\"nginx\",datasource_type=\"file\",source=\"/l\"} 5\n\
                    cs_parser_hits_ok_total{acquis_type=\"nginx\",source=\"/l\",type=\"file\"} 4\n\
                    cs_bucket_poured_total{name=\"a/b\",source=\"/l\",type=\"file\"} 3\n";
        let sorted = sort(&parse(text));
        let row = &sorted["acquisition"][&vec!["file:/l".to_owned()]];
        assert_eq!((row["reads"], row["parsed"], row["pour"]), (5, 4, 3));
        assert_eq!(sorted["scenarios"][&vec!["a/b".to_owned()]]["pour"], 3);
    }
}
