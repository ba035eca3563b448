//! Checks of what a model is stored as.

use ndarray::ArrayView2;
use tenure_core::{Artifact, Error, Model};

use super::model::{Check, predict};
use super::{Loader, Outcome, ensure, same_bits};

pub(super) const CHECKS: [(&str, Check); 3] = [
    ("save_and_load", save_and_load),
    ("foreign_artifact", foreign_artifact),
    ("damaged_artifact", damaged_artifact),
];

fn save_and_load(model: &dyn Model, x: ArrayView2<'_, f64>, load: Loader<'_>) -> Outcome {
    let artifact = model.to_artifact();
    let back = load(&artifact).map_err(|e| format!("loading failed: {e}"))?;
    ensure(back.schema() == model.schema(), || "the schema changed".into())?;
    ensure(back.outputs() == model.outputs(), || "the outputs changed".into())?;
    same_bits(&predict(back.as_ref(), x)?, &predict(model, x)?)?;
    ensure(back.to_artifact() == artifact, || "saving what was loaded gives another artifact".into())
}

fn foreign_artifact(model: &dyn Model, _: ArrayView2<'_, f64>, load: Loader<'_>) -> Outcome {
    let artifact = model.to_artifact();
    let kind = format!("not-{}", artifact.kind);
    match load(&Artifact { kind, ..artifact.clone() }) {
        Err(Error::ArtifactKind { .. }) => {}
        other => return Err(format!("another kind: {other:?}")),
    }
    match load(&Artifact { version: u32::MAX, ..artifact }) {
        Err(Error::ArtifactVersion { .. }) => Ok(()),
        other => Err(format!("a newer version: {other:?}")),
    }
}

fn damaged_artifact(model: &dyn Model, _: ArrayView2<'_, f64>, load: Loader<'_>) -> Outcome {
    for (damage, artifact) in damaged(&model.to_artifact()) {
        let loaded = load(&artifact);
        ensure(loaded.is_err(), || format!("{damage}, yet it loads"))?;
    }
    Ok(())
}

/// Every part and child missing, every part cut short, and the same within the children.
fn damaged(whole: &Artifact) -> Vec<(String, Artifact)> {
    let mut all = Vec::new();
    for (name, bytes) in &whole.parts {
        let mut without = whole.clone();
        without.parts.remove(name);
        all.push((format!("part `{name}` is missing"), without));
        let len = bytes.len();
        // Within a number, at a number's end, in the middle and before the start.
        for kept in [len.checked_sub(1), len.checked_sub(8), Some(len / 2), Some(0)].into_iter().flatten() {
            if kept < len {
                let cut = whole.clone().with_part(name, bytes[..kept].to_vec());
                all.push((format!("part `{name}` is cut to {kept} of {len} bytes"), cut));
            }
        }
    }
    for (name, child) in &whole.children {
        let mut without = whole.clone();
        without.children.remove(name);
        all.push((format!("child `{name}` is missing"), without));
        for (damage, child) in damaged(child) {
            all.push((format!("in child `{name}`, {damage}"), whole.clone().with_child(name, child)));
        }
    }
    all
}
