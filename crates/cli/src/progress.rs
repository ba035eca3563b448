//! Progress bars on standard error, for people only.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tenure_core::{Progress, ProgressSink};

/// One bar at a time, named by the stage under way. Where standard error is no terminal nothing is drawn.
pub struct Bars {
    shown: bool,
    current: Mutex<Option<(String, ProgressBar)>>,
}

impl Bars {
    /// `quiet` draws nothing anywhere.
    pub fn new(quiet: bool) -> Self {
        Self { shown: !quiet, current: Mutex::new(None) }
    }

    /// Takes the bar off the screen, so that ordinary output can follow.
    pub fn clear(&self) {
        if let Ok(mut current) = self.current.lock()
            && let Some((_, bar)) = current.take()
        {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

impl ProgressSink for Bars {
    fn report(&self, progress: Progress<'_>) {
        let (true, Ok(mut current)) = (self.shown, self.current.lock()) else { return };
        if current.as_ref().is_none_or(|(stage, _)| stage != progress.stage) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            *current = Some((progress.stage.to_owned(), bar(progress.stage, progress.total)));
        }
        if let Some((_, bar)) = current.as_ref() {
            if let Some((name, value)) = progress.figure {
                bar.set_message(format!("{name} {value:.4}"));
            }
            bar.set_position(progress.done);
        }
    }
}

fn bar(stage: &str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{prefix:>24} [{bar:32}] {pos}/{len}  {elapsed} (left: {eta})  {msg}",
        None => "{prefix:>24} {spinner} {human_pos}  {elapsed}  {msg}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(stage.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
