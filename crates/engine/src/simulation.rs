//! Simulation: which scenarios raise alerts whose decisions are recorded but not enforced.

use std::collections::BTreeSet;

/// Whether scenarios are simulated, and which are the exceptions. Upstream: `simulation.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simulation {
    /// What holds for all scenarios.
    pub everywhere: bool,
    /// Names of the scenarios for which the opposite holds.
    pub exclusions: BTreeSet<String>,
}

impl Simulation {
    /// Returns whether `scenario` is simulated: the general rule, turned around for the exclusions.
    pub fn is_simulated(&self, scenario: &str) -> bool {
        self.everywhere != self.exclusions.contains(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exclusion_turns_the_general_rule_around() {
        let exclusions = BTreeSet::from(["a/b".to_owned()]);
        for everywhere in [false, true] {
            let simulation = Simulation {
                everywhere,
                exclusions: exclusions.clone(),
            };
            assert_eq!(simulation.is_simulated("a/b"), !everywhere);
            assert_eq!(simulation.is_simulated("c/d"), everywhere);
        }
    }
}
