//! What an agent says about its sources. Ours: upstream's Local API answers 404.

use serde::{Deserialize, Serialize};

/// The most sources in one report.
pub const MOST_SOURCES: usize = 1000;
/// The longest text of one field, in bytes.
pub const LONGEST_TEXT: usize = 1024;

/// Body of `POST /v1/watchers/report`; counts are totals since the agent's start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// What is read, at most [`MOST_SOURCES`].
    pub sources: Vec<Source>,
    /// Version of the agent.
    pub version: String,
    /// When the agent started, RFC 3339.
    pub started: String,
}

/// One source of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    /// Name; `<acquisition>/<namespace>` is for the operator to choose, a path for files.
    pub name: String,
    /// Label `type` of its lines.
    #[serde(rename = "type")]
    pub kind: String,
    /// Files open now.
    pub files: u64,
    /// Lines read.
    pub read: u64,
    /// Lines that a parser understood.
    pub parsed: u64,
    /// When the last line was read, RFC 3339; empty before the first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_line: String,
    /// Why it cannot be read, with what to do about it; empty when it can.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
}

impl Report {
    /// Returns what is wrong with it: too many sources or too long a text.
    pub fn problem(&self) -> Option<String> {
        let Self {
            sources,
            version,
            started,
        } = self;
        if sources.len() > MOST_SOURCES {
            return Some(format!(
                "sources has {} entries, at most {MOST_SOURCES} are taken",
                sources.len()
            ));
        }
        let mut texts = vec![("version", version), ("started", started)];
        for source in sources {
            texts.extend([
                ("sources.name", &source.name),
                ("sources.type", &source.kind),
                ("sources.last_line", &source.last_line),
                ("sources.error", &source.error),
            ]);
        }
        let (field, text) = texts.into_iter().find(|(_, text)| text.len() > LONGEST_TEXT)?;
        Some(format!(
            "{field} has {} bytes, at most {LONGEST_TEXT} are taken",
            text.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stands_on_the_wire_as_the_agent_and_the_operator_agreed() {
        let text = r#"{"sources":[{"name":"traefik/edge","type":"traefik","files":2,"read":10,"parsed":9,"last_line":"2026-01-01T00:00:00Z"}],"version":"1","started":"2026-01-01T00:00:00Z"}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        assert_eq!(report.sources[0].read, 10);
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
    }

    #[test]
    fn what_is_too_much_is_named() {
        let many = Report {
            sources: vec![Source::default(); MOST_SOURCES + 1],
            ..Report::default()
        };
        assert_eq!(
            many.problem().unwrap(),
            "sources has 1001 entries, at most 1000 are taken"
        );
        let long = Report {
            sources: vec![Source {
                error: "x".repeat(LONGEST_TEXT + 1),
                ..Source::default()
            }],
            ..Report::default()
        };
        assert_eq!(
            long.problem().unwrap(),
            "sources.error has 1025 bytes, at most 1024 are taken"
        );
        assert_eq!(Report::default().problem(), None);
    }
}
