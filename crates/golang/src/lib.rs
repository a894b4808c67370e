//! The formats Go programs write and read: YAML, durations, times, fmt, regular expressions, JSON.
