//! The expression language of filters, statics and profiles.
