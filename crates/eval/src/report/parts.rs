//! The parts of a page that are not charts: timelines, explained rows, and the numbers behind charts.

use std::fmt::Write;

use super::format;
use super::html::{Esc, element, put};
use super::model::{
    Cell, ColumnChart, Explanations, LineChart, RowExplanation, Series, SpanKind, Table, TableRow, TimeSpan,
    Timeline,
};
use super::svg;

/// The table behind a line chart: the curves read off at the marks of the horizontal axis; dots one by one.
pub(super) fn line_table(chart: &LineChart) -> Table {
    if chart.series.iter().any(|s| s.dots) { dot_table(chart) } else { curve_table(chart) }
}

fn cell(text: String) -> Cell {
    Cell { text, ..Cell::default() }
}

fn curve_table(chart: &LineChart) -> Table {
    let (x, _) = svg::line_scales(chart);
    let mut columns = vec![chart.x.label.clone()];
    columns.extend(chart.series.iter().map(|s| s.name.clone()));
    let rows = x.ticks.iter().map(|&tick| TableRow {
        label: chart.x.format.show(tick),
        note: String::new(),
        cells: chart.series.iter().map(|s| cell(chart.y.format.show(read_off(s, tick)))).collect(),
    });
    Table { columns, rows: rows.collect(), ..Table::default() }
}

/// The curve's height at `x`; NaN (shown as a dash) where the curve does not reach.
fn read_off(series: &Series, x: f64) -> f64 {
    let above = series.points.partition_point(|p| p.x < x - 1e-12);
    match (above.checked_sub(1).and_then(|i| series.points.get(i)), series.points.get(above)) {
        (_, Some(b)) if (b.x - x).abs() <= 1e-12 => b.y,
        (Some(a), Some(b)) => a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x),
        _ => f64::NAN,
    }
}

fn dot_table(chart: &LineChart) -> Table {
    let several = chart.series.len() > 1;
    let mut columns =
        vec![chart.x.label.clone(), chart.y.label.clone(), "Plausible range".into(), "Count".into()];
    if several {
        columns.insert(1, "Series".into());
    }
    let count = format::NumberFormat::Number { decimals: 0 };
    let mut rows = Vec::new();
    for series in &chart.series {
        for point in &series.points {
            let (x, y) = (&chart.x.format, &chart.y.format);
            let range = point.interval.map(|(low, high)| format!("{} to {}", y.show(low), y.show(high)));
            let mut cells = vec![
                cell(y.show(point.y)),
                cell(range.unwrap_or_default()),
                cell(point.count.map(|c| count.show(c)).unwrap_or_default()),
            ];
            if several {
                cells.insert(0, cell(series.name.clone()));
            }
            rows.push(TableRow { label: x.show(point.x), note: String::new(), cells });
        }
    }
    Table { columns, rows, ..Table::default() }
}

/// The table behind a column chart.
pub(super) fn column_table(chart: &ColumnChart) -> Table {
    let mut columns = vec![chart.x_label.clone()];
    columns.extend(chart.series.iter().map(|s| s.name.clone()));
    let rows = chart.categories.iter().enumerate().map(|(at, category)| TableRow {
        label: category.clone(),
        note: String::new(),
        cells: chart
            .series
            .iter()
            .map(|s| cell(chart.y.format.show(s.values.get(at).copied().unwrap_or(f64::NAN))))
            .collect(),
    });
    Table { columns, rows: rows.collect(), ..Table::default() }
}

/// Periods as bars on a common axis, their dates in words.
pub(super) fn timeline(out: &mut String, timeline: &Timeline) {
    let spans = || timeline.rows.iter().flat_map(|row| &row.spans);
    let Some(first) = spans().map(|s| s.start_day).min() else { return };
    let last =
        spans().map(|s| s.end_day.max(s.start_day)).max().unwrap_or(first).max(first.saturating_add(1));
    let length = last.saturating_sub(first) as f64;
    let at = |day: i64| 100.0 * (day.saturating_sub(first) as f64 / length).clamp(0.0, 1.0);
    out.push_str("<figure class=wide>");
    kinds(out, timeline);
    out.push_str("<div class=timeline>");
    for row in &timeline.rows {
        put!(out, "<div class=row><div class=name>{}", Esc(&row.label));
        element(out, "small", "", &row.note);
        out.push_str("</div><div class=track>");
        let mut ordered = row.spans.clone();
        ordered.sort_by_key(|s| (s.kind, s.start_day));
        // The instant is drawn over the periods that meet in it.
        ordered.sort_by_key(|s| s.kind == SpanKind::Prediction);
        for span in &ordered {
            let (left, width) = (at(span.start_day), at(span.end_day) - at(span.start_day));
            let class = kind_name(span.kind).0;
            put!(
                out,
                "<span class=\"{class}\" style=\"left:{left:.2}%;width:{:.2}%\" title=\"{}\"></span>",
                width.max(0.0),
                Esc(&dates(span.start_day, span.end_day))
            );
        }
        out.push_str("</div><div class=dates>");
        out.push_str(&in_words(&row.spans));
        out.push_str("</div></div>");
    }
    axis(out, first, last, at);
    out.push_str("</div>");
    element(out, "figcaption", "", &timeline.caption);
    out.push_str("</figure>");
}

/// The periods of each kind in one phrase: its dates, or from when to when it was done so many times.
fn in_words(spans: &[TimeSpan]) -> String {
    let phrase = |kind| {
        let of = || spans.iter().filter(move |s| s.kind == kind);
        let (count, name) = (of().count(), kind_name(kind).1);
        let (start, end) = (of().map(|s| s.start_day).min()?, of().map(|s| s.end_day).max()?);
        // An instant ends where it begins; its own day is the last.
        let end = if kind == SpanKind::Prediction { end + 1 } else { end };
        let times = if count > 1 { format!(" ({count} times)") } else { String::new() };
        Some(format!("<span>{name}</span> {}{times}", dates(start, end)))
    };
    let kinds = [SpanKind::Observed, SpanKind::Prediction, SpanKind::Outcome];
    kinds.into_iter().filter_map(phrase).collect::<Vec<_>>().join(" · ")
}

fn kind_name(kind: SpanKind) -> (&'static str, &'static str) {
    match kind {
        SpanKind::Observed => ("observed", "looked at"),
        SpanKind::Prediction => ("instant", "predicted on"),
        SpanKind::Outcome => ("outcome", "outcome seen"),
    }
}

fn kinds(out: &mut String, timeline: &Timeline) {
    out.push_str("<ul class=legend>");
    for kind in [SpanKind::Observed, SpanKind::Prediction, SpanKind::Outcome] {
        if timeline.rows.iter().any(|row| row.spans.iter().any(|s| s.kind == kind)) {
            let (class, _) = kind_name(kind);
            let words = match kind {
                SpanKind::Observed => "what the model may look at",
                SpanKind::Prediction => "the day the prediction is made",
                SpanKind::Outcome => "when it is seen what came true",
            };
            put!(out, "<li><i class={class}></i>{words}</li>");
        }
    }
    out.push_str("</ul>");
}

/// The first day and the last day of a period that ends before midnight of `end`.
fn dates(start: i64, end: i64) -> String {
    if end <= start.saturating_add(1) {
        return format::date(start);
    }
    format!("{} – {}", format::date(start), format::date(end - 1))
}

fn axis(out: &mut String, first: i64, last: i64, at: impl Fn(i64) -> f64) {
    let months_of = |day: i64| {
        let (year, month, _) = format::civil(day);
        year * 12 + month as i64 - 1
    };
    let (from, to) = (months_of(first), months_of(last));
    let step = [1, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|s| (to - from) / s <= 5).unwrap_or(600);
    out.push_str("<div class=row><div class=name></div><div class=\"track months\">");
    for months in (from..=to).filter(|m| m % step == 0) {
        let day = format::first_of_month(months);
        // A label needs room to its right.
        if day >= first && at(day) < 90.0 {
            put!(out, "<span style=\"left:{:.2}%\">{}</span>", at(day), format::month(day));
        }
    }
    out.push_str("</div></div>");
}

/// Rows as cards: what is predicted, what moved it to which side, what to do.
pub(super) fn explanations(out: &mut String, explanations: &Explanations) {
    let effects = explanations.rows.iter().flat_map(|r| &r.factors).map(|f| f.effect.abs());
    let longest = effects.filter(|e| e.is_finite()).fold(0.0, f64::max);
    out.push_str("<figure class=wide><ul class=legend>");
    put!(out, "<li><i class=lowers></i>{}</li>", Esc(&explanations.lowers));
    put!(out, "<li><i class=raises></i>{}</li></ul><div class=cards>", Esc(&explanations.raises));
    explanations.rows.iter().for_each(|row| card(out, row, longest));
    out.push_str("</div>");
    element(out, "figcaption", "", &explanations.caption);
    out.push_str("</figure>");
}

fn card(out: &mut String, row: &RowExplanation, longest: f64) {
    put!(out, "<article class=card><h3><bdi>{}</bdi>", Esc(&row.id));
    element(out, "span", "chip", &row.level);
    put!(out, "</h3><p class=risk><b>{}</b> ", Esc(&row.value));
    element(out, "small", "", &row.interval);
    out.push_str("</p><ul class=factors>");
    for factor in &row.factors {
        let effect = if factor.effect.is_finite() { factor.effect } else { 0.0 };
        let width = if longest > 0.0 { 50.0 * effect.abs() / longest } else { 0.0 };
        let (class, left) = if effect < 0.0 { ("lowers", 50.0 - width) } else { ("raises", 50.0) };
        put!(out, "<li>{}", Esc(&factor.text));
        put!(
            out,
            "<span class=balance><span class={class} style=\"left:{left:.1}%;width:{width:.1}%\"></span></span></li>"
        );
    }
    out.push_str("</ul>");
    element(out, "p", "advice", &row.recommendation);
    out.push_str("</article>");
}
