//! Boosting rounds: losses, early stopping, progress and cancellation.

use tenure_core::{FitContext, FitReport, Iteration, Progress, Result, StopReason};

/// What is known of a boosting under way.
pub(crate) struct Rounds<'a> {
    context: &'a FitContext<'a>,
    loss: &'static str,
    most: usize,
    /// Rounds without a lower validation loss after which to stop.
    patience: Option<usize>,
    history: Vec<Iteration>,
    /// Rounds after which the validation loss was lowest, and that loss.
    best: Option<(usize, f64)>,
    stopped: StopReason,
}

impl<'a> Rounds<'a> {
    pub(crate) fn new(
        context: &'a FitContext<'a>,
        loss: &'static str,
        most: usize,
        patience: Option<usize>,
    ) -> Self {
        let (history, stopped) = (Vec::new(), StopReason::Iterations);
        Self { context, loss, most, patience, history, best: None, stopped }
    }

    /// Notes the losses after a round and says whether it was the last; `exhausted` where it learned nothing.
    ///
    /// # Errors
    /// [`tenure_core::Error::Cancelled`].
    pub(crate) fn done(&mut self, train: f64, valid: Option<f64>, exhausted: bool) -> Result<bool> {
        self.history.push(Iteration { train, valid });
        let done = self.history.len();
        let figure = Some((self.loss, valid.unwrap_or(train)));
        let total = Some(self.most as u64);
        self.context.progress.report(Progress { stage: "boosting", done: done as u64, total, figure });
        self.context.check_cancelled("boosting")?;
        if let Some(loss) = valid
            && self.best.is_none_or(|(_, best)| loss < best)
        {
            self.best = Some((done, loss));
        }
        let idle = self.best.map_or(0, |(round, _)| done - round);
        if exhausted {
            self.stopped = StopReason::Exhausted;
        } else if self.patience.is_some_and(|patience| idle >= patience) {
            self.stopped = StopReason::EarlyStopping;
        }
        Ok(self.stopped != StopReason::Iterations || done >= self.most)
    }

    /// Rounds that the model keeps.
    pub(crate) fn kept(&self) -> usize {
        match (self.patience, self.best) {
            (Some(_), Some((round, _))) => round,
            _ => self.history.len(),
        }
    }

    pub(crate) fn report(self, rows: usize, notes: Vec<String>) -> FitReport {
        FitReport {
            rows,
            loss: self.loss.into(),
            iterations: self.kept(),
            history: self.history,
            stopped: self.stopped,
            notes,
            out_of_bag: None,
        }
    }
}
