//! What an Acquisition says of itself; pure.

use jiff::Timestamp;
use kube::core::ResourceExt as _;

use crate::acquisition::observe::{Observed, Processor, Reading};
use crate::conditions::Conditions;
use crate::crd::acquisition::{Acquisition, AcquisitionStatus, LogFormat};
use crate::crd::conditions::{Accepted, Degraded, ParsingLogs, Progressing, ReadingLogs, Ready};
use crate::engine::{Refused, Silence};
use crate::log_processor::reports::Sum;
use crate::log_processor::select;
use crate::problem::{self, Problem};

/// Returns the status of a resource that cannot be carried out as it is written.
pub fn invalid(acquisition: &Acquisition, problems: &[Problem], now: Timestamp) -> AcquisitionStatus {
    let text = problem::text(problems);
    let mut conditions = begin(acquisition, now);
    conditions.set(Accepted::Invalid, &text);
    conditions.set(Ready::Invalid, &text);
    conditions.set(Progressing::Invalid, &text);
    conditions.set(Degraded::Invalid, &text);
    AcquisitionStatus {
        observed_generation: acquisition.metadata.generation,
        conditions: conditions.finish(),
        ..AcquisitionStatus::default()
    }
}

/// Returns the status.
pub fn status(acquisition: &Acquisition, observed: &Observed, now: Timestamp) -> AcquisitionStatus {
    let view = View::of(acquisition, observed);
    let mut conditions = begin(acquisition, now);
    if view.readers.is_empty() {
        view.not_accepted(&mut conditions);
        return AcquisitionStatus {
            observed_generation: acquisition.metadata.generation,
            conditions: conditions.finish(),
            ..AcquisitionStatus::default()
        };
    }
    conditions.set(
        Accepted::Accepted,
        format!("read by LogProcessor {}", view.readers.join(", ")),
    );
    let state = view.state();
    view.ready(state, &mut conditions);
    view.progressing(state, &mut conditions);
    view.degraded(&mut conditions);
    view.reading(state, &mut conditions);
    view.parsing(state, &mut conditions);
    let lines = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
    AcquisitionStatus {
        observed_generation: acquisition.metadata.generation,
        conditions: conditions.finish(),
        log_processors: view.readers.iter().map(|reader| (*reader).to_owned()).collect(),
        matched_pods: Some(i32::try_from(observed.matched_pods).unwrap_or(i32::MAX)),
        lines_read: lines(view.sum.read),
        lines_parsed: lines(view.sum.parsed),
        last_line: view.sum.last_line.clone(),
    }
}

fn begin(acquisition: &Acquisition, now: Timestamp) -> Conditions {
    let before = acquisition
        .status
        .as_ref()
        .map(|status| status.conditions.as_slice());
    Conditions::new(before.unwrap_or_default(), acquisition.metadata.generation, now)
}

fn not_read(conditions: &mut Conditions, why: &str) {
    conditions.set(Progressing::Waiting, why);
    conditions.set(Degraded::AsExpected, "");
    conditions.set(ReadingLogs::NoReport, "nobody reads it");
    conditions.set(ParsingLogs::NoReport, "nobody reads it");
}

/// How far the way from pods to parsed lines is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NothingMatched,
    NoReport,
    SourceFailing,
    NoLinesYet,
    NothingParsed,
    LinesParsed,
}

struct View<'a> {
    acquisition: &'a Acquisition,
    observed: &'a Observed,
    /// LogProcessors that read it.
    readers: Vec<&'a str>,
    /// What their agents say of it.
    sum: Sum,
    /// Why a Local API tells nothing.
    silence: Option<&'a Silence>,
}

impl<'a> View<'a> {
    fn of(acquisition: &'a Acquisition, observed: &'a Observed) -> Self {
        let mut view = Self {
            acquisition,
            observed,
            readers: Vec::new(),
            sum: Sum::default(),
            silence: None,
        };
        let id = format!(
            "{}/{}",
            acquisition.namespace().unwrap_or_default(),
            acquisition.name_any()
        );
        for processor in &observed.processors {
            let Reading::Selected(answer) = &processor.reading else {
                continue;
            };
            view.readers.push(&processor.title);
            match answer {
                Ok(reports) => {
                    if let Some(sum) = reports.sources.get(&id) {
                        view.sum.merge(sum);
                    }
                }
                Err(why) => view.silence = Some(why),
            }
        }
        view
    }

    fn state(&self) -> State {
        let Sum {
            files, read, parsed, ..
        } = self.sum;
        if self.sum.error.is_some() {
            State::SourceFailing
        } else if self.observed.matched_pods == 0 && files == 0 {
            State::NothingMatched
        } else if parsed > 0 {
            State::LinesParsed
        } else if read > 0 {
            State::NothingParsed
        } else if files == 0 {
            State::NoReport
        } else {
            State::NoLinesYet
        }
    }

    fn not_accepted(&self, conditions: &mut Conditions) {
        let refused = self
            .observed
            .processors
            .iter()
            .find_map(|processor| match &processor.reading {
                Reading::Refused(refused) => Some((&processor.title, refused)),
                _ => None,
            });
        let full = self
            .observed
            .processors
            .iter()
            .find(|processor| matches!(processor.reading, Reading::LeftOut));
        if let Some(Processor { title, .. }) = full {
            let text = format!(
                "LogProcessor {title} reads {} Acquisitions before it, the most it can: let one Acquisition select more pods, or share them among LogProcessors by spec.acquisitionNamespaceSelector",
                select::TARGETS_MAX
            );
            conditions.set(Accepted::TooMany, &text);
            conditions.set(Ready::Incomplete, "see Accepted");
            not_read(conditions, &text);
            return;
        }
        let text = match refused {
            Some((title, refused)) => format!("LogProcessor {title} cannot read it: {refused}"),
            None if self.observed.processors.is_empty() => {
                "there is no LogProcessor; make one with an engineRef, and it reads every Acquisition".to_owned()
            }
            None => "no LogProcessor looks for its labels or those of its namespace; see their spec.acquisitionSelector \
                     and spec.acquisitionNamespaceSelector"
                .to_owned(),
        };
        match refused {
            Some((_, Refused::NotFound { .. })) => {
                conditions.set(Accepted::EngineNotFound, &text);
                conditions.set(Ready::EngineNotFound, &text);
            }
            Some((_, Refused::NotAllowed { .. })) => {
                conditions.set(Accepted::NotAllowed, &text);
                conditions.set(Ready::NotAllowed, &text);
            }
            None => {
                conditions.set(Accepted::NotSelected, &text);
                conditions.set(Ready::Incomplete, "see Accepted");
            }
        }
        not_read(conditions, &text);
    }

    fn ready(&self, state: State, conditions: &mut Conditions) {
        match state {
            State::LinesParsed | State::NoLinesYet => {
                let pods = self.observed.matched_pods;
                conditions.set(Ready::Available, format!("matching pods: {pods}"));
            }
            State::NoReport => conditions.set(Ready::Starting, self.no_report()),
            State::NothingMatched | State::SourceFailing => {
                conditions.set(Ready::Incomplete, "see ReadingLogs");
            }
            State::NothingParsed => conditions.set(Ready::Incomplete, "see ParsingLogs"),
        }
    }

    fn progressing(&self, state: State, conditions: &mut Conditions) {
        match state {
            State::NoReport => conditions.set(Progressing::Waiting, self.no_report()),
            State::NothingMatched => conditions.set(Progressing::Waiting, "for pods that match"),
            _ => conditions.set(Progressing::Reconciled, ""),
        }
    }

    fn no_report(&self) -> String {
        self.silence.map_or_else(
            || "no agent has opened a file of the pods yet; see the LogProcessor".to_owned(),
            Silence::to_string,
        )
    }

    fn degraded(&self, conditions: &mut Conditions) {
        if let Some(error) = &self.sum.error {
            conditions.set(Degraded::SourceFailing, error);
        } else if let Some(Silence::Unreachable(why)) = self.silence {
            conditions.set(Degraded::LocalApiUnreachable, why);
        } else {
            conditions.set(Degraded::AsExpected, "");
        }
    }

    fn reading(&self, state: State, conditions: &mut Conditions) {
        match state {
            State::NothingMatched => conditions.set(
                ReadingLogs::NothingMatched,
                format!(
                    "no pod of this namespace matches spec.target.podSelector; compare it with: kubectl get pods -n {} --show-labels",
                    self.acquisition.namespace().unwrap_or_default()
                ),
            ),
            State::NoReport => conditions.set(ReadingLogs::NoReport, self.no_report()),
            State::SourceFailing => {
                conditions.set(ReadingLogs::SourceFailing, self.sum.error.as_deref().unwrap_or_default());
            }
            State::NoLinesYet => conditions.set(
                ReadingLogs::NoLinesYet,
                "files are open, and no line was written since the agents began",
            ),
            State::NothingParsed | State::LinesParsed => conditions.set(ReadingLogs::LinesRead, ""),
        }
    }

    fn parsing(&self, state: State, conditions: &mut Conditions) {
        match state {
            State::LinesParsed => conditions.set(ParsingLogs::LinesParsed, ""),
            State::NothingParsed => conditions.set(ParsingLogs::NothingParsed, self.nothing_parsed()),
            State::NoReport => conditions.set(ParsingLogs::NoReport, self.no_report()),
            State::NothingMatched | State::NoLinesYet | State::SourceFailing => {
                conditions.set(ParsingLogs::NoLinesYet, "no line was read yet");
            }
        }
    }

    /// Names the type, the collection that brings a parser for it, and what else it may be.
    fn nothing_parsed(&self) -> String {
        let kind = select::line_type(self.acquisition);
        let readers = self.readers.join(", ");
        let cure = match collection(kind) {
            Some(collection) => format!(
                "its parser is in the collection {collection}, or crowdsecurity/{kind} of the hub: see that spec.hub of \
                 LogProcessor {readers} names one, and that the program writes its log in the format of the parser"
            ),
            None => format!(
                "the built-in set has no parser for it: name a collection of the hub that has one in spec.hub of \
                 LogProcessor {readers}, or correct the type (built in are {})",
                BUILT_IN.map(|(kind, _)| kind).join(", ")
            ),
        };
        let format = match self.acquisition.spec.format {
            LogFormat::Auto => "",
            LogFormat::Cri | LogFormat::Plain => "; spec.format may be wrong, too: leave it out",
        };
        format!("lines of type {kind:?} are read, and no parser understands one; {cure}{format}")
    }
}

/// Types of lines that the built-in set understands, with the collection that brings the parser.
const BUILT_IN: [(&str, &str); 5] = [
    ("caddy", "starter/caddy"),
    ("nginx", "starter/nginx"),
    ("sshd", "starter/sshd"),
    ("syslog", "starter/linux"),
    ("traefik", "starter/traefik"),
];

fn collection(kind: &str) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(known, _)| *known == kind)
        .map(|(_, collection)| *collection)
}

#[cfg(test)]
mod tests;
