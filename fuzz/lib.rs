//! What every target asks of a model that was read.

use tenure_core::Model;
use tenure_gbdt::TreeModel;

/// A model that was accepted must answer for every row: with its features missing, zero, or a category.
pub fn use_model(model: &TreeModel) {
    let (features, outputs) = (model.schema().len(), model.outputs().len());
    let mut out = vec![0.0; outputs];
    for value in [f64::NAN, 0.0, 1.0, -1e300] {
        let row = vec![value; features];
        model.predict_row(&row, &mut out).expect("a row of the right width has a prediction");
        if outputs <= 16 {
            let explanation = model.explain_row(&row, outputs - 1).expect("and an explanation");
            assert_eq!(explanation.contributions.len(), features);
        }
    }
}

/// What is written must be read, and predict the same bits.
pub fn write_and_read(model: &TreeModel) {
    let Ok(text) = tenure_gbdt::foreign::lightgbm::write(model) else { return };
    let again = tenure_gbdt::foreign::read(text.as_bytes()).expect("what we write we read");
    let row = vec![0.5; model.schema().len()];
    let (mut a, mut b) = (vec![0.0; model.outputs().len()], vec![0.0; again.outputs().len()]);
    model.predict_row(&row, &mut a).expect("a prediction");
    again.predict_row(&row, &mut b).expect("a prediction");
    assert!(
        a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())),
        "{a:?} {b:?}"
    );
}
