//! The process itself, under the names that Prometheus' own clients use. Nothing of it on systems without /proc.

use std::fs;

use super::samples::Samples;

/// The unit of processor time in /proc, for every program whatever the kernel's own clock does.
const TICKS_PER_SECOND: u64 = 100;

/// What runs: shown as labels of `loopledger_build_info`.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    pub version: &'static str,
    /// Of the repository; "unknown" if it was built without one.
    pub commit: &'static str,
}

impl Default for Build {
    fn default() -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), commit: "unknown" }
    }
}

pub(super) fn collect(samples: &mut Samples, build: Build) {
    let labels = vec![("version", build.version.to_owned()), ("commit", build.commit.to_owned())];
    samples.gauge("loopledger_build_info", "The version that runs.", &labels, 1);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for (name, help, field) in [
        ("process_resident_memory_bytes", "Resident memory of the process.", "VmRSS:"),
        ("process_virtual_memory_bytes", "Address space of the process.", "VmSize:"),
    ] {
        if let Some(bytes) = kibibytes(&status, field) {
            samples.gauge(name, help, &Vec::new(), bytes);
        }
    }
    if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
        let help = "User and system CPU time of the process.";
        samples.count_seconds("process_cpu_seconds_total", help, seconds(stat.cpu_ticks));
        if let Some(boot) = boot_seconds() {
            let help = "Start time of the process, in seconds since the Unix epoch.";
            samples.measure("process_start_time_seconds", help, after(boot, stat.start_ticks));
        }
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // One of them is the folder that is being read.
        let open = u64::try_from(open.count()).unwrap_or(u64::MAX).saturating_sub(1);
        samples.gauge("process_open_fds", "Open file descriptors.", &Vec::new(), open);
    }
    if let Some(most) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(descriptors_max) {
        samples.gauge("process_max_fds", "Limit of open file descriptors.", &Vec::new(), most);
    }
}

fn kibibytes(status: &str, field: &str) -> Option<u64> {
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"))?;
    kibibytes.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// What /proc/self/stat says of time.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    /// Since the machine was started.
    start_ticks: u64,
}

impl Stat {
    /// The name, the second field, may hold anything; it ends at the last bracket.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // Counted from 1 in proc(5); the third field is the first here.
        let field = |number: usize| fields.get(number.checked_sub(3)?)?.parse::<u64>().ok();
        Some(Self { cpu_ticks: field(14)?.checked_add(field(15)?)?, start_ticks: field(22)? })
    }
}

/// When the machine was started, in seconds since the Unix epoch.
fn boot_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn descriptors_max(limits: &str) -> Option<u64> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "shown, not reckoned with"
)]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_SECOND as f64
}

#[expect(clippy::float_arithmetic, reason = "shown, not reckoned with")]
fn after(boot: f64, ticks: u64) -> f64 {
    boot + seconds(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_a_process_is_read() {
        let stat = "4242 (a (strange) name) S 1 2 3 4 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 777 123456 99";
        assert_eq!(Stat::parse(stat), Some(Stat { cpu_ticks: 300, start_ticks: 777 }));
        assert_eq!(Stat::parse("4242 (cut"), None);
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t    10 kB\n";
        assert_eq!((kibibytes(status, "VmSize:"), kibibytes(status, "VmRSS:")), (Some(2_097_152), Some(10_240)));
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(descriptors_max(limits), Some(1_024));
        assert_eq!(descriptors_max("Max open files unlimited unlimited files"), None);
    }
}
