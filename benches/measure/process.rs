//! Memory and processor time of this process, from Linux's `/proc`.

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

/// Processor seconds of all threads so far, to a hundredth: beside wall-clock time they tell how busy the machine
/// was with others.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in brackets, may hold blanks; user and system time are fields 14 and 15.
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Some(ticks.sum::<Result<f64, _>>().ok()? / 100.0)
}

fn field(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}
