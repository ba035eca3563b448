//! A model that was trained in Python: predictions and reasons here, unchanged.
//!
//! `cargo run --release -p tenure-examples --example python_model -- model.txt`
//!
//! Takes what LightGBM's `Booster.save_model` wrote as text, or XGBoost's as JSON or UBJSON; without an argument
//! a small LightGBM model that was trained on a pandas table. Prints the model's columns and, for two rows, the
//! prediction with its three strongest reasons.

use std::error::Error;

use tenure::Model;
use tenure::gbdt::foreign;

fn main() -> Result<(), Box<dyn Error>> {
    let model = match std::env::args_os().nth(1) {
        Some(path) => foreign::read(&std::fs::read(path)?)?,
        None => foreign::read(include_bytes!("data/lightgbm_model.txt"))?,
    };
    println!("{} trees for {}, {} columns:", model.n_trees(), model.objective(), model.schema().len());
    for feature in model.schema().features() {
        match feature.levels() {
            Some(levels) => println!("  {} (one of {})", feature.name, short(levels)),
            None => println!("  {}", feature.name),
        }
    }

    // Rows of one's own come from `tenure::io::read_table`, or by name: here a missing value and the first level.
    let nothing_known = vec![f64::NAN; model.schema().len()];
    let zeros = vec![0.0; model.schema().len()];
    for row in [nothing_known, zeros] {
        let mut outputs = vec![0.0; model.outputs().len()];
        model.predict_row(&row, &mut outputs)?;
        let explanation = model.explain_row(&row, 0)?;
        let output = &model.outputs()[0];
        println!(
            "{} {:.4}, from {:+.3} on the scale {:?} and",
            output.name, outputs[0], explanation.baseline, output.scale
        );
        for (column, effect) in explanation.ranked().into_iter().take(3) {
            let feature = &model.schema().features()[column];
            println!("  {:+.3}  {} = {}", effect, feature.name, feature.display(row[column]));
        }
    }

    // And back: Python's LightGBM loads this text, whoever trained the model.
    let text = foreign::lightgbm::write(&model)?;
    println!("as LightGBM text: {} lines", text.lines().count());
    Ok(())
}

/// The first levels.
fn short(levels: &[String]) -> String {
    let more = if levels.len() > 4 { ", …" } else { "" };
    levels.iter().take(4).cloned().collect::<Vec<_>>().join(", ") + more
}
