//! A network's layers in words.

use std::fmt::Write;

use super::NetworkModel;
use crate::LayerSpec;

impl NetworkModel {
    /// Its layers as a table in Markdown: where each stands (what the names of its weights begin with), what it is, how
    /// many numbers it gives for a row, and how many it has learned.
    #[must_use]
    pub fn layers_table(&self) -> String {
        let mut table = String::from("| place | layer | gives | learned |\n|---|---|---:|---:|\n");
        let graph = &self.shell.graph;
        let heads = self.spec().heads.iter().map(|head| format!("heads.{}", head.name)).zip(&graph.heads);
        for (name, stack) in [("trunk".to_owned(), &graph.trunk)].into_iter().chain(heads) {
            for (at, placed) in stack.layers.iter().enumerate() {
                let output = placed.layer.output();
                let gives = match output.steps {
                    1 => output.width.to_string(),
                    steps => format!("{steps} × {}", output.width),
                };
                let learned = placed.numbers(&self.weights).parameters.len();
                // Writing to a string does not fail.
                let _ = writeln!(table, "| {name}.{at} | {} | {gives} | {learned} |", words(&placed.spec));
            }
        }
        let _ = writeln!(table, "| | all | | {} |", self.parameters());
        table
    }
}

fn words(layer: &LayerSpec) -> String {
    match layer {
        LayerSpec::Dense { .. } => "dense".into(),
        LayerSpec::Activation { function } => format!("{function:?}"),
        LayerSpec::BatchNorm { .. } => "batch normalisation".into(),
        LayerSpec::Dropout { rate } => format!("dropout of {rate}"),
        LayerSpec::Lstm { .. } => "LSTM".into(),
        LayerSpec::Attention { heads, key_width } => format!("attention, {heads} heads of {key_width}"),
        LayerSpec::LastStep => "last step".into(),
        LayerSpec::MeanSteps => "mean over steps".into(),
    }
}
