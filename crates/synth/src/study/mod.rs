//! Study sessions whose expected duration is known exactly.
//!
//! # The model
//!
//! N is a standard normal draw, fresh wherever it stands; lists are drawn evenly unless said.
//!
//! **Students.** Age 18 to 35; education `high_school`, `bachelor`, `master`; learning style `visual`, `auditory`,
//! `reading`, `kinesthetic`; usual focus 45·e^(0.4 N) minutes, rounded, within 15 to 120. The hidden speed v = N shows in
//! nothing but durations.
//!
//! **Topics.** A catalogue of [`StudyParams::topics`]: subject (eight), content type (`video`, `text`, `exercises`,
//! `project`), difficulty d of 1 to 10, ⌊d/3⌋ prerequisites more or less one, and a base time b of 3·e^(0.05 (d − 5.5) +
//! 0.23 N) hours in quarters, within 0.5 to 12.
//!
//! **Sessions.** All students have the same number of sessions, up to one. A student's first is within the first week, each
//! next after a day and an exponential time, [`StudyParams::gap_days`] together on average; topic, time of day, method, environment, energy,
//! distraction (1 to 5) and planned breaks (0 to 4) are drawn anew, the minute of the day within two hours of 9, 14, 19 or 23
//! o'clock.
//!
//! **Duration.** With r = d / (focus in hours), the logarithm of the hours is
//!
//! m = ln b + 0.15 ln(r / 7) − 0.05 (energy − distraction) + 0.08 cos(2π (hour − 23) / 24) + 0.03 (prerequisites − 2) + 0.04
//! (breaks − 2) + 0.004 (age − 25) + (subject, −0.09 to 0.12) + (method, −0.06 to 0.08) + (environment, −0.05 to 0.08) +
//! (education, 0.06, 0, −0.06) − 0.12 where the learning style suits the content (visual video, auditory video, reading
//! text, kinesthetic exercises and projects), and where the energy is 1 or 2 at night 0.12 more,
//!
//! plus s v + e N, s being `student_noise` and e `session_noise`. Durations are rounded to 1/10,000 hour.
//!
//! # The truth
//! Speed and noise are independent of the 15 facts. Given these, a duration is lognormal: its mean is e^(m + (s² + e²)/2),
//! its median e^m; given the student's speed too, e^(m + s v + e²/2) and e^(m + s v). The mean has the smallest squared,
//! the median the smallest absolute error that anybody can expect to have ([`StudyOracle`]).
//!
//! # When not to use it
//! To learn something about studying: the numbers are made up.
//!
//! # Example
//! ```
//! use tenure_synth::StudyParams;
//!
//! let batch = StudyParams::default().check()?.generate(42);
//! assert_eq!(batch.sessions.len(), 600);
//! let oracle = batch.oracle().unwrap();
//! assert!(oracle.features.mae < 0.9 && oracle.student.mae < oracle.features.mae);
//! # Ok::<(), tenure_core::Error>(())
//! ```

mod params;
mod truth;
mod world;

pub use params::StudyParams;
pub use truth::{DurationFigures, StudyOracle, StudySummary, StudyTruth};
pub use world::{StudyBatch, StudyWorld};
