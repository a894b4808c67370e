//! Configuration files, as written (raw) and with paths and defaults in place (resolved).
