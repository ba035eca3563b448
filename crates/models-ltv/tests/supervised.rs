//! The supervised model on synthetic and hand-made logs: better than what it must beat, intervals that hold, the
//! same bytes at any thread count, stored and restored, edge cases with stated answers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::LazyLock;

use ndarray::{Array2, array};
use tenure_backends::conformance;
use tenure_core::{Artifact, Dataset, Feature, FitContext, Learner, Metadata, Model, Result, Schema, Target};
use tenure_features::{AsOf, AsOfFeature, OrderLine, OrderLog, OrderLogBuilder, Timestamp};
use tenure_ltv::{
    Family, JudgedOn, LtvModel, LtvParams, Segment, Trained, ValueLearner, ValueModel, cross_validate,
    evaluate, evaluate_with, train, train_with,
};
use tenure_synth::OrderParams;

struct World {
    log: OrderLog,
    as_of: Timestamp,
    /// Expected spends of the half year to come, by customer, as far as the orders tell.
    truth: HashMap<String, f64>,
}

fn world(customers: usize) -> World {
    let world = OrderParams { customers, ..OrderParams::default() }.check().unwrap();
    let generated = world.generate(42, 0).unwrap();
    let as_of = world.end().plus_days(-180);
    let rows = world.truth_rows(&generated, &[as_of], 180, 0).unwrap();
    let id = |customer: u32| generated.orders.customer.names[customer as usize].clone();
    let truth = rows.iter().map(|row| (id(row.customer), row.attainable_spend)).collect();
    World { log: OrderLog::from_columns(generated.orders).unwrap(), as_of, truth }
}

static SMALL: LazyLock<World> = LazyLock::new(|| world(600));

/// Half a year before, half a year after, few folds and few snapshots: quick.
fn quick(family: &str) -> LtvParams {
    let family = Family::by_name(family).unwrap();
    let (observation_days, prediction_days) = (180, 180);
    LtvParams {
        observation_days,
        prediction_days,
        folds: 2,
        max_snapshots: 2,
        family,
        ..LtvParams::default()
    }
}

fn trained(world: &World, family: &str, threads: usize) -> Trained {
    let context = FitContext::new(42).with_threads(threads);
    train(&world.log, &quick(family), Some(world.as_of), &context).unwrap()
}

#[test]
fn a_later_window_is_ranked_better_than_by_the_baselines_and_held_by_the_intervals() {
    let world = world(4_000);
    let model = trained(&world, "two-part", 0).model;
    let context = FitContext::new(42);
    let evaluation = evaluate(&model, &world.log, world.as_of, Some(&world.truth), &context).unwrap();
    let figures = &evaluation.figures;
    assert_eq!(figures.judged_on, JudgedOn::Later);
    let (own, past) = (&figures.model, &figures.baselines.past_spend);
    let rhythm = figures.baselines.bg_nbd_gamma_gamma.as_ref().unwrap();
    println!("{own:?}\n{past:?}\n{rhythm:?}\n{:?}", figures.coverage);
    for other in [past, rhythm] {
        assert!(own.spearman > other.spearman && own.normalised_gini > other.normalised_gini);
        assert!(own.mae < other.mae);
    }
    assert_eq!(figures.baselines.mean.spearman, None);
    let bias = own.predicted_total / own.actual_total;
    assert!((0.85..1.15).contains(&bias), "{bias}");
    assert!((figures.coverage.overall - 0.9).abs() < 0.04, "{:?}", figures.coverage);
    let (low, high) = (figures.deciles[0].actual, figures.deciles[9].actual);
    assert!(figures.deciles.len() == 10 && high > 5.0 * low);

    let oracle = figures.oracle.as_ref().unwrap();
    println!("{oracle:?}");
    let share = oracle.share_of_spearman.unwrap();
    assert!((0.9..1.0).contains(&share), "{oracle:?}");
    assert!(oracle.figures.rmse < own.rmse);
    assert!((oracle.figures.predicted_total / oracle.figures.actual_total - 1.0).abs() < 0.05);

    let page = tenure_ltv::report(Some(&model), &evaluation).unwrap().report().unwrap().to_html();
    for words in
        ["What customers are worth", "Best attainable", "BG/NBD, Gamma-Gamma", "of the segment vip hold"]
    {
        assert!(page.contains(words), "{words}");
    }
    let stranger = HashMap::from([("nobody".to_owned(), 1.0)]);
    let error = evaluate(&model, &world.log, world.as_of, Some(&stranger), &context).unwrap_err();
    assert!(error.to_string().contains("the truth does not know customer"), "{error}");
}

#[test]
fn every_family_is_judged_on_customers_held_out() {
    for family in ["two-part", "gbdt", "ziln"] {
        let figures =
            cross_validate(&SMALL.log, &quick(family), SMALL.as_of, 2, &FitContext::new(1)).unwrap().figures;
        assert_eq!(figures.judged_on, JudgedOn::HeldOut);
        assert!(figures.model.spearman.unwrap() > 0.3, "{family}: {:?}", figures.model);
        assert!((figures.coverage.overall - 0.9).abs() < 0.06, "{family}: {:?}", figures.coverage);
        let bias = figures.model.predicted_total / figures.model.actual_total;
        assert!((0.7..1.3).contains(&bias), "{family}: {bias}");
    }
}

#[test]
fn the_same_seed_gives_the_same_model_at_1_and_2_threads() {
    let (one, two) = (trained(&SMALL, "two-part", 1), trained(&SMALL, "two-part", 2));
    assert_eq!(one.model.to_artifact(), two.model.to_artifact());
    assert_eq!(one.report, two.report);
}

fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(Box::new(LtvModel::from_artifact(artifact)?))
}

#[test]
fn a_value_model_keeps_the_contract_and_survives_its_folder() {
    let context = FitContext::new(0);
    for family in ["two-part", "gbdt", "ziln"] {
        let Trained { model, report } = trained(&SMALL, family, 0);
        let columns = model.schema().len();
        let x = Array2::from_shape_fn((40, columns), |(row, column)| {
            if (row + column) % 7 == 0 {
                f64::NAN
            } else {
                plausible(&model, column) * (0.2 + row as f64 / 15.0)
            }
        });
        let failures = conformance::check_model(&model, x.view(), &load);
        assert!(failures.is_empty(), "{family}: {}", conformance::summary(&failures));

        let dir = tempfile::tempdir().unwrap();
        model.save(dir.path(), None, Metadata::default()).unwrap();
        let (back, metadata) = LtvModel::load(dir.path()).unwrap();
        let before = model.predict_all(&SMALL.log, SMALL.as_of, &context).unwrap();
        assert_eq!(back.predict_all(&SMALL.log, SMALL.as_of, &context).unwrap(), before);
        assert_eq!((metadata.rows, metadata.features.len()), (Some(report.rows), columns));
    }
}

fn plausible(model: &LtvModel, column: usize) -> f64 {
    if model.schema().features()[column].name.contains("share") { 0.3 } else { 12.0 }
}

#[test]
fn predictions_hang_together() {
    let Trained { model, report } = trained(&SMALL, "two-part", 0);
    let context = FitContext::new(0);
    let all = model.predict_all(&SMALL.log, SMALL.as_of, &context).unwrap();
    assert!(all.len() > 100);
    for p in &all {
        assert!(p.predicted_ltv > 0.0 && (0.0..=1.0).contains(&p.p_any));
        let range = p.confidence_interval;
        assert!(0.0 <= range.low && range.low <= range.high && range.level == 0.9);
        assert_eq!(p.value_segment, Segment::of(p.predicted_ltv, &report.segment_bounds));
        assert_eq!((p.drivers.len(), p.prediction_window_months), (5, 5.9));
        assert!(p.model_version.starts_with("ltv-"));
    }
    let one = model.predict_customer(&SMALL.log, SMALL.as_of, &all[7].customer_id, &context).unwrap();
    assert_eq!(one, all[7]);
    let error = model.predict_customer(&SMALL.log, SMALL.as_of, "nobody", &context).unwrap_err();
    assert!(error.to_string().contains("`nobody`"), "{error}");
    let json = serde_json::to_value(&all[0]).unwrap();
    assert!(json["confidence_interval"]["low"].is_number() && json["value_segment"].is_string());
}

/// `customers` customers with an order every `every` days for a year and a half, of `amount` each.
fn regular(
    customers: usize,
    every: usize,
    amount: impl Fn(usize) -> f64,
    last: impl Fn(usize) -> i64,
) -> OrderLog {
    let start: Timestamp = "2023-01-01".parse().unwrap();
    let mut orders = OrderLogBuilder::new();
    for customer in 0..customers {
        for day in ((customer % every) as i64..540).step_by(every) {
            if day <= last(customer) {
                orders.push(OrderLine::new(
                    &format!("C{customer:03}"),
                    start.plus_days(day),
                    amount(customer),
                ));
            }
        }
    }
    // The log goes on to its end for one customer, who keeps its coverage.
    orders.push(OrderLine::new("C000", start.plus_days(539), amount(0)));
    orders.build().unwrap()
}

fn error_of(log: &OrderLog, params: &LtvParams) -> String {
    train(log, params, None, &FitContext::new(0)).unwrap_err().to_string()
}

#[test]
fn edge_cases_have_a_stated_answer() {
    let params = quick("two-part");
    let few = regular(10, 20, |_| 5.0, |_| 540);
    assert_eq!(error_of(&few, &params), "not enough training data: 20 rows found, at least 100 needed");

    let one = regular(1, 1, |_| 5.0, |_| 540);
    let days = LtvParams { max_snapshots: 1_000, ..params.clone() };
    assert!(error_of(&one, &days).starts_with("not enough training data: "));

    let long = LtvParams { prediction_days: 600, ..params.clone() };
    let words = error_of(&few, &long);
    assert!(words.contains("540") && words.contains("600"), "{words}");

    // Nobody orders after day 300; an amount of 0 is no order.
    let silent = regular(120, 20, |c| if c == 0 { 0.0 } else { 5.0 }, |_| 300);
    let end = Some("2024-06-24".parse().unwrap());
    let words = train(&silent, &params, end, &FitContext::new(0)).unwrap_err().to_string();
    assert!(words.contains("`any_spend`") && words.contains("0"), "{words}");

    let some_leave = regular(120, 20, |c| 5.0 + c as f64, |c| if c % 3 == 0 { 350 } else { 540 });
    let words = error_of(&some_leave, &quick("gamma"));
    assert!(words.contains("spends of 0, which ") && words.contains("two-part, ziln and gbdt"), "{words}");
}

#[test]
fn customers_who_all_spend_the_same_are_worth_just_that() {
    let log = regular(120, 20, |_| 5.0, |_| 540);
    let end: Timestamp = "2024-06-24".parse().unwrap();
    for family in ["two-part", "gamma"] {
        let model = train(&log, &quick(family), None, &FitContext::new(0)).unwrap().model;
        for p in model.predict_all(&log, end, &FitContext::new(0)).unwrap() {
            assert!((p.predicted_ltv - 45.0).abs() < 2.5 && p.p_any == 1.0, "{family}: {p:?}");
            assert!(p.confidence_interval.high < 55.0, "{family}: {p:?}");
            // The dozen rows of the highest segment are too few to say where their ranges begin.
            assert!(p.value_segment == Segment::Vip || p.confidence_interval.low > 35.0, "{family}: {p:?}");
        }
    }
}

#[test]
fn a_family_is_a_learner_for_any_table_of_amounts() {
    let schema = Schema::new(vec![Feature::numeric("a", "", "A"), Feature::numeric("b", "", "B")]).unwrap();
    let x = Array2::from_shape_fn((400, 2), |(row, column)| ((row * (7 + column)) % 50) as f64);
    let spend: Vec<f64> =
        x.rows().into_iter().map(|r| if r[0] < 20.0 { 0.0 } else { 10.0 + 2.0 * r[1] }).collect();
    let data = Dataset::new(schema, x).unwrap();
    let labelled = data.clone().with_target(Target::real("spend", spend).unwrap()).unwrap();
    for name in ["two-part", "gbdt", "ziln"] {
        let learner = ValueLearner::new(Family::by_name(name).unwrap()).unwrap();
        let fitted = learner.fit(&labelled, None, &FitContext::new(3)).unwrap();
        let answers = fitted.model.predict(array![[5.0, 30.0], [40.0, 2.0], [40.0, 45.0]].view()).unwrap();
        assert!(answers[[0, 0]] < answers[[1, 0]] && answers[[1, 0]] < answers[[2, 0]], "{name}: {answers}");
        let load = |a: &Artifact| -> Result<Box<dyn Model>> { Ok(Box::new(ValueModel::from_artifact(a)?)) };
        let failures = conformance::check_model(fitted.model.as_ref(), labelled.x(), &load);
        assert!(failures.is_empty(), "{name}: {}", conformance::summary(&failures));
        let offset = labelled.clone().with_offsets(vec![0.0; 400]).unwrap();
        assert!(learner.fit(&offset, None, &FitContext::new(3)).is_err());
    }
    let negative = data.with_target(Target::real("spend", vec![-1.0; 400]).unwrap()).unwrap();
    let learner = ValueLearner::new(Family::default()).unwrap();
    let words = learner.fit(&negative, None, &FitContext::new(3)).unwrap_err().to_string();
    assert!(words.contains("-1") && words.contains("at least 0"), "{words}");
}

/// The dearest order so far.
struct DearestOrder;

impl AsOfFeature for DearestOrder {
    fn feature(&self) -> Feature {
        Feature::numeric("dearest_order", "money", "The dearest order so far")
    }

    fn compute(&self, view: &AsOf<'_>) -> f64 {
        view.purchases().map(|p| p.amount()).fold(f64::NAN, f64::max)
    }
}

#[test]
fn features_of_ones_own_are_learned_from_and_asked_for() {
    let (params, context) = (quick("two-part"), FitContext::new(1));
    let own = params.features().unwrap().with(DearestOrder).unwrap();
    let World { log, as_of, .. } = &*SMALL;
    let model = train_with(log, &params, &own, Some(*as_of), &context).unwrap().model;
    assert!(model.schema().position("dearest_order").is_some());
    let figures = evaluate_with(&model, log, &own, *as_of, None, &context).unwrap().figures;
    assert!(figures.model.spearman.unwrap() > 0.3, "{figures:?}");
    let all = model.predict_all_with(log, &own, *as_of, &context).unwrap();
    let one = model.predict_customer_with(log, &own, *as_of, &all[0].customer_id, &context).unwrap();
    assert_eq!(one, all[0]);
    let without = evaluate(&model, log, *as_of, None, &context).unwrap_err().to_string();
    assert!(without.contains("missing features [dearest_order]"), "{without}");
}
