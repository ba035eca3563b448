//! Checks of a fitted model.

use ndarray::{Array2, ArrayView2, Axis};
use tenure_core::{Error, Model, OutputKind, Scale};

use super::{Loader, Outcome, ensure, same_bits};

pub(super) type Check = fn(&dyn Model, ArrayView2<'_, f64>, Loader<'_>) -> Outcome;

pub(super) const CHECKS: [(&str, Check); 6] = [
    ("output_range", output_range),
    ("rows_alone", rows_alone),
    ("save_and_load", save_and_load),
    ("columns", columns),
    ("infinite", infinite),
    ("explanations", explanations),
];

pub(super) fn predict(model: &dyn Model, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
    model.predict(x).map_err(|e| format!("prediction failed: {e}"))
}

fn predict_row(model: &dyn Model, x: ArrayView2<'_, f64>, row: usize) -> Result<Vec<f64>, String> {
    let mut out = vec![0.0; model.outputs().len()];
    model.predict_row(&x.row(row).to_vec(), &mut out).map_err(|e| format!("row {row}: {e}"))?;
    Ok(out)
}

fn output_range(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    ensure(!model.outputs().is_empty(), || "the model has no output".into())?;
    let out = predict(model, x)?;
    for (output, values) in model.outputs().iter().zip(out.columns()) {
        let probability = output.kind != OutputKind::Value;
        let bad = values.iter().find(|v| !v.is_finite() || (probability && !(0.0..=1.0).contains(*v)));
        ensure(bad.is_none(), || format!("output `{}` gave {bad:?}", output.name))?;
    }
    Ok(())
}

fn rows_alone(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    let batch = predict(model, x)?;
    for row in 0..x.nrows() {
        same_bits(&predict_row(model, x, row)?, batch.row(row))
            .map_err(|e| format!("row {row} alone: {e}"))?;
    }
    let reversed: Vec<usize> = (0..x.nrows()).rev().collect();
    let backwards = predict(model, x.select(Axis(0), &reversed).view())?;
    same_bits(&backwards, &batch.select(Axis(0), &reversed)).map_err(|e| format!("in reverse order: {e}"))?;
    for size in [1, 7, 64] {
        for (i, part) in x.axis_chunks_iter(Axis(0), size).enumerate() {
            let whole = batch.slice(ndarray::s![i * size..i * size + part.nrows(), ..]);
            same_bits(&predict(model, part)?, whole).map_err(|e| format!("in batches of {size}: {e}"))?;
        }
    }
    let none = predict(model, x.slice(ndarray::s![..0, ..]))?;
    ensure(none.nrows() == 0, || "no rows in, some out".into())?;
    // A column-major batch is the same batch.
    let mut columns_first = Array2::zeros((x.ncols(), x.nrows()));
    columns_first.assign(&x.t());
    same_bits(&predict(model, columns_first.t())?, &batch).map_err(|e| format!("column-major: {e}"))
}

fn save_and_load(model: &dyn Model, x: ArrayView2<'_, f64>, load: Loader<'_>) -> Outcome {
    let artifact = model.to_artifact();
    let back = load(&artifact).map_err(|e| format!("loading failed: {e}"))?;
    ensure(back.schema() == model.schema(), || "the schema changed".into())?;
    ensure(back.outputs() == model.outputs(), || "the outputs changed".into())?;
    same_bits(&predict(back.as_ref(), x)?, &predict(model, x)?)?;
    ensure(back.to_artifact() == artifact, || "saving what was loaded gives another artifact".into())
}

fn columns(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    let width = x.ncols() + 1;
    let wide = Array2::zeros((2, width));
    match model.predict(wide.view()) {
        Err(Error::Shape { expected, found, .. }) if expected + 1 == found => {}
        other => return Err(format!("a batch one column too wide: {other:?}")),
    }
    let mut out = vec![0.0; model.outputs().len()];
    match model.predict_row(&vec![0.0; width], &mut out) {
        Err(Error::Shape { .. }) => Ok(()),
        other => Err(format!("a row one value too long: {other:?}")),
    }
}

fn infinite(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    if x.is_empty() {
        return Ok(());
    }
    let first = model.schema().features()[0].name.clone();
    let mut rows = x.slice(ndarray::s![..1, ..]).to_owned();
    rows[[0, 0]] = f64::NEG_INFINITY;
    let mut out = vec![0.0; model.outputs().len()];
    let alone = model.predict_row(rows.row(0).as_slice().unwrap_or_default(), &mut out);
    for answer in [model.predict(rows.view()).map(|_| ()), alone] {
        match answer {
            Err(Error::NotFinite { feature, .. }) if feature == first => {}
            other => return Err(format!("-inf in `{first}`: {other:?}")),
        }
    }
    Ok(())
}

fn explanations(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    let out = predict(model, x)?;
    for row in 0..x.nrows().min(50) {
        for (index, output) in model.outputs().iter().enumerate() {
            let explanation = match model.explain_row(&x.row(row).to_vec(), index) {
                Ok(explanation) if model.capabilities().explains => explanation,
                Err(Error::Unsupported { .. }) if !model.capabilities().explains => continue,
                other => return Err(format!("row {row}: {other:?}")),
            };
            ensure(explanation.contributions.len() == x.ncols(), || "not one contribution a feature".into())?;
            ensure(explanation.scale == output.scale, || "another scale than the output's".into())?;
            let (sum, value) = (explanation.prediction(), out[[row, index]]);
            let error =
                (sum - value).abs() / if output.scale == Scale::LogOdds { 1.0 } else { value.abs().max(1.0) };
            ensure(error <= 1e-6, || format!("row {row}: the parts give {sum}, the model {value}"))?;
        }
    }
    Ok(())
}
