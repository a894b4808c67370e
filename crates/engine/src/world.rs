//! Everything a rule may look at besides the event: data files, pattern files, GeoIP, time zone, and the outside world.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use expr::LogLevel;

use crate::{Text, stash::Stash};

/// What the caller built before loading items; immutable for the life of the rules, shared by all workers.
pub struct World {
    /// Grok pattern files (`config/patterns`), in file-name order.
    pub patterns: Vec<PatternFile>,
    /// Texts of data files by `dest_file`; which kind a file is stands in the items that name it.
    pub data: BTreeMap<String, Arc<str>>,
    /// `GeoLite2-City.mmdb`; `None` makes its lookups answer nothing.
    pub geoip_city: Option<Mmdb>,
    /// `GeoLite2-ASN.mmdb`; `None` makes its lookups answer nothing.
    pub geoip_asn: Option<Mmdb>,
    /// Zone of dates that are formatted in the process's zone.
    pub zone: jiff::tz::TimeZone,
    /// Caches that parsers fill; the caller may carry them over a reload.
    pub stash: Arc<Stash>,
    /// The outside world: names, logs.
    pub outside: Arc<dyn Outside>,
}

/// A grok pattern file: lines of `NAME pattern`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFile {
    /// File name; one with a dot is skipped, as upstream does.
    pub name: String,
    /// The lines.
    pub text: String,
}

/// An open `MaxMind` database.
pub type Mmdb = maxminddb::Reader<Vec<u8>>;

/// What only the shell can do for an expression or an enricher; every answer may be "not available".
pub trait Outside: Send + Sync {
    /// Returns the first name of `address`, with its trailing dot; `None` when there is none or no resolver.
    fn reverse_dns(&self, address: IpAddr) -> Option<String> {
        let _ = address;
        None
    }

    /// Takes a line for the log: of an expression (`LogInfo`), or of an item that failed at run time.
    fn log(&self, level: LogLevel, message: &str) {
        let _ = (level, message);
    }
}

/// An outside world that is not there: tests, `explain`, `hubtest`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Outside for Nowhere {}

impl Default for World {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            data: BTreeMap::new(),
            geoip_city: None,
            geoip_asn: None,
            zone: jiff::tz::TimeZone::UTC,
            stash: Arc::default(),
            outside: Arc::new(Nowhere),
        }
    }
}

impl World {
    /// Returns the text of the data file `name`.
    pub fn data_text(&self, name: &str) -> Option<Text> {
        self.data.get(name).map(|text| Text::from(&**text))
    }
}
