//! The key of a bouncer: when it is made, when another takes its place, how long the old one works on; pure.
//!
//! What has to survive a restart of the operator stands in annotations of the Secret, beside the key it is about.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// Number of the key in the Secret.
pub const VERSION: &str = "crowdsec-operator.dev/key-version";
/// When that key was made, RFC 3339.
pub const MADE: &str = "crowdsec-operator.dev/key-made";
/// Until when the keys before it work on, RFC 3339.
pub const PREVIOUS_UNTIL: &str = "crowdsec-operator.dev/previous-key-until";
/// Value of [`ROTATE`] that was obeyed.
pub const ROTATED_FOR: &str = "crowdsec-operator.dev/rotated-for";
/// Annotation of a Bouncer; each new value asks for a new key.
pub const ROTATE: &str = "crowdsec-operator.dev/rotate";

/// What is known of the key in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Number of the key, counted from 1.
    pub version: i64,
    /// When it was made.
    pub made: Timestamp,
    /// Until when the keys before it are valid; none when there are none.
    pub previous_until: Option<Timestamp>,
    /// Value of the Bouncer's annotation that was obeyed last.
    pub rotated_for: Option<String>,
}

/// What the spec and the annotations of a Bouncer ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Age at which a key is replaced.
    pub interval: Option<SignedDuration>,
    /// How long the old key stays valid.
    pub overlap: SignedDuration,
    /// Value of [`ROTATE`].
    pub rotate: Option<String>,
}

/// What happens to the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It stays; the state may differ in what became of the old keys.
    Keep(KeyState),
    /// A new one is made.
    Make(KeyState),
}

impl KeyState {
    /// Reads the state from a Secret's annotations; none when they are missing or spoilt.
    pub fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let time = |name: &str| annotations.get(name).and_then(|text| text.parse().ok());
        Some(Self {
            version: annotations
                .get(VERSION)?
                .parse()
                .ok()
                .filter(|version| *version > 0)?,
            made: time(MADE)?,
            previous_until: time(PREVIOUS_UNTIL),
            rotated_for: annotations.get(ROTATED_FOR).cloned(),
        })
    }

    /// Returns the annotations that say it.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::from([
            (VERSION.to_owned(), self.version.to_string()),
            (MADE.to_owned(), self.made.to_string()),
        ]);
        if let Some(until) = self.previous_until {
            all.insert(PREVIOUS_UNTIL.to_owned(), until.to_string());
        }
        if let Some(value) = &self.rotated_for {
            all.insert(ROTATED_FOR.to_owned(), value.clone());
        }
        all
    }

    /// Says whether a key of `version` is valid at `now`.
    pub fn is_valid(&self, version: i64, now: Timestamp) -> bool {
        version == self.version
            || version == self.version - 1 && self.previous_until.is_some_and(|until| now < until)
    }

    /// Returns when something is to be done next.
    pub fn next(&self, wish: &Wish, now: Timestamp) -> Option<Timestamp> {
        let rotation = wish.interval.and_then(|age| self.made.checked_add(age).ok());
        let ending = self.previous_until.filter(|until| *until > now);
        rotation.into_iter().chain(ending).min()
    }
}

/// Decides about the key. `highest` is the largest version that was ever seen: a number is never used for two keys.
pub fn decide(state: Option<&KeyState>, has_key: bool, highest: i64, wish: &Wish, now: Timestamp) -> Step {
    let made = |version: i64, had_one: bool| KeyState {
        version,
        made: now,
        previous_until: (had_one && wish.overlap > SignedDuration::ZERO)
            .then(|| now.checked_add(wish.overlap).ok())
            .flatten(),
        rotated_for: wish.rotate.clone(),
    };
    let Some(state) = state.filter(|_| has_key) else {
        // A Secret that somebody deleted asks for a new key; whoever holds the old one has the overlap to change.
        return Step::Make(made(highest.max(0) + 1, highest > 0));
    };
    let is_old = wish
        .interval
        .is_some_and(|age| state.made.checked_add(age).is_ok_and(|due| due <= now));
    let is_asked = wish.rotate.is_some() && wish.rotate != state.rotated_for;
    if is_old || is_asked {
        return Step::Make(made(state.version.max(highest) + 1, true));
    }
    Step::Keep(KeyState {
        previous_until: state.previous_until.filter(|until| now < *until),
        ..state.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn state() -> KeyState {
        KeyState {
            version: 3,
            made: at(1000),
            previous_until: Some(at(1500)),
            rotated_for: Some("monday".into()),
        }
    }

    fn wish() -> Wish {
        Wish {
            interval: None,
            overlap: SignedDuration::from_secs(60),
            rotate: Some("monday".into()),
        }
    }

    #[track_caller]
    fn makes(step: Step, version: i64, previous_until: Option<i64>) {
        let Step::Make(state) = step else {
            panic!("the key is kept: {step:?}")
        };
        assert_eq!(
            (state.version, state.previous_until),
            (version, previous_until.map(at))
        );
    }

    #[test]
    fn the_first_key_has_no_key_before_it() {
        makes(decide(None, false, 0, &wish(), at(2000)), 1, None);
    }

    #[test]
    fn a_lost_secret_gets_a_new_number_and_the_old_key_its_overlap() {
        makes(decide(None, false, 3, &wish(), at(2000)), 4, Some(2060));
        makes(decide(Some(&state()), false, 3, &wish(), at(2000)), 4, Some(2060));
    }

    #[test]
    fn a_key_stays_until_it_is_old_or_another_is_asked_for() {
        let kept = decide(Some(&state()), true, 3, &wish(), at(1400));
        assert_eq!(kept, Step::Keep(state()));
        let old = Wish {
            interval: Some(SignedDuration::from_secs(500)),
            ..wish()
        };
        assert_eq!(
            decide(Some(&state()), true, 3, &old, at(1499)),
            Step::Keep(state())
        );
        makes(decide(Some(&state()), true, 3, &old, at(1500)), 4, Some(1560));
        let asked = Wish {
            rotate: Some("tuesday".into()),
            ..wish()
        };
        makes(decide(Some(&state()), true, 3, &asked, at(1400)), 4, Some(1460));
        let no_longer = Wish {
            rotate: None,
            ..wish()
        };
        assert_eq!(
            decide(Some(&state()), true, 3, &no_longer, at(1400)),
            Step::Keep(state())
        );
    }

    #[test]
    fn both_keys_are_valid_during_the_overlap_and_one_after_it() {
        assert!(state().is_valid(3, at(1499)) && state().is_valid(2, at(1499)));
        assert!(!state().is_valid(1, at(1499)) && !state().is_valid(2, at(1500)));
        let Step::Keep(later) = decide(Some(&state()), true, 3, &wish(), at(1500)) else {
            panic!("the key is replaced")
        };
        assert_eq!(later.previous_until, None);
        let at_once = Wish {
            overlap: SignedDuration::ZERO,
            rotate: Some("now".into()),
            ..wish()
        };
        makes(decide(Some(&state()), true, 3, &at_once, at(1400)), 4, None);
    }

    #[test]
    fn the_state_survives_as_annotations() {
        assert_eq!(KeyState::read(&state().annotations()), Some(state()));
        let bare = KeyState {
            previous_until: None,
            rotated_for: None,
            ..state()
        };
        assert_eq!(KeyState::read(&bare.annotations()), Some(bare));
        let spoilt = BTreeMap::from([(VERSION.to_owned(), "-1".to_owned())]);
        assert_eq!(KeyState::read(&spoilt), None);
    }

    #[test]
    fn the_next_date_is_the_earlier_of_rotation_and_the_end_of_the_overlap() {
        let wish = Wish {
            interval: Some(SignedDuration::from_secs(300)),
            ..wish()
        };
        assert_eq!(state().next(&wish, at(1100)), Some(at(1300)));
        assert_eq!(state().next(&Wish::default(), at(1100)), Some(at(1500)));
        assert_eq!(state().next(&Wish::default(), at(1600)), None);
    }
}
