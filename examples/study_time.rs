//! Sessions of students to the hours that the next one will take, and whether a more complicated learner pays.
//!
//! `cargo run --release -p tenure-examples --example study_time`
//!
//! ```text
//! on students held out: off by 0.94 h (the mean: 1.44 h)
//! 3.3 h, 2.0 to 5.5 in 90 of 100 cases
//!   +0.44 h  education of the student: high_school (typical: high_school)
//!   -0.43 h  estimated base time of the topic: 2.75 (typical: 3.25)
//!   -0.23 h  breaks: 0 (typical: 2)
//! gbdt does not pay: 0.002 hours closer than mlp on average, which chance explains (95 %: -0.023 to 0.027 closer)
//! …
//! ```

use std::error::Error;

use tenure::FitContext;
use tenure::features::study::StudySession;
use tenure::study_time::{Samples, StudyLearner, StudyParams, compare, train};
use tenure::synth::study;

fn main() -> Result<(), Box<dyn Error>> {
    // Stands for your sessions: who studied what, when and how, and how long it took.
    let sessions = study::StudyParams::default().check()?.generate(42).sessions;
    let context = FitContext::new(42);
    let params = StudyParams::default();
    let trained = train(&Samples::Sessions(sessions.clone()), &params, &context)?;
    let held_out = &trained.report.held_out;
    println!(
        "on students held out: off by {:.2} h (the mean: {:.2} h)",
        held_out.model.mae, held_out.mean.mae
    );

    // A session to come: what is planned is known, how long it takes is not.
    let planned = StudySession { actual_duration: None, ..sessions[7].clone() };
    let answer = &trained.model.predict_sessions(&[planned], &sessions[..7])?[0];
    let range = answer.interval;
    println!(
        "{:.1} h, {:.1} to {:.1} in {:.0} of 100 cases",
        answer.hours,
        range.low,
        range.high,
        100.0 * range.level
    );
    for reason in answer.reasons.iter().take(3) {
        println!("  {:+.2} h  {}", reason.effect, reason.text);
    }

    let learners =
        ["mlp", "gbdt", "glm"].map(StudyLearner::by_name).into_iter().collect::<Result<Vec<_>, _>>()?;
    for words in compare(&Samples::Sessions(sessions), &learners, 3, &params, None, &context)?.conclusions {
        println!("{words}");
    }
    Ok(())
}
