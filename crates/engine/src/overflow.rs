//! From a closed bucket to the alert that is about to be: sources by scope, the sentence, the events kept.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use golang::duration::Duration;
use sha1::{Digest as _, Sha1};

use crate::{
    Event, Name, Text,
    bucket::{Closed, spec::Spec},
    event::{Alert, Identity, RuntimeAlert, Source, Type},
};

/// Scope of a single address.
pub const IP: &str = "Ip";
/// Scope of a network.
pub const RANGE: &str = "Range";

/// Why a closed bucket makes no alert. Upstream drops such an overflow with a log line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An event of an address scope has no `Meta.source_ip`.
    #[error("scope is {0} but an event has no source_ip")]
    NoAddress(Name),
    /// `Meta.source_ip` is not an address.
    #[error("scope is {scope} but source_ip '{address}' is not an address")]
    BadAddress {
        /// Scope of the scenario.
        scope: Name,
        /// What stands in `source_ip`.
        address: String,
    },
    /// The events name sources of several scopes.
    #[error("events have sources of scope {0} and of scope {1}")]
    MixedScopes(Text, Text),
}

/// What the caller knows and a bucket does not.
pub struct Facts<'a> {
    /// Whether the scenario is in simulation.
    pub simulated: bool,
    /// The alert context, computed over the events kept.
    pub context: Vec<(Text, Text)>,
    /// Value of the scope expression for an event; `None` when it failed.
    pub scope_value: &'a mut dyn FnMut(&Arc<Event>) -> Option<Text>,
}

/// Builds the overflow of `closed` with one alert per source, sources in the order of their values.
///
/// Upstream: `overflows.go: NewAlert`.
pub fn build(spec: &Spec, closed: &Closed, facts: Facts<'_>) -> Result<RuntimeAlert, Error> {
    let mut collected = Collected::default();
    for event in &closed.events {
        collected.add(spec, event, facts.scope_value)?;
    }
    let mapkey = Text::from(map_key(spec, &closed.key.partition));
    let template = template(spec, closed, &collected, facts.simulated, facts.context);
    let alerts = collected
        .sources
        .values()
        .map(|source| Alert {
            source: Some(source.clone()),
            ..template.clone()
        })
        .collect();
    Ok(RuntimeAlert {
        bucket_id: Text::from(format!("{mapkey}-{}", closed.instance)),
        mapkey,
        whitelisted: false,
        reprocess: spec.reprocess,
        identities: collected.identities,
        sources: collected.sources,
        alerts,
    })
}

/// Returns the key upstream gives the bucket: hex sha1 of filter, partition and name with a NUL between.
pub fn map_key(spec: &Spec, partition: &str) -> String {
    let mut hasher = Sha1::new();
    hasher.update(spec.filter.as_bytes());
    hasher.update([0]);
    hasher.update(partition.as_bytes());
    hasher.update([0]);
    hasher.update(spec.name.as_str().as_bytes());
    hex(&hasher.finalize())
}

/// Writes bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

/// The alert without its source.
fn template(
    spec: &Spec,
    closed: &Closed,
    collected: &Collected,
    simulated: bool,
    context: Vec<(Text, Text)>,
) -> Alert {
    let scope = collected.scope.as_ref().map_or("", |scope| scope.as_str());
    let source = match collected.sources.len() {
        0 => "UNKNOWN".to_owned(),
        1 => collected
            .sources
            .keys()
            .next()
            .map(ToString::to_string)
            .unwrap_or_default(),
        several => format!("{several} sources"),
    };
    let message = format!(
        "{scope} {source} performed '{}' ({} events over {}) at {}",
        spec.name,
        closed.total,
        Duration(closed.stop.nanos.saturating_sub(closed.first.nanos)),
        closed.last.time.to_go_string(),
    );
    Alert {
        capacity: i32::try_from(spec.capacity).unwrap_or(i32::MAX),
        events_count: i32::try_from(closed.total).unwrap_or(i32::MAX),
        leakspeed: Text::from(spec.leakspeed.to_string()),
        message: Text::from(message),
        scenario: Text::from(spec.name.as_str()),
        scenario_hash: Text::from(&*spec.hash),
        scenario_version: Text::from(&*spec.version),
        kind: Text::from("crowdsec"),
        start_at: Text::from(closed.first.time.rfc3339_nano()),
        stop_at: Text::from(closed.stop.time.rfc3339_nano()),
        simulated,
        remediation: spec.remediation,
        labels: Vec::new(),
        meta: context,
        source: None,
        events: closed.events.clone(),
    }
}

/// The sources found so far.
#[derive(Default)]
struct Collected {
    identities: Vec<Identity>,
    sources: BTreeMap<Text, Source>,
    scope: Option<Text>,
}

impl Collected {
    fn add(
        &mut self,
        spec: &Spec,
        event: &Arc<Event>,
        scope_value: &mut dyn FnMut(&Arc<Event>) -> Option<Text>,
    ) -> Result<(), Error> {
        match &event.overflow {
            Some(overflow) if event.kind == Type::Overflow => {
                for (key, source) in &overflow.sources {
                    let (scope, value) = overflow.identity(source);
                    if *scope == *spec.scope.name {
                        self.put(key.clone(), scope, value, source.clone())?;
                    } else if &*spec.scope.name == RANGE && scope == IP {
                        let value = match &spec.scope.expression {
                            Some(_) => scope_value(event).unwrap_or_default(),
                            None => source.range.clone(),
                        };
                        if !value.is_empty() {
                            let source = Source {
                                ip: Text::default(),
                                ..source.clone()
                            };
                            self.put(value.clone(), RANGE, &value, source)?;
                        }
                    }
                }
                Ok(())
            }
            _ => {
                let (source, value) = log_source(spec, event, scope_value)?;
                self.put(value.clone(), &spec.scope.name, &value, source)
            }
        }
    }

    fn put(&mut self, key: Text, scope: &str, value: &str, mut source: Source) -> Result<(), Error> {
        match &self.scope {
            Some(first) if **first != *scope => {
                return Err(Error::MixedScopes(first.clone(), Text::from(scope)));
            }
            Some(_) => {}
            None => self.scope = Some(Text::from(scope)),
        }
        source.identity = if let Some(known) = self.sources.get(&key) {
            known.identity
        } else {
            self.identities.push(Identity::default());
            self.identities.len() - 1
        };
        self.identities[source.identity] = Identity {
            scope: Text::from(scope),
            value: Text::from(value),
        };
        self.sources.insert(key, source);
        Ok(())
    }
}

/// Reads the source of a log event by the scenario's scope.
fn log_source(
    spec: &Spec,
    event: &Arc<Event>,
    scope_value: &mut dyn FnMut(&Arc<Event>) -> Option<Text>,
) -> Result<(Source, Text), Error> {
    let scope = spec.scope.name;
    if &*scope != IP && &*scope != RANGE {
        return Ok((Source::default(), scope_value(event).unwrap_or_default()));
    }
    let address = event.meta.get("source_ip").ok_or(Error::NoAddress(scope))?;
    if address.parse::<IpAddr>().is_err() {
        return Err(Error::BadAddress {
            scope,
            address: address.to_string(),
        });
    }
    let fact = |key: &str| event.enriched.get(key).cloned();
    let degrees = |key: &str| event.enriched.text(key).parse::<f32>().unwrap_or(0.0);
    let source = Source {
        identity: 0,
        ip: address.clone(),
        range: event.meta.get("SourceRange").cloned().unwrap_or_default(),
        as_name: fact("ASNOrg").unwrap_or_default(),
        as_number: fact("ASNumber").or_else(|| fact("ASNNumber")).unwrap_or_default(),
        cn: fact("IsoCode").unwrap_or_default(),
        latitude: degrees("Latitude"),
        longitude: degrees("Longitude"),
    };
    let value = match &spec.scope.expression {
        _ if &*scope == IP => address.clone(),
        Some(_) => scope_value(event).unwrap_or_default(),
        None => source.range.clone(),
    };
    Ok((source, value))
}

/// Returns the timestamp an alert shows for `event`: the log's time, else when it was read. RFC 3339.
pub fn event_timestamp(event: &Event) -> String {
    if event.marshaled_time.is_empty() {
        event.time.rfc3339_nano()
    } else {
        event.marshaled_time.to_string()
    }
}
