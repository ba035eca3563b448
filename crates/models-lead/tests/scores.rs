//! Lead models on invented leads with a known expectation: how near to it, how sure, in words, stored and
//! restored, and what is refused.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Leads, leads};
use tenure_backends::{Backend, GbdtParams, conformance};
use tenure_core::{Artifact, Dataset, Error, FitContext, Metadata, Model, Result, Target, TypedRow};
use tenure_features::contacts::LeadRow;
use tenure_lead::{
    Figures, Goal, LeadModel, LeadParams, ScoreFigures, Tier, Tiers, Trained, evaluate, rank, report, train,
};

/// A learner that is quick to fit.
fn quick() -> LeadParams {
    let trees = GbdtParams { learning_rate: 0.2, leaves: 6, ..GbdtParams::default() };
    LeadParams { backend: Some(Backend::Gbdt(trees)), folds: 3, ..LeadParams::default() }
}

fn fit(data: &Dataset, params: &LeadParams) -> Trained {
    train(data, params, &FitContext::new(7)).unwrap()
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("L{i}")).collect()
}

fn of_scores(figures: &Figures) -> &ScoreFigures {
    let Figures::Score(figures) = figures else { panic!("{figures:?}") };
    figures
}

#[test]
fn scores_come_near_the_best_attainable_and_beat_the_baselines() {
    let Trained { model, report } = fit(&leads(2_000, 1).scored(), &LeadParams::default());
    let held_out = of_scores(&report.held_out.model);
    println!("held out: {held_out:?}, folds {:?}", report.cross_validation.folds);
    let baselines = &report.held_out.baselines;
    let mae = |figures: &Figures| of_scores(figures).regression.mae;
    assert!(held_out.regression.mae < mae(baselines.linear.as_ref().unwrap()));
    assert!(mae(baselines.linear.as_ref().unwrap()) < mae(baselines.rules.as_ref().unwrap()));
    assert!(mae(baselines.linear.as_ref().unwrap()) < mae(&baselines.mean));
    assert_eq!((report.rows, report.held_out.rows, report.cross_validation.folds.len()), (2_000, 400, 5));
    // The targets of the source: off by less than 10 points, more than 80 % explained.
    assert!(held_out.regression.mae < 10.0 && held_out.regression.r2.unwrap() > 0.8);

    let new = leads(2_000, 2);
    let figures = evaluate(&model, &new.scored(), &ids(2_000), Some(&new.expected)).unwrap().figures;
    let oracle = figures.oracle.as_ref().unwrap();
    println!("share {:.4}; {:?}; {:?}", oracle.share_of_attainable, figures.coverage, figures.tiers);
    assert!(oracle.share_of_attainable > 0.97 && oracle.share_of_attainable < 1.0);
    let coverage = figures.coverage.unwrap();
    assert!((coverage.share - 0.9).abs() < 0.025, "{coverage:?}");
    // What is said to be sure is right as often as it says.
    for tier in &figures.tiers {
        let right = tier.share_right.unwrap();
        assert!((tier.mean_confidence - right).abs() < 0.08, "{tier:?}");
        assert!((tier.mean_score - tier.mean_actual).abs() < 2.0, "{tier:?}");
    }
}

#[test]
fn probabilities_of_conversion_are_calibrated_and_so_is_the_confidence() {
    let Trained { model, report } = fit(&leads(3_000, 3).converted(5), &LeadParams::default());
    assert_eq!((report.goal, report.iterations.is_some()), (Goal::Conversion, true));
    let new = leads(3_000, 4);
    let evaluation = evaluate(&model, &new.converted(6), &ids(3_000), Some(&new.probabilities())).unwrap();
    let figures = &evaluation.figures;
    let Figures::Conversion(own) = &figures.model else { panic!() };
    let oracle = figures.oracle.as_ref().unwrap();
    println!("share {:.4}, ece {:.4}; {:?}", oracle.share_of_attainable, own.ece, figures.tiers);
    assert!(oracle.share_of_attainable > 0.94 && own.ece < 0.05 && figures.coverage.is_none());

    // The confidence is about the rate among leads of about this score: here their mean true probability.
    let scores = model.scores(evaluation.x.view()).unwrap();
    let mut order: Vec<usize> = (0..3_000).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let truth = new.probabilities();
    let bounds = model.settings().bounds;
    let (mut stated, mut right, mut groups) = (0.0, 0.0, 0.0);
    for similar in order.chunks(50) {
        let rate = similar.iter().map(|&row| truth[row]).sum::<f64>() / 50.0;
        let middle = similar[25];
        let lead = model.decide("?", &evaluation.x.row(middle).to_vec()).unwrap();
        stated += lead.confidence;
        right += f64::from(u8::from(bounds.tier(100.0 * rate) == lead.quality_tier));
        groups += 1.0;
    }
    println!("confidence {:.3}, right {:.3}", stated / groups, right / groups);
    assert!((stated - right).abs() < 0.06 * groups, "{stated} and {right} of {groups}");

    let ranking = rank(&model, &evaluation.ids, evaluation.x.view()).unwrap();
    let expected = ranking.expected_conversions.unwrap();
    assert!((expected - evaluation.actual.iter().sum::<f64>()).abs() < 80.0, "{expected}");
    let sum: f64 = ranking.tiers.iter().map(|t| t.expected_conversions.unwrap()).sum();
    assert!((sum - expected).abs() < 1e-6 * expected);
    let captures: Vec<f64> = ranking.tiers.iter().map(|t| t.cumulative_capture.unwrap()).collect();
    assert!(captures.is_sorted() && (captures[2] - 1.0).abs() < 1e-9 && captures[0] > 0.2, "{captures:?}");
    assert!(ranking.leads.windows(2).all(|w| w[0].lead.score >= w[1].lead.score));
    assert_eq!((ranking.leads[0].rank, ranking.leads.len()), (1, 3_000));
    assert!(rank(&model, &ids(2), evaluation.x.view()).is_err());

    let page = report_of(&model, &evaluation);
    for words in ["What the tiers hold", "chance of converting", "Speaks for it", "Best attainable", "Rules"]
    {
        assert!(page.contains(words), "{words}");
    }
}

fn report_of(model: &LeadModel, evaluation: &tenure_lead::Evaluation) -> String {
    report(model, evaluation).unwrap().to_html()
}

#[test]
fn a_score_says_how_sure_why_and_what_to_do() {
    let data = leads(800, 1);
    let model = fit(&data.scored(), &quick()).model;
    let evaluation = evaluate(&model, &data.scored(), &ids(800), None).unwrap();
    let page = report_of(&model, &evaluation);
    for words in ["score is off by", "What the tiers hold", "Do the ranges hold?", "A few leads, explained"] {
        assert!(page.contains(words), "{words}");
    }
    let best = (0..800).max_by(|&a, &b| data.expected[a].total_cmp(&data.expected[b])).unwrap();
    let lead = model.score("L7", &data.rows[best]).unwrap();
    assert_eq!(lead.quality_tier, Tier::Hot);
    assert!(lead.interval.low < lead.score && lead.score < lead.interval.high && lead.interval.level == 0.9);
    assert!((0.0..=1.0).contains(&lead.confidence));
    assert!(lead.recommendation.starts_with("High priority"), "{}", lead.recommendation);
    let factors = &lead.factors.positive;
    assert!(factors[0].text.contains("(typical: ") && factors[0].text.contains("adds "), "{factors:?}");
    assert!(factors[0].effect >= factors[1].effect && factors[0].effect > 0.0);
    assert!(lead.factors.negative.iter().all(|f| f.effect < 0.0));
    let json = serde_json::to_value(&lead).unwrap();
    assert_eq!((&json["quality_tier"], &json["lead_id"]), (&"hot".into(), &"L7".into()));
    assert!(json["score"].as_f64().is_some() && json["factors"]["positive"][0]["text"].is_string());
    assert!(json.get("conversion_probability").is_none());

    // The same by row of numbers, and by JSON.
    let again = model.score_json("L7", &data.rows[best].to_json()).unwrap();
    assert_eq!(again, lead);
    assert_eq!(model.decide("L7", &data.rows[best].to_values()).unwrap(), lead);

    // A model of scores does not know how many convert.
    let ranking = rank(&model, &evaluation.ids, evaluation.x.view()).unwrap();
    assert_eq!(ranking.expected_conversions, None);
    assert!(ranking.tiers.iter().all(|t| t.expected_conversions.is_none() && t.cumulative_capture.is_none()));
}

fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(Box::new(LeadModel::from_artifact(artifact)?))
}

#[test]
fn lead_models_keep_the_contract_and_survive_their_folder() {
    let data = leads(500, 1);
    for data in [data.scored(), data.converted(2)] {
        let model = fit(&data, &quick()).model;
        let failures = conformance::check_model(&model, data.x(), &load);
        assert!(failures.is_empty(), "{}", conformance::summary(&failures));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        model.save(&path, Some("2024-06-01T00:00:00Z".into()), Metadata::default()).unwrap();
        let (back, metadata) = LeadModel::load(&path).unwrap();
        assert_eq!(back.to_artifact(), model.to_artifact());
        assert_eq!((metadata.rows, metadata.features.len()), (Some(500), 24));
        let row = data.row(3).to_vec();
        assert_eq!(back.decide("a", &row).unwrap(), model.decide("a", &row).unwrap());
    }
}

#[test]
fn the_same_seed_gives_the_same_model_at_1_and_2_threads() {
    let data = leads(400, 1).converted(2);
    let at = |threads| train(&data, &quick(), &FitContext::new(3).with_threads(threads)).unwrap();
    let (one, two) = (at(1), at(2));
    assert_eq!(one.model.to_artifact(), two.model.to_artifact());
    assert_eq!(one.report, two.report);
    let other = train(&data, &quick(), &FitContext::new(4)).unwrap();
    assert_ne!(other.model.settings().version, one.model.settings().version);
}

#[test]
fn relative_tiers_are_stored_and_hold_their_shares_of_new_leads() {
    let params = LeadParams { tiers: Tiers::Relative { hot_share: 0.1, warm_share: 0.3 }, ..quick() };
    let model = fit(&leads(1_500, 1).scored(), &params).model;
    let new = leads(1_500, 2).scored();
    let scores = model.scores(new.x()).unwrap();
    let bounds = model.settings().bounds;
    let share = |tier| scores.iter().filter(|s| bounds.tier(**s) == tier).count() as f64 / 1_500.0;
    assert!((share(Tier::Hot) - 0.1).abs() < 0.03 && (share(Tier::Warm) - 0.3).abs() < 0.05);
}

#[test]
fn a_search_finds_parameters_of_the_learner() {
    let data = leads(300, 1).scored();
    let params = LeadParams { search_trials: 3, ..quick() };
    let trained = fit(&data, &params);
    assert!(
        trained.report.notes.iter().any(|n| n.starts_with("search: 3 trials of gbdt")),
        "{:?}",
        trained.report.notes
    );
    assert_ne!(Some(&trained.model.settings().backend), params.backend.as_ref());
}

/// Rows of a group are on one side of the hold-out: a feature that tells the group apart is of no use then.
#[test]
fn leads_of_one_contact_are_held_out_together() {
    let Leads { mut rows, scores, .. } = leads(600, 1);
    // Every contact has twelve leads of one score that no other feature tells.
    let scores: Vec<f64> = (0..600).map(|i| scores[i / 12]).collect();
    for (at, row) in rows.iter_mut().enumerate() {
        row.contact_age_days = (at / 12) as f64;
    }
    let target = Target::real("score", scores).unwrap();
    let data = LeadRow::dataset(&rows).unwrap().with_target(target).unwrap();
    let r2 = |trained: &Trained| of_scores(&trained.report.held_out.model).regression.r2.unwrap();
    let alone = fit(&data, &quick());
    let grouped = fit(&data.with_groups((0..600).map(|i| i / 12).collect()).unwrap(), &quick());
    assert_eq!((alone.report.groups, grouped.report.groups), (None, Some(50)));
    assert!(r2(&alone) > 0.15 && r2(&grouped) < 0.1, "{} and {}", r2(&alone), r2(&grouped));
}

#[test]
fn what_is_odd_but_sound_is_learned_from() {
    // A feature without a value anywhere, and one with the same value everywhere.
    let mut data = leads(300, 1);
    for row in &mut data.rows {
        row.urgency_mean = f64::NAN;
        row.conversations = 2.0;
    }
    let model = fit(&data.scored(), &LeadParams { folds: 3, ..LeadParams::default() }).model;
    let nothing_known = vec![f64::NAN; 24];
    let lead = model.decide("?", &nothing_known).unwrap();
    assert!((0.0..=100.0).contains(&lead.score));

    // Leads whose outcome is not known are left out, and said so.
    let mut labels = data.scores.clone();
    labels[..50].fill(f64::NAN);
    let target = Target::real("score", labels).unwrap();
    let partly = LeadRow::dataset(&data.rows).unwrap().with_target(target).unwrap();
    let report = fit(&partly, &quick()).report;
    assert_eq!((report.rows, report.unknown), (250, 50));
}

fn refused(data: &Dataset) -> String {
    train(data, &quick(), &FitContext::new(1)).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_learned_is_refused_by_name() {
    let data = leads(120, 1);
    let rows =
        |rows: &[LeadRow], target: Target| LeadRow::dataset(rows).unwrap().with_target(target).unwrap();
    let few = rows(&data.rows[..99], Target::real("score", data.scores[..99].to_vec()).unwrap());
    assert_eq!(refused(&few), "not enough training data: 99 rows found, at least 100 needed");
    let none = rows(&data.rows, Target::binary("converted", vec![0.0; 120]).unwrap());
    assert_eq!(
        refused(&none),
        "one class only: all 120 rows of target `converted` are `0`; two classes are needed"
    );
    let equal = rows(&data.rows, Target::real("score", vec![40.0; 120]).unwrap());
    assert_eq!(
        refused(&equal),
        "all 120 rows of target `score` are 40: there is nothing to learn from equal scores"
    );
    for (score, shown) in [(120.0, "120"), (-1.0, "-1")] {
        let mut scores = data.scores.clone();
        scores[7] = score;
        let wrong = rows(&data.rows, Target::real("score", scores).unwrap());
        assert_eq!(
            refused(&wrong),
            format!("target `score`, row 7: {shown}; expected a score from 0 to 100")
        );
    }
    let classes = Target::classes("stage", ["a", "b", "c"], vec![1.0; 120]).unwrap();
    assert!(refused(&rows(&data.rows, classes)).contains("target `stage` has several classes"));
    assert_eq!(refused(&LeadRow::dataset(&data.rows).unwrap()), "the data set has no target");
    let mut one = vec![0.0; 120];
    one[3] = 1.0;
    let rare = rows(&data.rows, Target::binary("converted", one).unwrap());
    assert_eq!(refused(&rare), "class 1 has 1 rows, fewer than the 2 folds; every fold needs one");
}

#[test]
fn what_is_no_row_of_the_model_is_refused_by_field() {
    let data = leads(200, 1);
    let model = fit(&data.scored(), &quick()).model;
    let good = data.rows[0].to_json();
    let words = |change: fn(&mut Value)| {
        let mut row = good.clone();
        change(&mut row);
        model.score_json("L0", &row).unwrap_err().to_string()
    };
    let dropped = words(|row| drop(row.as_object_mut().unwrap().remove("reply_rate")));
    assert_eq!(dropped, "the row does not fit: `reply_rate` is missing");
    let extra = words(|row| row["repply_rate"] = 0.5.into());
    assert_eq!(extra, "the row does not fit: `repply_rate` is not a field (is `reply_rate` meant?)");
    let mistyped = words(|row| row["opted_in"] = "yes".into());
    assert_eq!(mistyped, "the row does not fit: `opted_in` is \"yes\"; expected true or false");
    let range = words(|row| row["reply_rate"] = 7.into());
    assert!(range.contains("`reply_rate` is 7; expected a number from 0 to 1, or null"), "{range}");
    assert!(words(|row| *row = Value::from(3)).contains("3 is no JSON object"));
    let out = LeadRow { reply_rate: 7.0, ..data.rows[0].clone() };
    assert!(model.score("L0", &out).unwrap_err().to_string().contains("`reply_rate` is 7"));
    assert!(model.decide("L0", &[0.0; 23]).unwrap_err().to_string().contains("expected 24, found 23"));

    // A model of another table names its own columns.
    let schema = tenure_core::Schema::new(vec![
        tenure_core::Feature::numeric("visits", "", "Visits"),
        tenure_core::Feature::categorical("source", ["ad", "friend"], "Source"),
    ])
    .unwrap();
    let x = ndarray::Array2::from_shape_fn((200, 2), |(r, c)| if c == 0 { r as f64 } else { (r % 2) as f64 });
    let target = Target::real("score", (0..200).map(|r| f64::from(r) / 2.0).collect()).unwrap();
    let model = fit(&Dataset::new(schema, x).unwrap().with_target(target).unwrap(), &quick()).model;
    assert!(
        model
            .score("L0", &data.rows[0])
            .unwrap_err()
            .to_string()
            .contains("missing features [visits, source]")
    );
    let row = serde_json::json!({"visits": 3, "source": "ad"});
    assert!(model.score_json("L0", &row).unwrap().score < 20.0);
    let wrong = serde_json::json!({"visits": "many", "source": "ad", "colour": 1});
    let words = model.score_json("L0", &wrong).unwrap_err().to_string();
    assert_eq!(
        words,
        "the row does not fit: `colour` is not a field; `visits` is \"many\"; expected a number, or null"
    );

    // What was learned and what is judged have to be of one kind.
    let scored = fit(&data.scored(), &quick()).model;
    let words = evaluate(&scored, &data.converted(1), &ids(200), None).unwrap_err().to_string();
    assert!(
        words.contains("the model does not support a target of two classes: it learned scores"),
        "{words}"
    );
    assert!(
        evaluate(&scored, &data.scored(), &ids(3), None)
            .unwrap_err()
            .to_string()
            .contains("ids: expected 200, found 3")
    );
}

#[test]
fn a_stored_model_that_was_edited_is_damaged() {
    let sound = fit(&leads(200, 1).scored(), &quick()).model.to_artifact();
    let damaged = |change: fn(&mut Artifact)| {
        let mut artifact = sound.clone();
        change(&mut artifact);
        let error = LeadModel::from_artifact(&artifact).unwrap_err();
        assert!(matches!(error, Error::ArtifactDamaged { .. }), "{error}");
    };
    damaged(|a| *a = a.clone().with_numbers("typical.f64", &[0.0; 3]));
    damaged(|a| *a = a.clone().with_numbers("errors.f64", &[]));
    damaged(|a| a.config["interval"][1] = 0.into());
    damaged(|a| a.config["settings"]["bounds"]["hot"] = 1.into());
    damaged(|a| a.config["settings"]["goal"] = "conversion".into());
    damaged(|a| a.config["settings"]["params"]["interval_level"] = 2.into());
}
