//! What helpers see of the world: data files, stash, GeoIP, the time of the run, the log.

use expr::{EvalError, Host, LogLevel, Map, Value};
use golang::duration::Duration;
use jiff::Timestamp;

use crate::{Text, World, data::DataFiles, enrich::geoip};

/// The world of one run.
pub struct RunHost<'a> {
    world: &'a World,
    data: Option<&'a DataFiles>,
    now: Timestamp,
}

impl<'a> RunHost<'a> {
    /// Returns the world as it is at `now`.
    pub fn new(world: &'a World, data: &'a DataFiles, now: Timestamp) -> Self {
        Self {
            world,
            data: Some(data),
            now,
        }
    }

    /// Returns a world whose items name no data files.
    pub fn bare(world: &'a World, now: Timestamp) -> Self {
        Self {
            world,
            data: None,
            now,
        }
    }

    /// Returns the world.
    pub fn world(&self) -> &'a World {
        self.world
    }

    /// Returns the time of the run.
    pub fn time(&self) -> Timestamp {
        self.now
    }
}

impl Host for RunHost<'_> {
    fn now(&self) -> Option<Timestamp> {
        Some(self.now)
    }

    fn file(&self, name: &str) -> Option<Value> {
        self.data?.lines(name)
    }

    fn regexp_in_file(&self, subject: &str, name: &str) -> Option<bool> {
        self.data?.is_match(name, subject)
    }

    fn lookup_file(&self, subject: &str, name: &str) -> Option<Text> {
        self.data?.lookup(name, subject)
    }

    fn file_map(&self, name: &str) -> Option<Value> {
        self.data?.entries(name)
    }

    fn stash_get(&self, cache: &str, key: &str) -> Option<Text> {
        self.world.stash.get(cache, key, self.now)
    }

    fn stash_set(
        &self,
        cache: &str,
        key: &str,
        value: &str,
        expires: Option<Duration>,
    ) -> Result<(), EvalError> {
        if self.world.stash.set(cache, key, value, expires, self.now) {
            return Ok(());
        }
        Err(EvalError::new(format!("cache {cache} not found")))
    }

    fn geoip(&self, question: &'static str, address: &str) -> Option<Value> {
        let address = address.parse().ok()?;
        match question {
            "range" => geoip::range(self.world, address).map(Value::text),
            "city" => Some(pairs(geoip::city(self.world, address))),
            "asn" => Some(pairs(geoip::asn(self.world, address))),
            "country" => geoip::country(self.world, address).map(Value::text),
            _ => None,
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.world.outside.log(level, message);
    }
}

fn pairs(found: Vec<(&'static str, String)>) -> Value {
    Value::map(Map::of_strings(found))
}
