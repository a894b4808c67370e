//! The detection engine: events, parsers, buckets, alerts; no IO and no clock.
