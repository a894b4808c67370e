//! What loading collects while it goes through the items: names, compiled expressions, data files, problems.

use expr::{Library, Scheme};

use crate::{Problem, World, counters::Plan, data::DataFiles, env};

/// What loading collects while it goes through the items.
pub(crate) struct Loader<'w> {
    pub(crate) world: &'w World,
    pub(crate) count_nodes: bool,
    pub(crate) scheme: Scheme,
    pub(crate) library: Library,
    pub(crate) data: DataFiles,
    pub(crate) plan: Plan,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

impl<'w> Loader<'w> {
    pub(crate) fn new(world: &'w World, count_nodes: bool) -> Self {
        Self {
            world,
            count_nodes,
            scheme: env::scheme(),
            library: Library::new(&env::objects()),
            data: DataFiles::default(),
            plan: Plan::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }
}
