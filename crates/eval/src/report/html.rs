//! The report as one HTML page.

use std::fmt::{self, Write};

use super::model::{BarChart, ColumnChart, KeyFigure, LineChart, Part, Report, Section, Table};
use super::{parts, svg};

/// A table with more columns has a line to itself.
const NARROW: usize = 3;

/// Appends formatted text; writing to a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {{ _ = write!($out, $($arg)*); }};
}
pub(super) use put;

/// Text that cannot leave its place in the page: markup and quotes are escaped, control characters replaced.
pub(super) struct Esc<'a>(pub(super) &'a str);

impl fmt::Display for Esc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(c)?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Writes `<tag class=…>text</tag>`, or nothing where the text is empty.
pub(super) fn element(out: &mut String, tag: &str, class: &str, text: &str) {
    if text.is_empty() {
        return;
    }
    match class {
        "" => put!(out, "<{tag}>{}</{tag}>", Esc(text)),
        _ => put!(out, "<{tag} class=\"{class}\">{}</{tag}>", Esc(text)),
    }
}

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut out = String::with_capacity(64 * 1024);
    out.push_str("<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n");
    out.push_str("<meta name=viewport content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=color-scheme content=\"light dark\">\n");
    element(&mut out, "title", "", if report.title.is_empty() { "Report" } else { &report.title });
    put!(out, "\n<style>\n{}</style>\n</head>\n<body>\n<main>\n", include_str!("style.css"));
    header(&mut out, report);
    for (at, part) in report.sections.iter().enumerate() {
        section(&mut out, part, at);
    }
    if !report.glossary.is_empty() {
        out.push_str("<section id=terms><h2>The terms, in plain words</h2><dl class=terms>");
        for term in &report.glossary {
            put!(out, "<div><dt>{}</dt><dd>{}</dd></div>", Esc(&term.term), Esc(&term.text));
        }
        out.push_str("</dl></section>\n");
    }
    if !report.notes.is_empty() {
        out.push_str("<section id=notes><h2>Notes</h2><ul>");
        report.notes.iter().for_each(|note| element(&mut out, "li", "", note));
        out.push_str("</ul></section>\n");
    }
    put!(out, "</main>\n<script>\n{}</script>\n</body>\n</html>\n", include_str!("hover.js"));
    out
}

fn header(out: &mut String, report: &Report) {
    out.push_str("<header>");
    element(out, "p", "kicker", &report.subtitle);
    element(out, "h1", "", &report.title);
    element(out, "p", "headline", &report.headline);
    element(out, "p", "summary", &report.summary);
    figures(out, &report.figures);
    if !report.warnings.is_empty() {
        out.push_str("<div class=warnings role=note><strong>Before you rely on this</strong><ul>");
        report.warnings.iter().for_each(|warning| element(out, "li", "", warning));
        out.push_str("</ul></div>");
    }
    out.push_str("</header>\n");
}

fn figures(out: &mut String, figures: &[KeyFigure]) {
    if figures.is_empty() {
        return;
    }
    out.push_str("<dl class=figures>");
    for figure in figures {
        put!(out, "<div><dt>{}</dt><dd class=value>{}</dd>", Esc(&figure.label), Esc(&figure.value));
        element(out, "dd", "", &figure.note);
        out.push_str("</div>");
    }
    out.push_str("</dl>");
}

fn section(out: &mut String, section: &Section, at: usize) {
    put!(out, "<section id=s{at}>");
    element(out, "h2", "", &section.title);
    element(out, "p", "lead", &section.lead);
    out.push_str("<div class=parts>");
    for (number, part) in section.parts.iter().enumerate() {
        let id = format!("s{at}p{number}");
        match part {
            Part::Text { text } => element(out, "p", "wide", text),
            Part::Figures { figures: list } => {
                out.push_str("<div class=wide>");
                figures(out, list);
                out.push_str("</div>");
            }
            Part::Table(table) => shown_table(out, table),
            Part::Lines(chart) => line_chart(out, chart, &id, beside_tables(&section.parts[number + 1..])),
            Part::Columns(chart) => column_chart(out, chart, &id),
            Part::Bars(chart) => bar_chart(out, chart),
            Part::Timeline(timeline) => parts::timeline(out, timeline),
            Part::Explanations(explanations) => parts::explanations(out, explanations),
        }
    }
    out.push_str("</div></section>\n");
}

/// Whether two narrow tables follow, which then stand beside what comes before them.
fn beside_tables(next: &[Part]) -> bool {
    let narrow = |part: &Part| matches!(part, Part::Table(table) if table.columns.len() <= NARROW);
    next.len() >= 2 && next[..2].iter().all(narrow)
}

/// A table of up to three columns shares a line with its neighbour; a wider one has the line to itself.
fn shown_table(out: &mut String, shown: &Table) {
    let class = if shown.columns.len() > NARROW { " class=wide" } else { "" };
    put!(out, "<figure{class}>");
    figure_title(out, &shown.title, "");
    table(out, shown);
    element(out, "figcaption", "", &shown.caption);
    out.push_str("</figure>");
}

/// The table itself, which scrolls sideways where the page is narrow.
pub(super) fn table(out: &mut String, table: &Table) {
    out.push_str("<div class=scroll tabindex=0><table><thead><tr>");
    table.columns.iter().for_each(|column| put!(out, "<th scope=col>{}</th>", Esc(column)));
    out.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        put!(out, "<tr><th scope=row>{}", Esc(&row.label));
        element(out, "small", "", &row.note);
        out.push_str("</th>");
        for cell in &row.cells {
            let class = if cell.strong { " class=strong" } else { "" };
            put!(out, "<td{class}>{}", Esc(&cell.text));
            element(out, "small", "", &cell.note);
            out.push_str("</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

fn figure_title(out: &mut String, title: &str, term: &str) {
    if title.is_empty() && term.is_empty() {
        return;
    }
    put!(out, "<h3>{}", Esc(title));
    if !term.is_empty() {
        put!(out, " <span class=term>{}</span>", Esc(term));
    }
    out.push_str("</h3>");
}

fn line_chart(out: &mut String, chart: &LineChart, id: &str, tall: bool) {
    out.push_str(if tall { "<figure class=tall>" } else { "<figure>" });
    figure_title(out, &chart.title, &chart.term);
    let classes = svg::classes(chart.series.iter().map(|s| s.tone));
    let references = chart.references.iter().map(|r| r.label.as_str());
    let series = chart.series.iter().map(|s| s.name.as_str()).zip(classes.iter().map(String::as_str));
    legend(out, series.chain(references.map(|label| (label, "reference"))), "line");
    svg::lines(out, chart, id);
    element(out, "figcaption", "", &chart.caption);
    details(out, &parts::line_table(chart));
    out.push_str("</figure>");
}

fn column_chart(out: &mut String, chart: &ColumnChart, id: &str) {
    out.push_str("<figure>");
    figure_title(out, &chart.title, &chart.term);
    let classes = svg::classes(chart.series.iter().map(|s| s.tone));
    legend(out, chart.series.iter().map(|s| s.name.as_str()).zip(classes.iter().map(String::as_str)), "bar");
    svg::columns(out, chart, id);
    element(out, "figcaption", "", &chart.caption);
    details(out, &parts::column_table(chart));
    out.push_str("</figure>");
}

fn legend<'a>(out: &mut String, entries: impl Iterator<Item = (&'a str, &'a str)>, shape: &str) {
    out.push_str("<ul class=legend>");
    for (name, class) in entries.filter(|(name, _)| !name.is_empty()) {
        out.push_str("<li><svg viewBox=\"0 0 26 10\" aria-hidden=true>");
        match (shape, class) {
            (_, "reference") => out.push_str("<line class=reference x1=0 y1=5 x2=26 y2=5 />"),
            ("line", _) => put!(out, "<line class=\"line {class}\" x1=1 y1=5 x2=25 y2=5 />"),
            _ => put!(out, "<rect class=\"bar {class}\" x=8 y=0 width=10 height=10 />"),
        }
        put!(out, "</svg>{}</li>", Esc(name));
    }
    out.push_str("</ul>");
}

fn details(out: &mut String, numbers: &Table) {
    out.push_str("<details><summary>The numbers</summary>");
    table(out, numbers);
    out.push_str("</details>");
}

fn bar_chart(out: &mut String, chart: &BarChart) {
    let longest = chart.bars.iter().map(|b| b.value.abs()).filter(|v| v.is_finite()).fold(0.0, f64::max);
    out.push_str("<figure class=wide>");
    figure_title(out, &chart.title, "");
    out.push_str("<ol class=bars>");
    for bar in &chart.bars {
        let width =
            if longest > 0.0 && bar.value.is_finite() { 100.0 * bar.value.max(0.0) / longest } else { 0.0 };
        put!(out, "<li><span class=name>{}", Esc(&bar.label));
        element(out, "small", "", &bar.note);
        put!(out, "</span><span class=track><span style=\"width:{width:.1}%\"></span></span>");
        put!(out, "<span class=amount>{}</span></li>", Esc(&chart.format.show(bar.value)));
    }
    out.push_str("</ol>");
    element(out, "figcaption", "", &chart.caption);
    out.push_str("</figure>");
}
