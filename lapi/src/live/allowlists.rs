//! Allowlists: addresses that no decision may touch.
//!
//! Upstream: `pkg/database/allowlists.go`.

use jiff::Timestamp;
use wire::range::Range;

/// All lists with their items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowlists {
    /// Sorted by name, in byte order.
    pub lists: Vec<List>,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Unique name.
    pub name: String,
    /// Identity given by the console.
    pub console_id: String,
    /// Whether the console owns it.
    pub from_console: bool,
    /// For people.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its items.
    pub items: Vec<Item>,
}

/// One address or network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// As written.
    pub value: String,
    /// For people.
    pub comment: String,
    /// Parsed.
    pub range: Range,
    /// When it was made.
    pub created_at: Timestamp,
    /// End; `None` = never.
    pub expires_at: Option<Timestamp>,
}

impl Item {
    /// Says whether it has not expired.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

impl Allowlists {
    /// Returns a reason for each item that holds the range or lies within it, by list name.
    pub fn reasons(&self, range: &Range, now: Timestamp) -> Vec<String> {
        let mut reasons = Vec::new();
        for list in &self.lists {
            for item in list.items.iter().filter(|item| item.is_current(now)) {
                if !item.range.contains(range) && !range.contains(&item.range) {
                    continue;
                }
                let mut reason = format!("{} from {}", item.value, list.name);
                if !item.comment.is_empty() {
                    reason = format!("{reason} ({})", item.comment);
                }
                reasons.push(reason);
            }
        }
        reasons
    }

    /// Returns a list by name.
    pub fn named(&self, name: &str) -> Option<&List> {
        self.lists.iter().find(|list| list.name == name)
    }
}
