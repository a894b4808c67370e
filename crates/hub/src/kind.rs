//! The types of content, and the names of items.

use std::fmt;

/// The kinds of content, in the order in which upstream visits them. Upstream: `cwhub.ItemTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemType {
    /// Turn a line into an event.
    Parsers,
    /// Run on an alert before it leaves.
    Postoverflows,
    /// Turn events into alerts.
    Scenarios,
    /// Add fields to alerts.
    Contexts,
    /// WAF rule selections.
    AppsecConfigs,
    /// WAF rules.
    AppsecRules,
    /// Lists of other items.
    Collections,
}

impl ItemType {
    /// Every type, in upstream's order.
    pub const ALL: [Self; 7] = [
        Self::Parsers,
        Self::Postoverflows,
        Self::Scenarios,
        Self::Contexts,
        Self::AppsecConfigs,
        Self::AppsecRules,
        Self::Collections,
    ];

    /// Returns the plural name: folder name, key of the index and `cscli` noun.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parsers => "parsers",
            Self::Postoverflows => "postoverflows",
            Self::Scenarios => "scenarios",
            Self::Contexts => "contexts",
            Self::AppsecConfigs => "appsec-configs",
            Self::AppsecRules => "appsec-rules",
            Self::Collections => "collections",
        }
    }

    /// Returns the singular used in sentences.
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Parsers => "parser",
            Self::Postoverflows => "postoverflow",
            Self::Scenarios => "scenario",
            Self::Contexts => "context",
            Self::AppsecConfigs => "appsec-config",
            Self::AppsecRules => "appsec-rule",
            Self::Collections => "collection",
        }
    }

    /// Returns the type whose plural name is `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Returns whether items of this type live in stage folders (`parsers/s01-parse/…`).
    pub const fn has_stages(self) -> bool {
        matches!(self, Self::Parsers | Self::Postoverflows)
    }
}

impl fmt::Display for ItemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names an item: type and `author/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemRef {
    /// Its type.
    pub kind: ItemType,
    /// `author/name`, or whatever a local item calls itself.
    pub name: String,
}

impl ItemRef {
    /// Returns the reference to `name` of type `kind`.
    pub fn new(kind: ItemType, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }
}

impl fmt::Display for ItemRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}
