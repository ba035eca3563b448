//! The charts of a binary classifier.

use super::figures::Judged;
use super::{BinaryEvaluation, ProfitAssumptions};
use crate::Result;
use crate::check::Pairs;
use crate::report::NumberFormat;
use crate::report::model::{
    Axis, ColumnChart, ColumnSeries, LineChart, Marker, Point, Reference, Series, Tone,
};
use crate::report::shared::{count, sentence};
use crate::stats::jeffreys;

const SHARE: NumberFormat = NumberFormat::Percent { decimals: 1 };

fn share_axis(label: impl Into<String>) -> Axis {
    Axis { label: label.into(), format: SHARE, min: Some(0.0), max: Some(1.0) }
}

fn reference(label: &str, from: (f64, f64), to: (f64, f64)) -> Reference {
    Reference { label: label.into(), from, to }
}

fn series<'a>(judged: &'a [Judged<'a>], points: impl Fn(&Judged<'a>) -> Vec<Point>) -> Vec<Series> {
    let one = |j| Series { name: name(j), tone: j.tone(), points: points(j), dots: false };
    judged.iter().map(one).collect()
}

fn name(judged: &Judged<'_>) -> String {
    judged.model.name.clone()
}

pub(super) fn roc(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> LineChart {
    let w = &e.wording;
    LineChart {
        title: "How many are found, at how many false alarms?".into(),
        term: "ROC curve".into(),
        caption: format!(
            "Go down the list from the highest {}. Upwards: how many of the {} have been met; to the right: \
             how many of the {}. The further a curve bends to the upper left, the better; the diagonal is \
             guessing.",
            w.risk, w.positives, w.negatives
        ),
        x: share_axis(format!("False alarms: share of {} (%)", w.negatives)),
        y: share_axis(format!("Found: share of {} (%)", w.positives)),
        series: series(judged, |j| j.roc.clone()),
        references: vec![reference("Guessing", (0.0, 0.0), (1.0, 1.0))],
        markers: Vec::new(),
    }
}

pub(super) fn precision_recall(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> LineChart {
    let w = &e.wording;
    let rate = judged[0].figures.base_rate;
    LineChart {
        title: "How often is an alarm right?".into(),
        term: "Precision–recall curve".into(),
        caption: format!(
            "To the right: the more of the {} one wants to find, the longer the list has to be. Upwards: how \
             many on that list really {}. Higher is better; the dotted line is a list drawn at random.",
            w.positives, w.happened
        ),
        x: share_axis(format!("Found: share of {} (%)", w.positives)),
        y: share_axis(format!("Right alarms: share of the list that {} (%)", w.happened)),
        series: series(judged, |j| j.precision_recall.clone()),
        references: vec![reference("Guessing", (0.0, rate), (1.0, rate))],
        markers: Vec::new(),
    }
}

pub(super) fn gains(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> LineChart {
    let w = &e.wording;
    LineChart {
        title: format!("Whom does one reach by contacting the {} first?", w.top),
        term: "Gains curve".into(),
        caption: format!(
            "To the right: the share of all {} contacted, those with the highest {} first. Upwards: the share \
             of all {} that is reached so.",
            w.items, w.risk, w.positives
        ),
        x: share_axis(format!("Contacted: share of all {} (%)", w.items)),
        y: share_axis(format!("Reached: share of {} (%)", w.positives)),
        series: series(judged, Judged::gains_curve),
        references: vec![reference("At random", (0.0, 0.0), (1.0, 1.0))],
        markers: Vec::new(),
    }
}

pub(super) fn lift(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> ColumnChart {
    let w = &e.wording;
    let slices = judged[0].deciles.len();
    let columns = |j: &Judged<'_>| ColumnSeries {
        name: name(j),
        tone: j.tone(),
        values: j.deciles.iter().map(|d| d.lift).collect(),
    };
    ColumnChart {
        title: "How much more often than average?".into(),
        term: "Lift by group".into(),
        caption: format!(
            "The {} in {slices} equal groups by {}, group 1 the {}. A bar of 2 means: twice as many {} in this \
             group as on average. A good model begins high and falls with every group.",
            w.items, w.risk, w.top, w.happened
        ),
        x_label: format!("Group of {}, from the highest {} to the lowest", w.items, w.risk),
        categories: (1..=slices).map(|i| i.to_string()).collect(),
        y: Axis {
            label: "Multiple of the average (×)".into(),
            format: NumberFormat::Times { decimals: 2 },
            min: Some(0.0),
            max: None,
        },
        series: judged.iter().map(columns).collect(),
        stacked: false,
        reference: Some((1.0, "average".into())),
    }
}

/// The first model with dots and intervals, the others as lines behind it.
pub(super) fn reliability(e: &BinaryEvaluation, judged: &[Judged<'_>]) -> LineChart {
    let w = &e.wording;
    let curve = |(at, j): (usize, &Judged<'_>)| {
        let point = |bin: &crate::metrics::ReliabilityBin| {
            let rows = bin.rows as f64;
            let interval = (at == 0).then(|| jeffreys(bin.observed_rate * rows, rows, 0.95));
            Point { x: bin.mean_probability, y: bin.observed_rate, interval, count: Some(rows) }
        };
        Series {
            name: name(j),
            tone: j.tone(),
            points: j.reliability.iter().map(point).collect(),
            dots: at == 0,
        }
    };
    LineChart {
        title: "Do the percentages mean what they say?".into(),
        term: "Reliability diagram".into(),
        caption: format!(
            "The {} in groups by predicted {}; the larger the dot, the more of them. To the right: what was \
             predicted for the group; upwards: how many in it {}. Dots on the diagonal are exact; the \
             upright bars show the range that chance alone would explain (95 %).",
            w.items, w.risk, w.happened
        ),
        x: share_axis(format!("Predicted {} (%)", w.risk)),
        y: share_axis(format!("Share that {} (%)", w.happened)),
        series: judged.iter().enumerate().map(curve).collect(),
        references: vec![reference("Exact", (0.0, 0.0), (1.0, 1.0))],
        markers: Vec::new(),
    }
}

/// Histogram of the first model's probabilities in steps of 5 points, by outcome.
pub(super) fn distribution(e: &BinaryEvaluation, main: &Judged<'_>) -> Result<ColumnChart> {
    const STEPS: usize = 20;
    let w = &e.wording;
    let mut counts = [[0.0; STEPS]; 2];
    for (y, p, weight) in
        Pairs::probabilities(&e.labels, &main.model.probabilities, e.weights.as_deref())?.iter()
    {
        counts[usize::from(y == 1.0)][((p * STEPS as f64) as usize).min(STEPS - 1)] += weight;
    }
    let columns = |name: &str, tone, values: [f64; STEPS]| ColumnSeries {
        name: name.into(),
        tone,
        values: values.into(),
    };
    Ok(ColumnChart {
        title: "How are the predictions spread?".into(),
        term: "Score distribution".into(),
        caption: format!(
            "How many {} got which {} from {}, and what they did. The more the two colours stand apart, the \
             better the model tells them apart.",
            w.items, w.risk, main.model.name
        ),
        x_label: format!("Predicted {} (% and the 5 points above)", w.risk),
        categories: (0..STEPS).map(|i| (i * 100 / STEPS).to_string()).collect(),
        y: Axis {
            label: format!("Number of {}", w.items),
            format: NumberFormat::Number { decimals: 0 },
            min: Some(0.0),
            max: None,
        },
        series: vec![
            columns(&sentence(&w.happened), Tone::Positive, counts[1]),
            columns(&sentence(&w.did_not), Tone::Negative, counts[0]),
        ],
        stacked: true,
        reference: None,
    })
}

pub(super) fn profit(
    e: &BinaryEvaluation,
    judged: &[Judged<'_>],
    assumptions: &ProfitAssumptions,
    chosen: Point,
) -> LineChart {
    let w = &e.wording;
    let money = NumberFormat::Money { currency: assumptions.currency.clone() };
    let unit = match assumptions.currency.as_str() {
        "" => String::new(),
        currency => format!(" ({currency})"),
    };
    let best = judged[0].best_profit(assumptions);
    let end = assumptions.profit(judged[0].total(), judged[0].positives());
    LineChart {
        title: "What does contacting more bring?".into(),
        term: "Profit curve".into(),
        caption: format!(
            "To the right: the share of all {} contacted, those with the highest {} first. Upwards: what is \
             won over less what the contacts cost. Beyond the highest point, further contacts cost more than \
             they bring.",
            w.items, w.risk
        ),
        x: share_axis(format!("Contacted: share of all {} (%)", w.items)),
        y: Axis {
            label: format!("Profit on these {} {}{unit}", count(judged[0].total()), w.items),
            format: money.clone(),
            min: None,
            max: None,
        },
        series: series(judged, |j| j.profit_curve(assumptions)),
        references: vec![reference("At random", (0.0, 0.0), (1.0, end))],
        markers: vec![
            Marker { label: format!("Best {}", money.show(best.y)), x: best.x, y: best.y },
            Marker { label: format!("Chosen {}", money.show(chosen.y)), x: chosen.x, y: chosen.y },
        ],
    }
}
