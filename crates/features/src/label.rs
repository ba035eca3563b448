//! What is to be foretold: functions of the window after an instant.

use tenure_core::TargetKind;

use crate::FutureWindow;

/// A target: a function of one customer's [`FutureWindow`], which no feature can see.
pub trait FutureLabel: Send + Sync {
    /// Name of the target column.
    fn name(&self) -> &str;

    /// What its values mean.
    fn kind(&self) -> TargetKind;

    /// The value; called from many threads, in no particular order.
    fn compute(&self, window: &FutureWindow<'_>) -> f64;
}

/// `churned`: 1 where no order is begun within the window, else 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Churned;

impl FutureLabel for Churned {
    fn name(&self) -> &str {
        "churned"
    }

    fn kind(&self) -> TargetKind {
        TargetKind::Binary
    }

    fn compute(&self, window: &FutureWindow<'_>) -> f64 {
        f64::from(u8::from(window.purchases().len() == 0))
    }
}

/// `future_spend`: money of the orders begun within the window, as far as it was spent within it; returns are
/// not subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FutureSpend;

impl FutureLabel for FutureSpend {
    fn name(&self) -> &str {
        "future_spend"
    }

    fn kind(&self) -> TargetKind {
        TargetKind::Real
    }

    fn compute(&self, window: &FutureWindow<'_>) -> f64 {
        window.spend()
    }
}
