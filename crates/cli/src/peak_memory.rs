//! The most memory that this process has held.

/// Peak resident set in bytes; `None` where the system does not tell.
///
/// Linux tells it of this program image alone (`VmHWM`, proc(5)). `getrusage` would count what the
/// parent held before it became this program, so it is no substitute there.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn linux_tells_the_peak() {
        assert!(super::peak_memory_bytes().unwrap() > 100_000);
    }
}
