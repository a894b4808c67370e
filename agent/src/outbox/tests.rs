//! The outbox over restarts without warning, full disks of its own making, and damage.

use std::fs;

use super::*;

fn sealed(n: u64, remediation: bool) -> Sealed {
    Sealed {
        key: format!("key{n}"),
        identity: format!("identity{n}"),
        remediation,
        body: format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(80)).into_bytes(),
    }
}

fn open(dir: &Path) -> Outbox {
    Outbox::open(dir, DEFAULT_LIMIT, 0).unwrap().0
}

fn keys(outbox: &Outbox) -> Vec<String> {
    outbox
        .take(usize::MAX, usize::MAX)
        .unwrap()
        .into_iter()
        .map(|letter| letter.key)
        .collect()
}

#[test]
fn alerts_outlive_the_process_and_finished_ones_do_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    outbox
        .append(None, (0..5).map(|n| sealed(n, true)).collect())
        .unwrap();
    let first = outbox.take(2, usize::MAX).unwrap();
    assert_eq!(first[0].body, sealed(0, true).body);
    outbox.finish(&[first[0].id, first[1].id]).unwrap();
    drop(outbox);
    let outbox = open(dir.path());
    assert_eq!(keys(&outbox), ["key2", "key3", "key4"]);
    outbox.append(None, vec![sealed(9, true)]).unwrap();
    assert_eq!(keys(&outbox), ["key2", "key3", "key4", "key9"]);
    assert_eq!(
        outbox.take(9, 150).unwrap().len(),
        1,
        "bounded by bytes beyond the first"
    );
}

#[test]
fn a_second_process_is_refused_with_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path());
    let error = Outbox::open(dir.path(), DEFAULT_LIMIT, 0).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("give each agent a data_dir of its own"),
        "{error}"
    );
}

#[test]
fn a_full_outbox_drops_the_oldest_without_remediation_first_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    let size = sealed(10, true).body.len() as u64;
    let outbox = Outbox::open(dir.path(), 4 * size, 0).unwrap().0;
    for n in 10..20 {
        outbox.append(None, vec![sealed(n, n % 2 == 0)]).unwrap();
    }
    assert_eq!(keys(&outbox), ["key12", "key14", "key16", "key18"]);
    let State { counts, pending, .. } = outbox.state();
    assert_eq!((counts.accepted, counts.dropped, pending), (10, 6, 4));
    drop(outbox);
    assert_eq!(keys(&open(dir.path())), ["key12", "key14", "key16", "key18"]);
}

#[test]
fn an_alert_that_is_being_sent_is_not_dropped_under_the_sender() {
    let dir = tempfile::tempdir().unwrap();
    let size = sealed(10, true).body.len() as u64;
    let outbox = Outbox::open(dir.path(), 2 * size, 0).unwrap().0;
    outbox
        .append(None, vec![sealed(10, false), sealed(11, true)])
        .unwrap();
    assert_eq!(outbox.take(1, usize::MAX).unwrap()[0].key, "key10");
    outbox.append(None, vec![sealed(12, true)]).unwrap();
    assert_eq!(keys(&outbox), ["key10", "key12"]);
}

#[test]
fn groups_after_the_checkpoint_come_back_with_their_identities() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let cut = |second| {
        Some(Cut {
            at: jiff::Timestamp::from_second(second).unwrap(),
            positions: Vec::new(),
        })
    };
    outbox.append(cut(1), vec![sealed(1, true)]).unwrap();
    let group = outbox.barrier().unwrap();
    outbox
        .append(cut(2), vec![sealed(2, true), sealed(3, true)])
        .unwrap();
    outbox.checkpointed(group).unwrap();
    drop(outbox);
    let (outbox, recent) = Outbox::open(dir.path(), DEFAULT_LIMIT, group).unwrap();
    assert_eq!(recent.len(), 1);
    assert_eq!((recent[0].cut.clone(), recent[0].identities.len()), (cut(2), 2));
    assert_eq!(keys(&outbox).len(), 3);
}

#[test]
fn a_file_of_finished_alerts_is_rewritten_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    for n in 0..6000 {
        outbox
            .append(None, vec![sealed(n, true), sealed(n + 100_000, true)])
            .unwrap();
        let oldest = outbox.take(2, usize::MAX).unwrap();
        if n < 5990 {
            outbox
                .finish(&oldest.iter().map(|letter| letter.id).collect::<Vec<_>>())
                .unwrap();
        }
    }
    let before = keys(&outbox);
    let size = || fs::metadata(dir.path().join(NAME)).unwrap().len();
    assert!(size() > COMPACT_ABOVE);
    let group = outbox.barrier().unwrap() - 1;
    outbox.checkpointed(group).unwrap();
    assert!(size() < 10_000, "{} bytes", size());
    outbox.append(None, vec![sealed(1, true)]).unwrap();
    drop(outbox);
    let (outbox, recent) = Outbox::open(dir.path(), DEFAULT_LIMIT, group).unwrap();
    assert_eq!(keys(&outbox).len(), before.len() + 1);
    assert_eq!(keys(&outbox)[..before.len()], before);
    assert_eq!(recent.len(), 2);
    assert_eq!(outbox.barrier().unwrap(), group + 2);
}

#[test]
fn damage_anywhere_never_panics_and_keeps_what_stands_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    let mut ends = Vec::new();
    let path = dir.path().join(NAME);
    for n in 0..30 {
        outbox.append(None, vec![sealed(n, true)]).unwrap();
        ends.push(fs::metadata(&path).unwrap().len());
    }
    drop(outbox);
    let good = fs::read(&path).unwrap();
    for step in 0..1000_usize {
        let at = step * 7919 % good.len();
        let mut damaged = good.clone();
        damaged[at] = damaged[at].wrapping_add(u8::try_from(1 + step % 255).unwrap());
        fs::write(&path, &damaged).unwrap();
        let outbox = open(dir.path());
        let whole = if at < MAGIC.len() {
            0
        } else {
            ends.iter().filter(|end| **end <= at as u64).count()
        };
        let expected: Vec<String> = (0..whole).map(|n| format!("key{n}")).collect();
        assert_eq!(keys(&outbox), expected, "byte {at}");
        outbox.append(None, vec![sealed(77, true)]).unwrap();
        drop(outbox);
        assert_eq!(keys(&open(dir.path())).last().unwrap(), "key77");
    }
}

#[test]
fn a_disk_that_takes_nothing_degrades_to_memory_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = open(dir.path());
    outbox.append(None, vec![sealed(1, true)]).unwrap();
    // A file that can only be read stands for a full disk.
    outbox.lock().file = File::open(dir.path().join(NAME)).unwrap();
    fs::create_dir(dir.path().join("outbox.tmp")).unwrap();
    assert!(outbox.append(None, vec![sealed(2, true)]).is_err());
    assert!(outbox.state().is_degraded && outbox.barrier().is_err());
    assert_eq!(keys(&outbox), ["key1", "key2"]);
    fs::remove_dir(dir.path().join("outbox.tmp")).unwrap();
    outbox.append(None, vec![sealed(3, true)]).unwrap();
    assert!(!outbox.state().is_degraded);
    drop(outbox);
    assert_eq!(keys(&open(dir.path())), ["key1", "key2", "key3"]);
}
