//! Resident memory of this process, from Linux's `/proc`.

use std::fs;

/// Forgets the peak so far.
///
/// # Errors
/// Where the system has no such file.
pub(crate) fn reset_peak() -> std::io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

/// Resident megabytes now.
pub(crate) fn now_megabytes() -> Option<f64> {
    field("VmRSS:")
}

/// Most megabytes resident since [`reset_peak`].
pub(crate) fn peak_megabytes() -> Option<f64> {
    field("VmHWM:")
}

fn field(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}
