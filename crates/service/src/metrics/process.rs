//! `process_*` from `/proc/self`, and the `go_*` names that dashboards of upstream ask for.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};

/// Clock ticks a second in `/proc/self/stat`; Linux fixes it at 100 for user space (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Bytes in the pages `/proc/self/statm` counts is 4096 on every platform we build for, but `stat` gives
/// resident memory in pages too, so `/proc/self/status` with its explicit kB is read instead.
const KIB: f64 = 1024.0;

/// Reads the process on each scrape.
#[derive(Debug)]
pub(crate) struct Process {
    cpu: Counter,
    open_files: Gauge,
    max_files: Gauge,
    virtual_bytes: Gauge,
    resident_bytes: Gauge,
    start: Gauge,
    threads: Gauge,
    tasks: Gauge,
    info: Gauge,
    heap: Gauge,
}

impl Process {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let gauge = |name, help| Gauge::with_opts(Opts::new(name, help));
        let go_info =
            Opts::new("go_info", "Information about the language runtime.").const_label("version", "rust");
        let made = Self {
            cpu: Counter::with_opts(Opts::new(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
            ))?,
            open_files: gauge("process_open_fds", "Number of open file descriptors.")?,
            max_files: gauge("process_max_fds", "Maximum number of open file descriptors.")?,
            virtual_bytes: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")?,
            resident_bytes: gauge("process_resident_memory_bytes", "Resident memory size in bytes.")?,
            start: gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            )?,
            threads: gauge("go_threads", "Number of OS threads.")?,
            tasks: gauge("go_goroutines", "Number of tasks that exist.")?,
            info: Gauge::with_opts(go_info)?,
            heap: gauge("go_memstats_alloc_bytes", "Bytes of anonymous memory in use.")?,
        };
        made.info.set(1.0);
        Ok(made)
    }

    fn parts(&self) -> [&dyn Collector; 10] {
        [
            &self.cpu,
            &self.open_files,
            &self.max_files,
            &self.virtual_bytes,
            &self.resident_bytes,
            &self.start,
            &self.threads,
            &self.tasks,
            &self.info,
            &self.heap,
        ]
    }

    /// Reads `/proc`; what cannot be read keeps its last value.
    fn refresh(&self) {
        if let Ok(stat) = fs::read_to_string("/proc/self/stat")
            && let Some(times) = Times::parse(&stat)
        {
            self.cpu.reset();
            self.cpu.inc_by(times.cpu_seconds);
            if let Some(boot) = fs::read_to_string("/proc/stat")
                .ok()
                .as_deref()
                .and_then(boot_seconds)
            {
                self.start.set(boot + times.start_seconds);
            }
        }
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            let set = |gauge: &Gauge, key, unit| {
                if let Some(value) = number_after(&status, key) {
                    gauge.set(value * unit);
                }
            };
            set(&self.virtual_bytes, "VmSize:", KIB);
            set(&self.resident_bytes, "VmRSS:", KIB);
            set(&self.heap, "RssAnon:", KIB);
            set(&self.threads, "Threads:", 1.0);
        }
        if let Some(limit) = fs::read_to_string("/proc/self/limits")
            .ok()
            .as_deref()
            .and_then(|limits| number_after(limits, "Max open files"))
        {
            self.max_files.set(limit);
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // The listing itself holds one descriptor.
            self.open_files.set(to_float(open.count().saturating_sub(1)));
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.tasks.set(to_float(runtime.metrics().num_alive_tasks()));
        }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.parts().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.refresh();
        self.parts().into_iter().flat_map(Collector::collect).collect()
    }
}

struct Times {
    cpu_seconds: f64,
    start_seconds: f64,
}

impl Times {
    /// Reads fields 14, 15 and 22 of `/proc/self/stat`; the name in field 2 may hold spaces and brackets.
    fn parse(stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ').skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        let start: f64 = fields.nth(6)?.parse().ok()?;
        Some(Self {
            cpu_seconds: (user + system) / TICKS,
            start_seconds: start / TICKS,
        })
    }
}

fn boot_seconds(stat: &str) -> Option<f64> {
    number_after(stat, "btime")
}

fn number_after(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of files and tasks are far below 2^52"
)]
fn to_float(count: usize) -> f64 {
    count as f64
}
