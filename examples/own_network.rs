//! A network of two tasks on a table of one's own: trained epoch by epoch, kept at a checkpoint, gone on with, and
//! explained.
//!
//! `cargo run --release -p tenure-examples --example own_network`
//!
//! Prints each epoch, how it ended, and one prediction with what moved it:
//!
//! ```text
//! epoch 10  loss 0.333  on held-out rows 0.293
//! 20 epochs, the weights of epoch 20 are kept
//! answered with 60 %, after 7.9 hours
//!   +2.71 h  messages_before
//!   -1.10 h  age_days
//! ```

use std::error::Error;

use tenure::ndarray::Array2;
use tenure::neural::{HeadSpec, LayerSpec, Loss, NetworkParams, NetworkSpec, TargetScale, TrainingParams};
use tenure::{Artifact, Dataset, Feature, FitContext, Metadata, Model, Schema, Target, seed};

fn main() -> Result<(), Box<dyn Error>> {
    let data = table(4_000)?;
    let network = NetworkParams {
        network: NetworkSpec {
            steps: 1,
            trunk: vec![
                LayerSpec::dense(64),
                LayerSpec::relu(),
                LayerSpec::batch_norm(),
                LayerSpec::dropout(0.1),
            ],
            heads: vec![
                HeadSpec::new("answered", Loss::BinaryCrossEntropy),
                HeadSpec::new("hours", Loss::SquaredError(TargetScale::Standardised))
                    .with_layers(vec![LayerSpec::dense(16), LayerSpec::relu()])
                    .with_weight(0.5),
            ],
        },
        training: TrainingParams { epochs: 20, ..TrainingParams::default() },
        missing_indicators: true,
    }
    .check()?;

    // The loop is yours: print, keep, log, or stop.
    let context = FitContext::new(42);
    let folder = tempfile::tempdir()?;
    let mut run = network.start(&data, None, &context)?;
    for _ in 0..10 {
        let Some(epoch) = run.next_epoch(&context)? else { break };
        println!(
            "epoch {:2}  loss {:.3}  on held-out rows {:.3}",
            epoch.epoch,
            epoch.train.total,
            epoch.watched()
        );
    }
    run.checkpoint().save(folder.path(), &Metadata::default())?;

    // Another process, another day: the same bits as if it had never stopped.
    let (checkpoint, _) = Artifact::load(folder.path())?;
    let mut run = network.resume(&checkpoint, &data, None, &context)?;
    while run.next_epoch(&context)?.is_some() {}
    let fit = run.finish()?;
    println!("{} epochs, the weights of epoch {} are kept", fit.history.len(), fit.report.iterations);

    let row = [3.0, f64::NAN];
    let mut out = [0.0; 2];
    fit.model.predict_row(&row, &mut out)?;
    println!("answered with {:.0} %, after {:.1} hours", 100.0 * out[0], out[1]);
    for (feature, hours) in fit.model.explain_row(&row, 1)?.ranked() {
        println!("  {:+.2} h  {}", hours, fit.model.schema().features()[feature].name);
    }
    Ok(())
}

/// Stands for your table; every seventh age is not known, every ninth message was never answered.
fn table(rows: usize) -> Result<Dataset, Box<dyn Error>> {
    let features = vec![
        Feature::numeric("messages_before", "messages", "Messages exchanged before"),
        Feature::numeric("age_days", "days", "Days since the first message"),
    ];
    let draw = |row: usize, part: u64| seed::unit(part, row as u64);
    let x = Array2::from_shape_fn((rows, 2), |(row, column)| match column {
        1 if row % 7 == 0 => f64::NAN,
        1 => 100.0 * draw(row, 1),
        _ => (10.0 * draw(row, 0)).floor(),
    });
    let hours = |row: usize| 24.0 / (1.0 + x[[row, 0]]) + 4.0 * draw(row, 2);
    let answered = (0..rows).map(|row| f64::from(u8::from(hours(row) + 6.0 * draw(row, 3) < 12.0))).collect();
    let known = (0..rows).map(|row| if row % 9 == 0 { f64::NAN } else { hours(row) }).collect();
    Ok(Dataset::new(Schema::new(features)?, x.clone())?
        .with_target(Target::binary("answered", answered)?)?
        .with_target(Target::real("hours", known)?.with_unit("hours"))?)
}
