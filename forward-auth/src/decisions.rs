//! The decisions in force, by address and by range; no IO, no clock.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use wire::decision::Decision;

/// Decisions by what they are about.
#[derive(Debug, Default)]
pub struct Decisions {
    addresses: HashMap<IpAddr, Vec<Entry>>,
    /// By length of the prefix, so that a question is one look for each length in use.
    ranges: BTreeMap<(bool, u8), HashMap<IpAddr, Vec<Entry>>>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: i64,
    kind: String,
    origin: String,
    until: Timestamp,
}

/// Why a client is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `ban`, or another remediation, for which a refusal stands in.
    pub kind: String,
    /// Where the decision came from.
    pub origin: String,
}

/// What a decision is about.
enum Place {
    Address(IpAddr),
    Range(IpNet),
}

impl Decisions {
    /// Takes a decision in; one that is about something else than addresses is left out, an old one of the same id replaced.
    pub fn add(&mut self, decision: &Decision, now: Timestamp) {
        let Some((entry, place)) = read(decision, now) else {
            return;
        };
        let entries = match place {
            Place::Address(address) => self.addresses.entry(address).or_default(),
            Place::Range(range) => self
                .ranges
                .entry(slot(&range))
                .or_default()
                .entry(range.network())
                .or_default(),
        };
        entries.retain(|old| old.id != entry.id || entry.id == 0 && old.kind != entry.kind);
        entries.push(entry);
    }

    /// Takes a decision out; others about the same address stay.
    pub fn remove(&mut self, decision: &Decision) {
        let Some(place) = place(decision) else { return };
        let is_it = |entry: &Entry| match decision.id {
            0 => decision.type_.as_deref() == Some(entry.kind.as_str()),
            id => entry.id == id,
        };
        match place {
            Place::Address(address) => take_out(&mut self.addresses, &address, is_it),
            Place::Range(range) => {
                if let Some(ranges) = self.ranges.get_mut(&slot(&range)) {
                    take_out(ranges, &range.network(), is_it);
                    if ranges.is_empty() {
                        self.ranges.remove(&slot(&range));
                    }
                }
            }
        }
    }

    /// Returns the decision that refuses an address: one about itself before one about a range, the narrowest first.
    pub fn verdict(&self, address: IpAddr, now: Timestamp) -> Option<Verdict> {
        let own = self
            .addresses
            .get(&address)
            .and_then(|entries| in_force(entries, now));
        own.or_else(|| self.range_verdict(address, now))
            .map(|entry| Verdict {
                kind: entry.kind.clone(),
                origin: entry.origin.clone(),
            })
    }

    fn range_verdict(&self, address: IpAddr, now: Timestamp) -> Option<&Entry> {
        self.ranges
            .range((address.is_ipv6(), 0)..=(address.is_ipv6(), u8::MAX))
            .rev()
            .find_map(|((_, length), ranges)| {
                let network = IpNet::new(address, *length).ok()?.network();
                in_force(ranges.get(&network)?, now)
            })
    }

    /// Drops what has ended by itself.
    pub fn sweep(&mut self, now: Timestamp) {
        let keep = |entries: &mut Vec<Entry>| {
            entries.retain(|entry| entry.until > now);
            !entries.is_empty()
        };
        self.addresses.retain(|_, entries| keep(entries));
        self.ranges.retain(|_, ranges| {
            ranges.retain(|_, entries| keep(entries));
            !ranges.is_empty()
        });
    }

    /// Returns the number of decisions for each origin.
    pub fn by_origin(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        let mut count = |entry: &Entry| *all.entry(entry.origin.clone()).or_default() += 1;
        self.addresses.values().flatten().for_each(&mut count);
        self.ranges
            .values()
            .flat_map(HashMap::values)
            .flatten()
            .for_each(&mut count);
        all
    }
}

fn in_force(entries: &[Entry], now: Timestamp) -> Option<&Entry> {
    entries.iter().find(|entry| entry.until > now)
}

fn take_out(all: &mut HashMap<IpAddr, Vec<Entry>>, address: &IpAddr, is_it: impl Fn(&Entry) -> bool) {
    if let Some(entries) = all.get_mut(address) {
        entries.retain(|entry| !is_it(entry));
        if entries.is_empty() {
            all.remove(address);
        }
    }
}

fn slot(range: &IpNet) -> (bool, u8) {
    (matches!(range, IpNet::V6(_)), range.prefix_len())
}

fn read(decision: &Decision, now: Timestamp) -> Option<(Entry, Place)> {
    let text = decision.duration.as_deref()?;
    let duration = golang::duration::Duration::parse(text).ok()?;
    let until = now.checked_add(SignedDuration::from_nanos(duration.0)).ok()?;
    let entry = Entry {
        id: decision.id,
        kind: decision.type_.clone()?,
        origin: decision.origin.clone().unwrap_or_default(),
        until,
    };
    (until > now).then_some((entry, place(decision)?))
}

/// Scopes are compared without case, as all bouncers do.
fn place(decision: &Decision) -> Option<Place> {
    let value = decision.value.as_deref()?.trim();
    let scope = decision.scope.as_deref()?;
    if scope.eq_ignore_ascii_case("ip") {
        let address: IpAddr = value.parse().ok()?;
        return Some(Place::Address(address.to_canonical()));
    }
    if scope.eq_ignore_ascii_case("range") {
        return value
            .parse::<IpNet>()
            .ok()
            .map(|range| Place::Range(range.trunc()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(id: i64, scope: &str, value: &str, kind: &str) -> Decision {
        Decision {
            id,
            duration: Some("4h".into()),
            origin: Some("crowdsec".into()),
            scope: Some(scope.into()),
            type_: Some(kind.into()),
            value: Some(value.into()),
            ..Decision::default()
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn asked(decisions: &Decisions, address: &str, hours: i64) -> Option<String> {
        let verdict = decisions.verdict(address.parse().unwrap(), at(hours));
        verdict.map(|verdict| verdict.kind)
    }

    #[test]
    fn addresses_and_ranges_are_found_and_end_by_themselves() {
        let mut all = Decisions::default();
        for (id, scope, value) in [
            (1, "Ip", "192.0.2.1"),
            (2, "range", "198.51.100.77/24"),
            (3, "Range", "2001:db8::/32"),
        ] {
            all.add(&decision(id, scope, value, "ban"), at(0));
        }
        assert_eq!(asked(&all, "192.0.2.1", 3).as_deref(), Some("ban"));
        assert_eq!(asked(&all, "192.0.2.2", 3), None);
        assert_eq!(asked(&all, "198.51.100.1", 3).as_deref(), Some("ban"));
        assert_eq!(asked(&all, "2001:db8:1::1", 3).as_deref(), Some("ban"));
        assert_eq!(asked(&all, "192.0.2.1", 4), None);
        all.sweep(at(4));
        assert!(all.addresses.is_empty() && all.ranges.is_empty());
    }

    #[test]
    fn the_narrowest_decision_speaks() {
        let mut all = Decisions::default();
        all.add(&decision(1, "Range", "192.0.0.0/16", "captcha"), at(0));
        all.add(&decision(2, "Range", "192.0.2.0/24", "throttle"), at(0));
        assert_eq!(asked(&all, "192.0.2.1", 0).as_deref(), Some("throttle"));
        all.add(&decision(3, "Ip", "192.0.2.1", "ban"), at(0));
        assert_eq!(asked(&all, "192.0.2.1", 0).as_deref(), Some("ban"));
        assert_eq!(asked(&all, "192.0.9.9", 0).as_deref(), Some("captcha"));
    }

    #[test]
    fn one_of_two_decisions_about_an_address_can_end() {
        let mut all = Decisions::default();
        all.add(&decision(1, "Ip", "192.0.2.1", "ban"), at(0));
        all.add(&decision(2, "Ip", "192.0.2.1", "ban"), at(0));
        all.add(&decision(2, "Ip", "192.0.2.1", "ban"), at(0));
        assert_eq!(all.by_origin(), BTreeMap::from([("crowdsec".to_owned(), 2)]));
        all.remove(&decision(1, "Ip", "192.0.2.1", "ban"));
        assert!(asked(&all, "192.0.2.1", 0).is_some());
        all.remove(&decision(2, "Ip", "192.0.2.1", "ban"));
        all.remove(&decision(9, "Ip", "192.0.2.9", "ban"));
        assert_eq!(asked(&all, "192.0.2.1", 0), None);
    }

    #[test]
    fn what_is_no_address_or_no_decision_is_left_out() {
        let mut all = Decisions::default();
        all.add(&decision(1, "Country", "FR", "ban"), at(0));
        all.add(&decision(2, "Ip", "nonsense", "ban"), at(0));
        let ended = Decision {
            duration: Some("-1s".into()),
            ..decision(3, "Ip", "192.0.2.1", "ban")
        };
        all.add(&ended, at(0));
        assert!(all.by_origin().is_empty());
    }
}
