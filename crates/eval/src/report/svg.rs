//! Charts as static SVG: they print, mail and read aloud without a script.

use std::fmt::Write;

use super::html::{Esc, put};
use super::model::{Axis, ColumnChart, LineChart, Point, Series, Tone};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 350.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = WIDTH - 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = HEIGHT - 48.0;

/// A linear scale from values to positions, with its marks.
pub(super) struct Scale {
    pub(super) min: f64,
    pub(super) max: f64,
    from: f64,
    to: f64,
    step: f64,
    pub(super) ticks: Vec<f64>,
}

impl Scale {
    /// A scale over the values' range, or over the axis's own limits; marks stand at 1, 2 or 5 times a power
    /// of ten, and a limit that was not given is moved out to the next mark.
    fn new(axis: &Axis, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut min, mut max) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let given = |limit: Option<f64>| limit.filter(|l| l.is_finite());
        if min > max {
            (min, max) = (0.0, 1.0);
        }
        min = given(axis.min).unwrap_or(min);
        max = given(axis.max).unwrap_or(max).max(min);
        // A range that is lost in rounding would put the marks on top of each other.
        if max - min <= 1e-9 * min.abs().max(max.abs()) {
            max = min + if min == 0.0 { 1.0 } else { min.abs() };
        }
        let step = nice_step((max - min) / 5.0);
        if given(axis.min).is_none() {
            min = (min / step + 1e-9).floor() * step;
        }
        if given(axis.max).is_none() {
            max = (max / step - 1e-9).ceil() * step;
        }
        let first = (min / step - 1e-9).ceil() as i64;
        let last = (max / step + 1e-9).floor() as i64;
        let ticks = (first..=last).take(50).map(|i| i as f64 * step).collect();
        Self { min, max, from, to, step, ticks }
    }

    fn at(&self, value: f64) -> f64 {
        let share = ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0);
        self.from + share * (self.to - self.from)
    }
}

fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

/// The CSS class of each series: its tone, counted within the tone.
pub(super) fn classes(tones: impl Iterator<Item = Tone>) -> Vec<String> {
    let mut seen = [0usize; 5];
    tones
        .map(|tone| {
            let (name, of) = match tone {
                Tone::Model => ("model", 3),
                Tone::Baseline => ("baseline", 3),
                Tone::Oracle => ("oracle", 1),
                Tone::Positive => ("positive", 1),
                Tone::Negative => ("negative", 1),
            };
            let at = seen[tone as usize];
            seen[tone as usize] += 1;
            format!("{name}-{}", at % of)
        })
        .collect()
}

/// Both scales of a line chart.
pub(super) fn line_scales(chart: &LineChart) -> (Scale, Scale) {
    let points = || chart.series.iter().flat_map(|s| &s.points).filter(|p| finite(p));
    let ends = || chart.references.iter().flat_map(|r| [r.from, r.to]);
    let markers = || chart.markers.iter();
    let xs = points().map(|p| p.x).chain(ends().map(|e| e.0)).chain(markers().map(|m| m.x));
    let intervals = points().filter_map(|p| p.interval).flat_map(|(low, high)| [low, high]);
    let ys = points().map(|p| p.y).chain(intervals).chain(ends().map(|e| e.1)).chain(markers().map(|m| m.y));
    (Scale::new(&chart.x, xs, LEFT, RIGHT), Scale::new(&chart.y, ys, BOTTOM, TOP))
}

/// Draws lines and dots.
pub(super) fn lines(out: &mut String, chart: &LineChart, id: &str) {
    let (x, y) = line_scales(chart);
    open(out, &chart.title, &chart.term, &chart.caption, id);
    horizontal_marks(out, &y, &chart.y);
    for &tick in &x.ticks {
        let label = chart.x.format.tick(tick, x.step);
        put!(
            out,
            "<text class=tick x={:.1} y={:.0} text-anchor=middle>{}</text>",
            x.at(tick),
            BOTTOM + 20.0,
            Esc(&label)
        );
    }
    axis_label(out, &chart.x.label);
    for reference in &chart.references {
        let (a, b) = (reference.from, reference.to);
        if [a.0, a.1, b.0, b.1].iter().all(|v| v.is_finite()) {
            let ends = (x.at(a.0), y.at(a.1), x.at(b.0), y.at(b.1));
            put!(
                out,
                "<line class=reference x1={:.1} y1={:.1} x2={:.1} y2={:.1} />",
                ends.0,
                ends.1,
                ends.2,
                ends.3
            );
        }
    }
    let classes = classes(chart.series.iter().map(|s| s.tone));
    // What comes first in the legend is drawn last, on top.
    for (series, class) in chart.series.iter().zip(&classes).rev() {
        if series.dots { dots(out, series, class, &x, &y) } else { curve(out, series, class, &x, &y) }
    }
    markers(out, chart, &x, &y);
    hover(out, chart, &x, &y);
    out.push_str("</svg>");
}

fn finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn curve(out: &mut String, series: &Series, class: &str, x: &Scale, y: &Scale) {
    put!(out, "<polyline class=\"line {class}\" data-name=\"{}\" points=\"", Esc(&series.name));
    for (i, point) in series.points.iter().filter(|p| finite(p)).enumerate() {
        let space = if i == 0 { "" } else { " " };
        put!(out, "{space}{:.1},{:.1}", x.at(point.x), y.at(point.y));
    }
    out.push_str("\" />");
}

fn dots(out: &mut String, series: &Series, class: &str, x: &Scale, y: &Scale) {
    let most = series.points.iter().filter_map(|p| p.count).fold(0.0, f64::max);
    // Single rows are a cloud; only what sums rows up has an order worth following.
    if series.points.iter().any(|p| p.count.is_some() || p.interval.is_some()) {
        curve(out, series, &format!("thin {class}"), x, y);
    }
    for point in series.points.iter().filter(|p| finite(p)) {
        let at = (x.at(point.x), y.at(point.y));
        if let Some((low, high)) = point.interval.filter(|(l, h)| l.is_finite() && h.is_finite()) {
            put!(
                out,
                "<line class=\"whisker {class}\" x1={:.1} y1={:.1} x2={:.1} y2={:.1} />",
                at.0,
                y.at(low),
                at.0,
                y.at(high)
            );
        }
        // The area, not the radius, goes with the count.
        let share = point.count.filter(|_| most > 0.0).map_or(0.5, |c| (c / most).clamp(0.0, 1.0));
        put!(
            out,
            "<circle class=\"dot {class}\" cx={:.1} cy={:.1} r={:.1} />",
            at.0,
            at.1,
            1.5 + 3.0 * share.sqrt()
        );
    }
}

/// Labels stand clear of each other: above the first point, below the second, towards the chart's middle.
fn markers(out: &mut String, chart: &LineChart, x: &Scale, y: &Scale) {
    for (i, marker) in chart.markers.iter().filter(|m| m.x.is_finite() && m.y.is_finite()).enumerate() {
        let at = (x.at(marker.x), y.at(marker.y));
        let middle = 0.5 * (LEFT + RIGHT);
        let (anchor, shift) = if at.0 < middle { ("start", 9.0) } else { ("end", -9.0) };
        let above = i % 2 == 0;
        let text_y = if above { (at.1 - 11.0).max(TOP + 10.0) } else { (at.1 + 24.0).min(BOTTOM - 6.0) };
        put!(out, "<line class=rule x1={:.1} y1={:.1} x2={:.1} y2={BOTTOM:.0} />", at.0, at.1, at.0);
        let shape = if above { "marker" } else { "marker hollow" };
        put!(out, "<circle class=\"{shape}\" cx={:.1} cy={:.1} r=5 />", at.0, at.1);
        put!(
            out,
            "<text class=note x={:.1} y={text_y:.1} text-anchor={anchor}>{}</text>",
            at.0 + shift,
            Esc(&marker.label)
        );
    }
}

/// An invisible area that tells the script how to turn positions back into values.
fn hover(out: &mut String, chart: &LineChart, x: &Scale, y: &Scale) {
    let (xk, xd, xc) = chart.x.format.code();
    let (yk, yd, yc) = chart.y.format.code();
    put!(out, "<rect class=hover x={LEFT} y={TOP} width={:.0} height={:.0} ", RIGHT - LEFT, BOTTOM - TOP);
    put!(out, "data-x=\"{},{},{LEFT},{RIGHT}\" data-y=\"{},{},{BOTTOM},{TOP}\" ", x.min, x.max, y.min, y.max);
    put!(
        out,
        "data-xf=\"{xk},{xd},{}\" data-yf=\"{yk},{yd},{}\" data-xl=\"{}\" />",
        Esc(xc),
        Esc(yc),
        Esc(&chart.x.label)
    );
}

/// Draws upright bars.
pub(super) fn columns(out: &mut String, chart: &ColumnChart, id: &str) {
    let count = chart.categories.len().max(1);
    let value = |s: usize, c: usize| {
        let value = chart.series[s].values.get(c).copied().unwrap_or(0.0);
        if value.is_finite() { value } else { 0.0 }
    };
    let all = 0..chart.series.len();
    let tops: Vec<f64> = if chart.stacked {
        (0..count).map(|c| all.clone().map(|s| value(s, c)).sum()).collect()
    } else {
        all.clone().flat_map(|s| (0..count).map(move |c| value(s, c))).collect()
    };
    let reference = chart.reference.iter().map(|r| r.0);
    let y = Scale::new(&chart.y, tops.into_iter().chain([0.0]).chain(reference), BOTTOM, TOP);
    open(out, &chart.title, &chart.term, &chart.caption, id);
    horizontal_marks(out, &y, &chart.y);
    axis_label(out, &chart.x_label);
    let pitch = (RIGHT - LEFT) / count as f64;
    let every = count.div_ceil(10);
    let classes = classes(chart.series.iter().map(|s| s.tone));
    let lanes = if chart.stacked { 1 } else { chart.series.len().max(1) };
    let bar = 0.8 * pitch / lanes as f64;
    for (c, category) in chart.categories.iter().enumerate() {
        let left = LEFT + (c as f64 + 0.1) * pitch;
        let mut base = 0.0;
        for (s, class) in classes.iter().enumerate() {
            let (low, high) = if chart.stacked { (base, base + value(s, c)) } else { (0.0, value(s, c)) };
            base = high;
            let lane = if chart.stacked { 0 } else { s };
            let (top, bottom) = (y.at(low.max(high)), y.at(low.min(high)));
            let at = left + lane as f64 * bar;
            put!(
                out,
                "<rect class=\"bar {class}\" x={at:.1} y={top:.1} width={:.1} height={:.1}>",
                (bar - 0.6).max(0.5),
                bottom - top
            );
            let shown = chart.y.format.show(value(s, c));
            put!(
                out,
                "<title>{} – {}: {}</title></rect>",
                Esc(category),
                Esc(&chart.series[s].name),
                Esc(&shown)
            );
        }
        if c % every == 0 {
            put!(
                out,
                "<text class=tick x={:.1} y={:.0} text-anchor=middle>{}</text>",
                left + 0.4 * pitch,
                BOTTOM + 20.0,
                Esc(category)
            );
        }
    }
    if let Some((level, label)) = chart.reference.as_ref().filter(|r| r.0.is_finite()) {
        let at = y.at(*level);
        put!(out, "<line class=reference x1={LEFT} y1={at:.1} x2={RIGHT} y2={at:.1} />");
        put!(out, "<text class=note x={RIGHT} y={:.1} text-anchor=end>{}</text>", at - 6.0, Esc(label));
    }
    out.push_str("</svg>");
}

fn open(out: &mut String, title: &str, term: &str, caption: &str, id: &str) {
    put!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-labelledby=\"{id}-t {id}-d\">");
    let dash = if term.is_empty() { "" } else { " – " };
    put!(out, "<title id={id}-t>{}{dash}{}</title>", Esc(title), Esc(term));
    put!(out, "<desc id={id}-d>{}</desc>", Esc(caption));
}

fn horizontal_marks(out: &mut String, y: &Scale, axis: &Axis) {
    for &tick in &y.ticks {
        let at = y.at(tick);
        let class = if tick == 0.0 { "grid zero" } else { "grid" };
        put!(out, "<line class=\"{class}\" x1={LEFT} y1={at:.1} x2={RIGHT} y2={at:.1} />");
        let label = axis.format.tick(tick, y.step);
        put!(
            out,
            "<text class=tick x={:.0} y={:.1} text-anchor=end>{}</text>",
            LEFT - 8.0,
            at + 4.5,
            Esc(&label)
        );
    }
    put!(out, "<text class=axis x=4 y=16>{}</text>", Esc(&axis.label));
}

fn axis_label(out: &mut String, label: &str) {
    put!(out, "<text class=axis x={RIGHT} y={:.0} text-anchor=end>{}</text>", HEIGHT - 6.0, Esc(label));
}
