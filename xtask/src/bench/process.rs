//! What the kernel counted for a process.

use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time from the text of a `/proc/…/stat`: its own, and that of its ended children.
pub(super) fn cpu_times(stat: &str) -> Result<(Duration, Duration)> {
    let (_, rest) = stat.rsplit_once(')').context("a stat without a command")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // The kernel counts in hundredths of a second.
    let sum = |user: usize, system: usize| -> Result<Duration> {
        let ticks = |index: usize| -> Result<u64> { Ok(fields.get(index).context("a short stat")?.parse()?) };
        Ok(Duration::from_millis((ticks(user)? + ticks(system)?) * 10))
    };
    Ok((sum(11, 12)?, sum(13, 14)?))
}

/// CPU time of a running process.
pub(super) fn cpu(id: u32) -> Result<Duration> {
    Ok(cpu_times(&std::fs::read_to_string(format!("/proc/{id}/stat"))?)?.0)
}

/// CPU time of this process's ended children.
pub(super) fn children_cpu() -> Result<Duration> {
    Ok(cpu_times(&std::fs::read_to_string("/proc/self/stat")?)?.1)
}

/// Peak resident memory of a running process, KiB.
pub(super) fn peak_memory(id: u32) -> Option<u64> {
    memory(
        &std::fs::read_to_string(format!("/proc/{id}/status")).ok()?,
        "VmHWM",
    )
}

/// A field of a `/proc/…/status` in KiB, such as `VmRSS`.
pub(super) fn memory(status: &str, field: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_read_as_the_kernel_writes_them() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 9 0 1";
        let (own, children) = cpu_times(stat).unwrap();
        assert_eq!((own.as_millis(), children.as_millis()), (2000, 500));
        assert!(cpu_times("7 (a) S 1").is_err());
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory(status, "VmHWM"), Some(2048));
        assert_eq!(memory(status, "VmRSS"), Some(1024));
        assert_eq!(memory(status, "VmSwap"), None);
    }
}
