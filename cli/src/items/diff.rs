//! The difference of two short texts, line by line, in the form of `diff -u`.

/// Lines of agreement shown around a change.
const CONTEXT: usize = 3;
/// Above this the quadratic table is not worth its memory; items are a few hundred lines.
const MAX_LINES: usize = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Both,
    Old,
    New,
}

/// Returns what turns `old` into `new`, empty when they are equal.
pub(super) fn unified(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let a: Vec<&str> = old.lines().take(MAX_LINES).collect();
    let b: Vec<&str> = new.lines().take(MAX_LINES).collect();
    let script = script(&a, &b);
    let mut text = format!("--- {old_name}\n+++ {new_name}\n");
    for (start, end) in hunks(&script) {
        let before = script.iter().take(start);
        let (old_start, new_start) = before.fold((1, 1), |(old, new), (side, _)| {
            (
                old + usize::from(*side != Side::New),
                new + usize::from(*side != Side::Old),
            )
        });
        let hunk = script.get(start..end).unwrap_or_default();
        let old_count = hunk.iter().filter(|(side, _)| *side != Side::New).count();
        let new_count = hunk.iter().filter(|(side, _)| *side != Side::Old).count();
        crate::output::line(
            &mut text,
            format_args!("@@ -{old_start},{old_count} +{new_start},{new_count} @@"),
        );
        for (side, line) in hunk {
            let sign = match side {
                Side::Both => ' ',
                Side::Old => '-',
                Side::New => '+',
            };
            crate::output::line(&mut text, format_args!("{sign}{line}"));
        }
    }
    text
}

/// The longest common subsequence as a list of kept, removed and added lines.
fn script<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<(Side, &'a str)> {
    let width = b.len() + 1;
    let mut table = vec![0u32; (a.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or(0);
    for (i, line) in a.iter().enumerate().rev() {
        for (j, other) in b.iter().enumerate().rev() {
            let value = if line == other {
                at(&table, i + 1, j + 1) + 1
            } else {
                at(&table, i + 1, j).max(at(&table, i, j + 1))
            };
            if let Some(cell) = table.get_mut(i * width + j) {
                *cell = value;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut script = Vec::with_capacity(a.len() + b.len());
    loop {
        match (a.get(i), b.get(j)) {
            (Some(line), Some(other)) if line == other => {
                script.push((Side::Both, *line));
                i += 1;
                j += 1;
            }
            (Some(line), other) if other.is_none() || at(&table, i + 1, j) >= at(&table, i, j + 1) => {
                script.push((Side::Old, *line));
                i += 1;
            }
            (_, Some(other)) => {
                script.push((Side::New, *other));
                j += 1;
            }
            _ => return script,
        }
    }
}

fn hunks(script: &[(Side, &str)]) -> Vec<(usize, usize)> {
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for (position, _) in script
        .iter()
        .enumerate()
        .filter(|(_, (side, _))| *side != Side::Both)
    {
        let start = position.saturating_sub(CONTEXT);
        let end = (position + CONTEXT + 1).min(script.len());
        match hunks.last_mut() {
            Some((_, last)) if *last >= start => *last = end,
            _ => hunks.push((start, end)),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\n";
        let new = "a\nb\nc\nd\nE\nf\ng\nh\n";
        insta::assert_snapshot!(unified("old", old, "new", new), @r"
        --- old
        +++ new
        @@ -2,7 +2,7 @@
         b
         c
         d
        -e
        +E
         f
         g
         h
        ");
        assert_eq!(unified("old", old, "new", old), "");
    }
}
