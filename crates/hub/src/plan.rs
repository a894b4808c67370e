//! Decides what an install, removal or upgrade does, without doing it.
//! Upstream: `pkg/hubops`.

use std::collections::{BTreeMap, BTreeSet};

use crate::item::Item;
use crate::kind::{ItemRef, ItemType};
use crate::state::Hub;

/// What will be done, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub actions: Vec<Action>,
    /// What a person should know about items that were left out.
    pub notes: Vec<Note>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Write the item's latest file into the hub folder, and its data files.
    Download {
        /// The item.
        id: ItemRef,
        /// Version on disk, empty when there is none.
        from: String,
        /// Version that comes.
        to: String,
    },
    /// Link it into the configuration folder.
    Enable(ItemRef),
    /// Remove the link.
    Disable(ItemRef),
    /// Remove the file from the hub folder.
    Purge(ItemRef),
    /// Look for newer data files of the installed items.
    RefreshData {
        /// Get them even when they look current.
        force: bool,
    },
}

/// A sentence about an item that the plan leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Nothing is wrong.
    Info(String),
    /// The user asked for something that is not done.
    Warning(String),
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanError {
    /// No such item.
    #[error("can't find '{name}' in {kind}{}", nearest.as_ref().map_or_else(String::new, |name| format!(", did you mean '{name}'?")))]
    Unknown {
        /// Asked type.
        kind: ItemType,
        /// Asked name.
        name: String,
        /// A name that is nearly the same.
        nearest: Option<String>,
    },
    /// Removing it would lose somebody's change.
    #[error("{0} is tainted, use '--force' to remove")]
    Tainted(String),
}

/// How an install is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstallOptions {
    /// Only into the hub folder.
    pub download_only: bool,
    /// Over changed files.
    pub force: bool,
}

/// How a removal is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct RemoveOptions {
    /// Also from the hub folder.
    pub purge: bool,
    /// Changed items, and parts of installed collections.
    pub force: bool,
}

/// Builds a plan step by step; a step that is already there is not added again.
pub struct Planner<'a> {
    hub: &'a Hub,
    plan: Plan,
    seen: BTreeSet<(u8, ItemRef)>,
    visited: BTreeSet<(u8, ItemRef)>,
}

impl Hub {
    /// Returns the item, or the error with the nearest name.
    pub fn find(&self, kind: ItemType, name: &str) -> Result<&Item, PlanError> {
        self.get(&ItemRef::new(kind, name))
            .ok_or_else(|| PlanError::Unknown {
                kind,
                name: name.to_owned(),
                nearest: self.nearest(kind, name).map(str::to_owned),
            })
    }
}

impl<'a> Planner<'a> {
    /// Starts an empty plan.
    pub fn new(hub: &'a Hub) -> Self {
        Self {
            hub,
            plan: Plan::default(),
            seen: BTreeSet::new(),
            visited: BTreeSet::new(),
        }
    }

    /// Returns the plan.
    pub fn finish(self) -> Plan {
        self.plan
    }

    /// Adds the installation of one item with all its parts.
    pub fn install(&mut self, kind: ItemType, name: &str, options: InstallOptions) -> Result<(), PlanError> {
        let id = self.hub.find(kind, name)?.id.clone();
        self.download(&id, options.force);
        if !options.download_only {
            self.enable(&id);
        }
        Ok(())
    }

    /// Adds the upgrade of one item; new parts are installed, parts it no longer has are disabled.
    pub fn upgrade(&mut self, kind: ItemType, name: &str, force: bool) -> Result<(), PlanError> {
        let id = self.hub.find(kind, name)?.id.clone();
        self.download(&id, force);
        Ok(())
    }

    /// Adds a look at the data files of everything installed.
    pub fn refresh_data(&mut self, force: bool) {
        self.plan.actions.push(Action::RefreshData { force });
    }

    /// Adds the removal of one item with the parts no other installed collection needs.
    /// `all` means that every item of the type goes, so that parents are no reason to stay.
    pub fn remove(
        &mut self,
        kind: ItemType,
        name: &str,
        options: RemoveOptions,
        all: bool,
    ) -> Result<(), PlanError> {
        let item = self.hub.find(kind, name)?;
        let parents = self.hub.installed_parents(item);
        if !all && !options.force && !parents.is_empty() {
            let parents = parents.join(" ");
            self.warn(format!("{name} belongs to collections: [{parents}]"));
            self.warn(format!(
                "Run 'sudo cscli {kind} remove {name} --force' if you want to force remove this {}",
                kind.singular()
            ));
            return Ok(());
        }
        let id = item.id.clone();
        self.disable(&id, options.force)?;
        if options.purge {
            self.purge(&id, options.force)?;
        }
        Ok(())
    }

    fn download(&mut self, id: &ItemRef, force: bool) {
        const STEP: u8 = 0;
        let Some(item) = self.hub.get(id) else {
            self.warn(format!("{id} is not in the hub index"));
            return;
        };
        if !self.visited.insert((STEP, id.clone())) {
            return;
        }
        if item.state.local {
            self.plan
                .notes
                .push(Note::Info(format!("{id} - not downloading local item")));
            return;
        }
        if item.state.tainted && !force {
            self.warn(format!("{id} is tainted, use '--force' to overwrite"));
            return;
        }
        let latest = item.latest().refs();
        for part in &latest {
            self.download(part, force);
            if item.state.is_installed() {
                self.enable(part);
            }
        }
        if item.state.is_installed() {
            for obsolete in item.current.refs().iter().filter(|part| !latest.contains(part)) {
                self.disable_obsolete(id, obsolete, force);
            }
        }
        let Some(entry) = &item.entry else { return };
        let is_current = item.state.is_downloaded()
            && item.state.local_hash == entry.digest()
            && !(force && item.state.tainted);
        if !is_current {
            let from = item.state.local_version.clone();
            self.push(
                STEP,
                id,
                Action::Download {
                    id: id.clone(),
                    from,
                    to: entry.version.clone(),
                },
            );
        }
    }

    fn enable(&mut self, id: &ItemRef) {
        const STEP: u8 = 1;
        let Some(item) = self.hub.get(id) else { return };
        if item.state.local || !self.visited.insert((STEP, id.clone())) {
            return;
        }
        for part in item.latest().refs() {
            self.enable(&part);
        }
        if !item.state.is_installed() {
            self.push(STEP, id, Action::Enable(id.clone()));
        }
    }

    fn disable_obsolete(&mut self, parent: &ItemRef, id: &ItemRef, force: bool) {
        let Some(item) = self.hub.get(id) else { return };
        let others = self.hub.installed_parents(item);
        if others.iter().all(|name| *name == parent.name)
            && let Err(error) = self.disable(id, force)
        {
            self.warn(error.to_string());
        }
    }

    fn disable(&mut self, id: &ItemRef, force: bool) -> Result<(), PlanError> {
        const STEP: u8 = 2;
        self.take_away(STEP, id, force, |item| item.state.is_installed(), Action::Disable)
    }

    fn purge(&mut self, id: &ItemRef, force: bool) -> Result<(), PlanError> {
        const STEP: u8 = 3;
        self.take_away(STEP, id, force, |item| item.state.is_downloaded(), Action::Purge)
    }

    fn take_away(
        &mut self,
        step: u8,
        id: &ItemRef,
        force: bool,
        present: fn(&Item) -> bool,
        action: fn(ItemRef) -> Action,
    ) -> Result<(), PlanError> {
        let Some(item) = self.hub.get(id) else {
            return Ok(());
        };
        if !self.visited.insert((step, id.clone())) {
            return Ok(());
        }
        if item.state.local {
            self.warn(format!("{id} is a local item, please delete manually"));
            return Ok(());
        }
        if item.state.tainted && !force {
            return Err(PlanError::Tainted(id.name.clone()));
        }
        if !present(item) {
            return Ok(());
        }
        for part in self.removable_parts(item) {
            if self
                .hub
                .get(&part)
                .is_some_and(|part| present(part) && !part.state.local)
            {
                self.take_away(step, &part, force, present, action)?;
            }
        }
        self.push(step, id, action(id.clone()));
        Ok(())
    }

    /// Returns the parts that no installed collection outside `item` needs.
    fn removable_parts(&mut self, item: &Item) -> Vec<ItemRef> {
        let inside = self.hub.descendants(&item.id);
        let ancestors = &item.state.belongs_to;
        let mut parts = Vec::new();
        for part in item.current.refs() {
            let Some(child) = self.hub.get(&part) else {
                continue;
            };
            let keeper = self.hub.installed_parents(child).into_iter().find(|parent| {
                *parent != item.id.name
                    && !ancestors.iter().any(|ancestor| ancestor == parent)
                    && !inside.contains(&ItemRef::new(ItemType::Collections, *parent))
            });
            match keeper {
                Some(keeper) => {
                    let text = format!(
                        "{} was not removed because it also belongs to {keeper}",
                        part.name
                    );
                    self.plan.notes.push(Note::Info(text));
                }
                None => parts.push(part),
            }
        }
        parts
    }

    fn warn(&mut self, text: String) {
        self.plan.notes.push(Note::Warning(text));
    }

    fn push(&mut self, step: u8, id: &ItemRef, action: Action) {
        if self.seen.insert((step, id.clone())) {
            self.plan.actions.push(action);
        }
    }
}

impl Plan {
    /// Returns the plan a line a type and step, sorted by name: what a person reads before agreeing.
    pub fn compact(&self) -> String {
        let mut groups: BTreeMap<(u8, u8), Vec<(String, String)>> = BTreeMap::new();
        for action in &self.actions {
            let key = (action.step(), action.id().map_or(0, |id| type_rank(id.kind)));
            groups.entry(key).or_default().push(action.sortable());
        }
        let mut text = String::new();
        let mut last_step = None;
        for ((step, rank), mut names) in groups {
            names.sort();
            if last_step != Some(step) {
                text.push_str(step_text(step));
                text.push('\n');
                last_step = Some(step);
            }
            if step != REFRESH {
                let kind = ItemType::ALL.into_iter().find(|kind| type_rank(*kind) == rank);
                let names: Vec<String> = names.into_iter().map(|(_, detail)| detail).collect();
                text.extend([
                    " ",
                    kind.map_or("", ItemType::as_str),
                    ": ",
                    &names.join(", "),
                    "
",
                ]);
            }
        }
        text
    }

    /// Returns the plan a line a step in the order of execution.
    pub fn verbose(&self) -> String {
        self.actions
            .iter()
            .map(|action| {
                let detail = action.detail(true);
                let sign = step_text(action.step());
                if detail.is_empty() {
                    format!("{sign}\n")
                } else {
                    format!("{sign} {detail}\n")
                }
            })
            .collect()
    }

    /// Returns whether the engine's set of items changes, so that it has to be told to reload.
    pub fn needs_reload(&self) -> bool {
        self.actions.iter().any(|action| {
            matches!(
                action,
                Action::Download { .. } | Action::Enable(_) | Action::Disable(_)
            )
        })
    }
}

const REFRESH: u8 = 4;

impl Action {
    /// Returns the item the step is about.
    pub fn id(&self) -> Option<&ItemRef> {
        match self {
            Self::Download { id, .. } | Self::Enable(id) | Self::Disable(id) | Self::Purge(id) => Some(id),
            Self::RefreshData { .. } => None,
        }
    }

    fn step(&self) -> u8 {
        match self {
            Self::Download { .. } => 0,
            Self::Enable(_) => 1,
            Self::Disable(_) => 2,
            Self::Purge(_) => 3,
            Self::RefreshData { .. } => REFRESH,
        }
    }

    fn sortable(&self) -> (String, String) {
        let name = self.id().map(|id| id.name.clone()).unwrap_or_default();
        (name, self.detail(false))
    }

    fn detail(&self, with_type: bool) -> String {
        let Some(id) = self.id() else { return String::new() };
        let name = if with_type {
            id.to_string()
        } else {
            id.name.clone()
        };
        match self {
            Self::Download { from, to, .. } if from.is_empty() => format!("{name} ({to})"),
            Self::Download { from, to, .. } => format!("{name} ({from} -> {to})"),
            _ => name,
        }
    }
}

fn step_text(step: u8) -> &'static str {
    match step {
        0 => "📥 download",
        1 => "✅ enable",
        2 => "❌ disable",
        3 => "🗑 purge (delete source)",
        _ => "🔄 check & update data files",
    }
}

/// Collections first: the compact plan goes from the whole to the parts, as upstream's.
fn type_rank(kind: ItemType) -> u8 {
    match kind {
        ItemType::Collections => 0,
        ItemType::AppsecRules => 1,
        ItemType::AppsecConfigs => 2,
        ItemType::Contexts => 3,
        ItemType::Scenarios => 4,
        ItemType::Postoverflows => 5,
        ItemType::Parsers => 6,
    }
}
