//! The memory that this process can still get.

use std::fs;

/// Bytes that this process can still get: what the kernel calls available, within the control group's limit.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let machine = meminfo_available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let number = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    // "max", for no limit, is no number.
    let group = number("/sys/fs/cgroup/memory.max")
        .map(|limit| limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)));
    Some(group.map_or(machine, |group| group.min(machine)))
}

fn meminfo_available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says() {
        assert_eq!(meminfo_available("MemTotal: 5 kB\nMemAvailable:       12 kB\n"), Some(12 << 10));
        assert_eq!(meminfo_available("MemTotal: 5 kB\n"), None);
    }
}
