//! The hub: index, items, their state on disk, plans and downloads.
