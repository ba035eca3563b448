//! What a search has done, line by line, so that an interrupted one goes on where it was.

use serde::{Deserialize, Serialize};
use tenure_core::{Error, Result};

use super::engine::{FoldScore, TrialState};
use super::space::Point;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// The first line: what the log belongs to.
    Search(Identity),
    /// A trial begins.
    Trial { trial: usize, point: Point },
    /// One fold of it is scored.
    Fold {
        trial: usize,
        fold: usize,
        score: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iterations: Option<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f64>,
    },
    /// The trial is over.
    End {
        trial: usize,
        state: TrialState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Entry {
    pub(super) fn line(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::Internal(format!("a line of the search log: {e}")))
    }
}

/// What must be the same for a log to be gone on with; fingerprints in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// Version of the log and of the draws.
    pub(super) version: u32,
    pub(super) seed: u64,
    /// Of the rows and the splits.
    pub(super) data: String,
    /// Of the space, the backend that it begins from and the options; but not the number of trials.
    pub(super) settings: String,
}

impl Identity {
    /// Counts up where a log of before would be gone on with otherwise than it began.
    pub(super) const VERSION: u32 = 1;

    fn require(&self, found: &Self) -> Result<()> {
        let problem = if found.version != self.version {
            format!(
                "was written in version {} of its format; this program writes {}",
                found.version, self.version
            )
        } else if found.data != self.data {
            "belongs to other rows or other splits".to_owned()
        } else if found.settings != self.settings {
            "belongs to another space, backend or metric, or to other options".to_owned()
        } else if found.seed != self.seed {
            format!("was written with seed {}; the seed is now {}", found.seed, self.seed)
        } else {
            return Ok(());
        };
        Err(Error::Data(format!("the search log {problem}: begin a new one, or search as it was begun")))
    }
}

/// A trial as far as the log has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recorded {
    pub(super) line: usize,
    pub(super) point: Point,
    pub(super) folds: Vec<FoldScore>,
    pub(super) end: Option<(TrialState, Option<String>)>,
}

/// The log of an earlier search, to go on with.
///
/// The log is a text of JSON lines, which [`super::Search::with_log`] hands out one by one and the caller
/// keeps, each with a line feed behind it. A last line without one was cut off as it was written: it is left
/// out, and the fold it was of is done again. Before further lines are added, the text must be cut to
/// [`SearchLog::kept_bytes`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchLog {
    identity: Option<Identity>,
    trials: Vec<Recorded>,
    kept_bytes: usize,
}

impl SearchLog {
    /// Reads the text of a log; an empty one is a search that has not begun.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first line that does not fit.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let kept_bytes = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut log = Self { kept_bytes, ..Self::default() };
        for (at, line) in text[..kept_bytes].split_inclusive(|&byte| byte == b'\n').enumerate() {
            let number = at + 1;
            let entry = serde_json::from_slice(line).map_err(|error| damaged(number, &error.to_string()))?;
            log.add(number, entry)?;
        }
        Ok(log)
    }

    /// How many bytes of the text are whole lines; what follows is to be cut off before lines are added.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Trials that are over.
    #[must_use]
    pub fn finished_trials(&self) -> usize {
        self.trials.iter().filter(|trial| trial.end.is_some()).count()
    }

    fn add(&mut self, line: usize, entry: Entry) -> Result<()> {
        let refuse = |problem: &str| Err(damaged(line, problem));
        if (line == 1) != matches!(entry, Entry::Search(_)) {
            return refuse("the first line, and no other, says what the search is of");
        }
        let next = self.trials.len();
        match (entry, self.trials.last_mut()) {
            (Entry::Search(identity), _) => self.identity = Some(identity),
            (Entry::Trial { trial, point }, last) => {
                if trial != next || last.is_some_and(|last| last.end.is_none()) {
                    return refuse(&format!(
                        "trial {trial} begins where trial {next} should, or before the last ended"
                    ));
                }
                self.trials.push(Recorded { line, point, folds: Vec::new(), end: None });
            }
            (Entry::Fold { trial, fold, score, iterations, seconds }, Some(last))
                if trial + 1 == next && fold == last.folds.len() && last.end.is_none() =>
            {
                last.folds.push(FoldScore { score, iterations, seconds });
            }
            (Entry::End { trial, state, reason }, Some(last)) if trial + 1 == next && last.end.is_none() => {
                last.end = Some((state, reason));
            }
            (Entry::Fold { trial, fold, .. }, _) => {
                return refuse(&format!("fold {fold} of trial {trial} is not what follows"));
            }
            (Entry::End { trial, .. }, _) => {
                return refuse(&format!("the end of trial {trial} is not what follows"));
            }
        }
        Ok(())
    }

    /// Whether the log has its first line; refuses a log of another search.
    pub(super) fn belongs_to(&self, identity: &Identity) -> Result<bool> {
        self.identity.as_ref().map_or(Ok(()), |found| identity.require(found))?;
        Ok(self.identity.is_some())
    }

    pub(super) fn trial(&self, number: usize) -> Option<&Recorded> {
        self.trials.get(number)
    }
}

pub(super) fn damaged(line: usize, problem: &str) -> Error {
    Error::Data(format!("search log, line {line}: {problem}"))
}
