//! From an error to words on standard error and an exit code.

use std::io::Write;

use tenure_core::ErrorKind;

/// Prints the error, and what caused it where that says more.
pub fn tell(error: &anyhow::Error) {
    let mut words = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !words.contains(&cause) {
            words = format!("{words}: {cause}");
        }
    }
    // Where even standard error is gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "error: {words}");
}

/// The exit code that `tenure --help` lists.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let kind = error.chain().find_map(|cause| {
        cause
            .downcast_ref::<tenure_core::Error>()
            .map(tenure_core::Error::kind)
            .or_else(|| cause.downcast_ref::<tenure_features::Error>().map(tenure_features::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_eval::Error>().map(tenure_eval::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_io::Error>().map(tenure_io::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_churn::Error>().map(tenure_churn::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_ltv::Error>().map(tenure_ltv::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_lead::Error>().map(tenure_lead::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_engagement::Error>().map(tenure_engagement::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_study_time::Error>().map(tenure_study_time::Error::kind))
            .or_else(|| cause.downcast_ref::<tenure_health::Error>().map(tenure_health::Error::kind))
            .or_else(|| cause.downcast_ref::<WrongArgument>().map(|_| ErrorKind::Caller))
    });
    match kind {
        Some(ErrorKind::Caller) => 2,
        Some(ErrorKind::Data) => 3,
        Some(ErrorKind::Io) => 4,
        Some(ErrorKind::Artifact) => 5,
        Some(ErrorKind::Cancelled) => 130,
        Some(ErrorKind::Bug) => 70,
        None => 1,
    }
}

/// An argument that parses but cannot be right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongArgument(pub String);
