//! The HTTP client for the Local API.
