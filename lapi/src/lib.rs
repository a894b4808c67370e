//! The Local API: HTTP, store, read model.
