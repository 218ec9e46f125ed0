//! The process itself, under the names that Prometheus' own clients use.

use super::samples::Samples;

pub(super) fn collect(samples: &mut Samples) {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    samples.gauge("loopledger_build_info", "The version that runs.", &version, 1);
    // Nothing on systems without /proc.
    if let Some(bytes) = resident_bytes() {
        let help = "Memory that the process holds in RAM.";
        samples.gauge("process_resident_memory_bytes", help, &Vec::new(), bytes);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    kibibytes.trim().parse::<u64>().ok()?.checked_mul(1_024)
}
