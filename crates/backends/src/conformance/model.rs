//! Checks of a fitted model.

use ndarray::{Array2, ArrayView2, Axis};
use tenure_core::{Error, MissingPolicy, Model, OutputKind, Scale};

use super::{Loader, Outcome, ensure, same_bits};

pub(super) type Check = fn(&dyn Model, ArrayView2<'_, f64>, Loader<'_>) -> Outcome;

pub(super) const CHECKS: [(&str, Check); 7] = [
    ("output_range", output_range),
    ("output_shape", output_shape),
    ("rows_alone", rows_alone),
    ("columns", columns),
    ("infinite", infinite),
    ("explanations", explanations),
    ("explain_bounds", explain_bounds),
];

pub(super) fn predict(model: &dyn Model, x: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
    let out = model.predict(x).map_err(|e| format!("prediction failed: {e}"))?;
    let (expected, found) = ((x.nrows(), model.outputs().len()), out.dim());
    ensure(found == expected, || format!("predictions are {found:?}, not rows × outputs {expected:?}"))?;
    Ok(out)
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
    for output in model.outputs().iter().filter(|o| matches!(o.kind, OutputKind::ClassProbability { .. })) {
        let same: Vec<usize> =
            (0..out.ncols()).filter(|&at| model.outputs()[at].target == output.target).collect();
        for (row, values) in out.rows().into_iter().enumerate() {
            let sum: f64 = same.iter().map(|&at| values[at]).sum();
            ensure((sum - 1.0).abs() <= 1e-9, || {
                format!("row {row}: the classes of `{}` sum to {sum}", output.target)
            })?;
        }
    }
    Ok(())
}

fn output_shape(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    let x = x.slice(ndarray::s![..x.nrows().min(3), ..]);
    let (rows, outputs) = (x.nrows(), model.outputs().len());
    let mut dims = vec![(rows + 1, outputs), (rows, outputs + 1)];
    dims.extend(rows.checked_sub(1).map(|fewer| (fewer, outputs)));
    dims.extend(outputs.checked_sub(1).map(|fewer| (rows, fewer)));
    for dim in dims {
        match model.predict_into(x, Array2::zeros(dim).view_mut()) {
            Err(Error::Shape { .. }) => {}
            other => return Err(format!("{rows} rows, {outputs} outputs into {dim:?}: {other:?}")),
        }
    }
    let Some(row) = x.rows().into_iter().next() else { return Ok(()) };
    for places in [Some(outputs + 1), outputs.checked_sub(1)].into_iter().flatten() {
        match model.predict_row(&row.to_vec(), &mut vec![0.0; places]) {
            Err(Error::Shape { .. }) => {}
            other => return Err(format!("{outputs} outputs of a row into {places} places: {other:?}")),
        }
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
    let first = model.schema().names().next().ok_or("the rows have columns, the schema none")?.to_owned();
    let mut rows = x.slice(ndarray::s![..1, ..]).to_owned();
    rows[[0, 0]] = f64::NEG_INFINITY;
    let mut out = vec![0.0; model.outputs().len()];
    let alone = model.predict_row(&rows.row(0).to_vec(), &mut out);
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
            ensure(explanation.output == index, || format!("output {} is explained", explanation.output))?;
            ensure(explanation.contributions.len() == x.ncols(), || "not one contribution a feature".into())?;
            ensure(explanation.scale == output.scale, || "another scale than the output's".into())?;
            let (sum, value) = match explanation.prediction() {
                Some(prediction) => (prediction, out[[row, index]]),
                None => (explanation.total(), output.scale.from_outputs(&out.row(row).to_vec(), index)),
            };
            let error =
                (sum - value).abs() / if output.scale == Scale::LogOdds { 1.0 } else { value.abs().max(1.0) };
            ensure(error <= 1e-6, || format!("row {row}: the parts give {sum}, the model {value}"))?;
        }
    }
    Ok(())
}

fn explain_bounds(model: &dyn Model, x: ArrayView2<'_, f64>, _: Loader<'_>) -> Outcome {
    let Some(row) = x.rows().into_iter().next().map(|row| row.to_vec()) else { return Ok(()) };
    let capabilities = model.capabilities();
    // Who explains nothing may say so before looking at the row.
    let refused = |what: &str, row: &[f64], output: usize, expected: fn(&Error) -> bool| match model
        .explain_row(row, output)
    {
        Err(e) if expected(&e) => Ok(()),
        Err(Error::Unsupported { .. }) if !capabilities.explains => Ok(()),
        other => Err(format!("{what}: {other:?}")),
    };
    for output in [model.outputs().len(), usize::MAX] {
        refused("no such output", &row, output, |e| matches!(e, Error::NoOutput { .. }))?;
    }
    let shape = |e: &Error| matches!(e, Error::Shape { .. });
    refused("a value too many", &[row.as_slice(), &[0.0]].concat(), 0, shape)?;
    if let Some((_, fewer)) = row.split_last() {
        refused("a value too few", fewer, 0, shape)?;
        let mut infinite = row.clone();
        infinite[0] = f64::INFINITY;
        refused("infinity", &infinite, 0, |e| matches!(e, Error::NotFinite { .. }))?;
    }
    let missing = vec![f64::NAN; row.len()];
    if capabilities.missing == MissingPolicy::Refused || !capabilities.explains {
        let kinds = |e: &Error| matches!(e, Error::Unsupported { .. } | Error::NotFinite { .. });
        return refused("a row of missing values", &missing, 0, kinds);
    }
    let explanation = model.explain_row(&missing, 0).map_err(|e| format!("a row of missing values: {e}"))?;
    ensure(explanation.total().is_finite(), || format!("a row of missing values: {explanation:?}"))
}
