//! A search that is interrupted anywhere ends as one that ran through.

use serde_json::json;
use tenure_backends::search::{
    Objective, Point, Pruning, Search, SearchLog, SearchOptions, SearchSpace, Strategy, Trials,
};
use tenure_core::{CancelToken, Error, FitContext, Result};

use crate::{function, number, options, space};

fn noisy(point: &Point, fold: usize) -> Result<f64> {
    let (a, b) = (number(point, "a"), number(point, "b"));
    if b > 18.0 && fold == 1 {
        return Err(Error::Data("too large".into()));
    }
    Ok((a - 0.3).powi(2) + (b / 10.0 - 1.0).powi(2) + 0.1 * ((a * 100.0).sin() * (fold as f64 + 1.0)).cos())
}

fn plane() -> SearchSpace {
    space(json!({"backend": "", "a": {"float": [0, 1]}, "b": {"int": [0, 40]}}))
}

fn usual() -> SearchOptions {
    options(Strategy::Tpe { startup: 5 }, 14, Some(Pruning::default()))
}

/// Runs, and returns the whole log beside what was found.
fn logged(
    before: &[u8],
    options: &SearchOptions,
    seed: u64,
    objective: &mut dyn Objective,
) -> (Result<Trials>, Vec<u8>) {
    let log = match SearchLog::parse(before) {
        Ok(log) => log,
        Err(error) => return (Err(error), before.to_vec()),
    };
    let mut text = before[..log.kept_bytes()].to_vec();
    let mut sink = |line: &str| {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
        Ok(())
    };
    let (space, context) = (plane(), FitContext::new(seed));
    let search = Search::new(&space, options, &context).resuming(&log).with_log(&mut sink);
    (search.run(objective, "noisy"), text)
}

#[test]
fn a_log_cut_at_any_byte_is_gone_on_with_to_the_same_end() {
    let mut whole = function(4, noisy);
    let (trials, text) = logged(b"", &usual(), 9, &mut whole);
    let trials = trials.unwrap();
    let mut states: Vec<_> = trials.trials.iter().map(|t| format!("{:?}", t.state)).collect();
    states.sort();
    states.dedup();
    assert_eq!(states, ["Complete", "Failed", "Pruned"], "the log holds every kind of trial");
    for cut in 0..=text.len() {
        let mut rest = function(4, noisy);
        let (resumed, resumed_text) = logged(&text[..cut], &usual(), 9, &mut rest);
        assert_eq!(resumed.unwrap(), trials, "cut at byte {cut}");
        assert_eq!(resumed_text, text, "cut at byte {cut}");
        let folds = text[..cut]
            .split(|&b| b == b'\n')
            .rev()
            .skip(1)
            .filter(|l| l.starts_with(b"{\"event\":\"fold\""));
        assert!(
            rest.calls <= whole.calls - folds.count(),
            "cut at byte {cut}: scored folds are scored again"
        );
    }
}

#[test]
fn more_trials_may_be_asked_for_later() {
    let (first, text) = logged(b"", &usual(), 9, &mut function(4, noisy));
    let more = SearchOptions { trials: 25, ..usual() };
    let (through, _) = logged(b"", &more, 9, &mut function(4, noisy));
    let mut rest = function(4, noisy);
    let (resumed, _) = logged(&text, &more, 9, &mut rest);
    assert_eq!(resumed.unwrap(), through.unwrap());
    assert_eq!(first.unwrap().trials.len(), 14);
    let fewer = SearchOptions { trials: 5, ..usual() };
    let error = logged(&text, &fewer, 9, &mut function(4, noisy)).0.unwrap_err().to_string();
    assert!(error.ends_with("trial 5 is beyond the 5 trials of this search"), "{error}");
}

#[test]
fn a_cancelled_search_goes_on_where_it_was() {
    let (trials, text) = logged(b"", &usual(), 9, &mut function(4, noisy));
    let cancel = CancelToken::default();
    let context = FitContext::new(9).with_cancel(cancel.clone());
    let mut calls = 0;
    let mut objective = function(4, |point: &Point, fold| {
        calls += 1;
        if calls == 17 {
            cancel.cancel();
        }
        noisy(point, fold)
    });
    let mut lines = Vec::new();
    let mut sink = |line: &str| {
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
        Ok(())
    };
    let (space, options) = (plane(), usual());
    let search = Search::new(&space, &options, &context).with_log(&mut sink);
    assert!(matches!(search.run(&mut objective, "noisy"), Err(Error::Cancelled { .. })));
    assert!(text.starts_with(&lines), "what was logged is a beginning of the whole");
    let (resumed, all) = logged(&lines, &usual(), 9, &mut function(4, noisy));
    assert_eq!((resumed.unwrap(), all), (trials.unwrap(), text));
}

#[test]
fn an_error_of_the_sink_ends_the_search() {
    let mut sink = |_: &str| Err(Error::Data("the disk is full".into()));
    let (space, options, context) = (plane(), usual(), FitContext::new(1));
    let mut objective = function(2, noisy);
    let search = Search::new(&space, &options, &context).with_log(&mut sink);
    assert_eq!(search.run(&mut objective, "noisy").unwrap_err().to_string(), "the disk is full");
    assert_eq!(objective.calls, 0);
}

#[test]
fn damaged_and_foreign_logs_are_refused_in_words() {
    let (_, text) = logged(b"", &usual(), 9, &mut function(4, noisy));
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let refused = |text: &str, options: &SearchOptions, seed| -> String {
        logged(text.as_bytes(), options, seed, &mut function(4, noisy)).0.unwrap_err().to_string()
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let without = |at: usize| joined(&[&lines[..at], &lines[at + 1..]].concat());
    let with = |at: usize, line: &str| joined(&[&lines[..at], &[line], &lines[at + 1..]].concat());
    let check = |found: String, words: &str| assert!(found.contains(words), "{found}\nis not\n{words}");

    check(
        refused(&with(3, "gibberish"), &usual(), 9),
        "search log, line 4: expected value at line 1 column 1",
    );
    check(refused(&with(3, ""), &usual(), 9), "search log, line 4: EOF while parsing");
    check(
        refused(&with(2, &lines[2].replace("score", "scores")), &usual(), 9),
        "search log, line 3: unknown field `scores`",
    );
    check(
        refused(&with(2, &lines[2].replace("fold\":0", "fold\":1")), &usual(), 9),
        "search log, line 3: fold 1 of trial 0 is not what follows",
    );
    check(refused(&without(0), &usual(), 9), "search log, line 1: the first line, and no other");
    check(
        refused(&joined(&[lines[0], lines[0]]), &usual(), 9),
        "search log, line 2: the first line, and no other",
    );
    check(refused(&without(1), &usual(), 9), "search log, line 2: fold 0 of trial 0 is not what follows");
    check(
        refused(&without(6), &usual(), 9),
        "search log, line 7: trial 1 begins where trial 1 should, or before the last ended",
    );
    check(
        refused(&joined(&[lines[0], lines[1], lines[2], lines[6]]), &usual(), 9),
        "search log, line 2: trial 0 ends before its fold 1",
    );
    let point = lines[1].replace("\"a\":0.", "\"a\":0.1");
    check(
        refused(&with(1, &point), &usual(), 9),
        "search log, line 2: trial 0 has another point than this program draws",
    );
    let pruned = lines.iter().position(|line| line.contains("pruned")).unwrap();
    let end = lines[pruned].replace("pruned", "complete");
    check(refused(&with(pruned, &end), &usual(), 9), "ended otherwise than its folds tell");
    check(refused("\0\0\0\0\n", &usual(), 9), "search log, line 1: expected value");

    check(refused(&text, &usual(), 10), "the search log was written with seed 9; the seed is now 10");
    let others = SearchOptions { pruning: None, ..usual() };
    check(refused(&text, &others, 9), "the search log belongs to another space, backend or metric");
    check(
        refused(&with(0, &lines[0].replace("\"version\":1", "\"version\":2")), &usual(), 9),
        "in version 2 of its format; this program writes 1",
    );
    let log = SearchLog::parse(text.as_bytes()).unwrap();
    let (space, options, context) = (plane(), usual(), FitContext::new(9));
    let foreign =
        Search::new(&space, &options, &context).resuming(&log).run(&mut function(4, noisy), "another");
    check(foreign.unwrap_err().to_string(), "the search log belongs to other rows or other splits");
    assert_eq!(log.finished_trials(), 14);
}
