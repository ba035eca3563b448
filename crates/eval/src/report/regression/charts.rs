//! The charts of predicted numbers.

use super::figures::Judged;
use super::{RegressionEvaluation, ValueIntervals};
use crate::report::NumberFormat;
use crate::report::model::{Axis, ColumnChart, ColumnSeries, LineChart, Reference, Series, Tone};
use crate::report::shared::sentence;

/// Bars of the histogram of errors.
const BARS: usize = 21;

fn axis(e: &RegressionEvaluation, what: &str) -> Axis {
    let unit = if e.wording.unit.is_empty() { String::new() } else { format!(" ({})", e.wording.unit) };
    Axis { label: format!("{what}{unit}"), format: e.format.clone(), min: None, max: None }
}

/// The first model with dots and intervals, the others as lines behind it.
pub(super) fn predicted_and_actual(e: &RegressionEvaluation, judged: &[Judged<'_>]) -> LineChart {
    let w = &e.wording;
    let curves: Vec<Series> = judged
        .iter()
        .enumerate()
        .map(|(at, j)| Series {
            name: j.model.name.clone(),
            tone: j.model.role.into(),
            points: j.means(&e.actual),
            dots: at == 0,
        })
        .collect();
    let xs = || curves.iter().flat_map(|s| &s.points).map(|p| p.x);
    let (from, to) = xs().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    LineChart {
        title: format!("Does the predicted {} come true?", w.value),
        term: "Predicted against actual, by tenths".into(),
        caption: format!(
            "The {} in ten groups by predicted {}. To the right: what was predicted for the group on average; \
             upwards: what it really was. Dots on the diagonal are exact; the upright bars show the range that \
             chance alone would explain (95 %).",
            w.items, w.value
        ),
        x: axis(e, &format!("Predicted {}", w.value)),
        y: axis(e, &format!("Actual {}", w.value)),
        series: curves,
        references: vec![Reference { label: "Exact".into(), from: (from, from), to: (to, to) }],
        markers: Vec::new(),
    }
}

/// Histogram of the first model's errors; what lies beyond 99 % of them is counted to the outer bars.
pub(super) fn errors(e: &RegressionEvaluation, main: &Judged<'_>) -> ColumnChart {
    let w = &e.wording;
    let width = (2.0 * main.error_within(0.99) / BARS as f64).max(f64::MIN_POSITIVE);
    let middle = (BARS / 2) as f64;
    let mut counts = [0.0; BARS];
    for error in &main.errors {
        counts[((error / width + middle).round().max(0.0) as usize).min(BARS - 1)] += 1.0;
    }
    let category = |bar: usize| e.format.show((bar as f64 - middle) * width);
    ColumnChart {
        title: "How far off is it, and to which side?".into(),
        term: "Distribution of errors".into(),
        caption: format!(
            "How many {} were predicted how far off. To the left of 0: predicted too low; to the right: too high. \
             The outermost bars hold everything beyond.",
            w.items
        ),
        x_label: axis(e, "Predicted less actual").label,
        categories: (0..BARS).map(category).collect(),
        y: Axis {
            label: format!("Number of {}", w.items),
            format: NumberFormat::Number { decimals: 0 },
            min: Some(0.0),
            max: None,
        },
        series: vec![ColumnSeries { name: sentence(&w.items), tone: Tone::Model, values: counts.to_vec() }],
        stacked: false,
        reference: None,
    }
}

pub(super) fn coverage(e: &RegressionEvaluation, main: &Judged<'_>, intervals: &ValueIntervals) -> LineChart {
    let w = &e.wording;
    let holds = |row: usize| intervals.low[row] <= e.actual[row] && e.actual[row] <= intervals.high[row];
    let points = main.shares(holds);
    let ends = || points.iter().map(|p| p.x);
    let (from, to) = ends().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let level = intervals.level;
    LineChart {
        title: "Do the ranges hold, for low and high predictions alike?".into(),
        term: "Coverage by tenths".into(),
        caption: format!(
            "The {} in ten groups by predicted {}; upwards: the share of them whose actual {} lies in its range. \
             Dots should lie on the line; the upright bars show the range that chance alone would explain (95 %).",
            w.items, w.value, w.value
        ),
        x: axis(e, &format!("Predicted {}", w.value)),
        y: Axis {
            label: format!("Share of {} within their range (%)", w.items),
            format: NumberFormat::Percent { decimals: 1 },
            min: None,
            max: Some(1.0),
        },
        series: vec![Series { name: main.model.name.clone(), tone: Tone::Model, points, dots: true }],
        references: vec![Reference { label: "Stated".into(), from: (from, level), to: (to, level) }],
        markers: Vec::new(),
    }
}
