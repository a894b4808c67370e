//! Cuts what is longer than its column. Upstream: `pkg/database/alerts.go`.

use wire::alert::Meta;

const EVENT: usize = 8191;
const META_VALUE: usize = 4095;
const META_KEY: usize = 255;
const MARK: &str = "<stripped>";

/// Serialises an event's facts; long values are halved until all fits.
pub(super) fn event_meta(mut meta: Vec<Meta>) -> String {
    let write = |meta: &[Meta]| wire::json::to_string(meta).unwrap_or_default();
    let mut text = write(&meta);
    let mut limit = 2048;
    while text.len() > EVENT && limit >= 1 {
        for fact in meta.iter_mut().filter(|fact| fact.value.len() > 2 * limit) {
            cut(&mut fact.value, limit);
            fact.value.push_str(MARK);
        }
        text = write(&meta);
        limit /= 2;
    }
    if text.len() > EVENT { String::new() } else { text }
}

/// Cuts the alert context to its columns.
pub(super) fn alert_meta(meta: &mut [Meta]) {
    for fact in meta {
        cut(&mut fact.value, META_VALUE);
        cut(&mut fact.key, META_KEY);
    }
}

/// Cuts at a character boundary (upstream cuts bytes, which PostgreSQL then refuses).
fn cut(text: &mut String, limit: usize) {
    text.truncate(text.floor_char_boundary(limit));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_facts_are_cut_until_the_event_fits() {
        let fact = |size| Meta {
            key: "k".into(),
            value: "é".repeat(size),
        };
        let text = event_meta(vec![fact(9000), fact(10)]);
        assert!(
            text.len() <= EVENT && text.contains(r"\u003cstripped\u003e") && text.contains(&"é".repeat(10))
        );
        assert_eq!(event_meta((0..2000).map(|_| fact(1)).collect()), "");
    }
}
