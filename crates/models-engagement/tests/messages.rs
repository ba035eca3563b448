//! Models of drawn messages: near the truth, honest about send times, stored and restored, in words.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

mod support;

use support::{Draw, Drawn, blank, draw};
use tenure_backends::conformance;
use tenure_core::{
    Artifact, Dataset, Error, Feature, FitContext, Metadata, Model, Result, Schema, Target, TypedRow,
};
use tenure_engagement::{
    EngagementModel, EngagementParams, QuietHours, SendTimeRequest, TimeColumns, Trained,
    best_times_for_campaign, evaluate, report, train,
};
use tenure_features::contacts::MessageRow;

fn trained(data: &Dataset) -> Trained {
    train(data, &EngagementParams::default(), &FitContext::new(42)).unwrap()
}

fn load(artifact: &Artifact) -> Result<Box<dyn Model>> {
    Ok(Box::new(EngagementModel::from_artifact(artifact)?))
}

#[test]
fn the_model_beats_the_baselines_and_comes_near_the_truth() {
    let drawn = draw(Draw { recipients: 800, rhythm: 0.5, ..Draw::default() });
    let Trained { model, report: training } = trained(&drawn.data);
    let fresh = draw(Draw { recipients: 400, rhythm: 0.5, seed: 2, ..Draw::default() });
    let evaluation = evaluate(&model, &fresh.data, Some(&fresh.truth)).unwrap();
    let figures = &evaluation.figures;
    let own = figures.baselines.own_rate.as_ref().unwrap();
    let oracle = figures.oracle.as_ref().unwrap();
    println!(
        "AUC {:.3}, own rate {:.3}, oracle {:.3}; log loss {:.4}, own {:.4}, overall {:.4}, oracle {:.4}; ECE {:.3}",
        figures.model.roc_auc,
        own.roc_auc,
        oracle.figures.roc_auc,
        figures.model.log_loss,
        own.log_loss,
        figures.baselines.overall_rate.log_loss,
        oracle.figures.log_loss,
        figures.model.ece
    );
    println!("{:?}\n{:?}", training.pooling, training.time_test);
    assert!(figures.model.roc_auc > own.roc_auc + 0.02);
    assert!(figures.model.log_loss < figures.baselines.overall_rate.log_loss.min(own.log_loss));
    assert!(figures.model.ece < 0.03 && oracle.share_of_auc_lift > 0.7);
    assert!((training.held_out.roc_auc - figures.model.roc_auc).abs() < 0.06);
    assert!(training.time_test.p_value < 1e-6);
    let page = report(&model, &evaluation).unwrap().report().unwrap().to_html();
    assert!(page.contains("Recipient&#39;s own rate") || page.contains("Recipient's own rate"));
}

#[test]
fn an_engagement_model_keeps_the_contract_and_survives_its_folder() {
    let drawn = draw(Draw::default());
    let model = trained(&drawn.data).model;
    let failures = conformance::check_model(&model, drawn.data.x(), &load);
    assert!(failures.is_empty(), "{}", conformance::summary(&failures));

    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path(), None, Metadata::default()).unwrap();
    let (restored, metadata) = EngagementModel::load(dir.path()).unwrap();
    assert_eq!(metadata.features.len(), 27);
    let row = drawn.data.row(7).to_vec();
    let request = SendTimeRequest::default();
    assert_eq!(model.decide("m", &row, &request).unwrap(), restored.decide("m", &row, &request).unwrap());

    // What an expanded column adds is counted to the features that it is made of.
    let explanation = model.explain_row(&row, 0).unwrap();
    let mut out = [0.0];
    model.predict_row(&row, &mut out).unwrap();
    assert!((explanation.prediction().unwrap() - out[0]).abs() < 1e-9);
    let counted = model.schema().names().zip(&explanation.contributions).filter(|(_, c)| **c != 0.0);
    let names: Vec<&str> = counted.map(|(name, _)| name).collect();
    assert!(names.contains(&"hour") && names.contains(&"engaged_afternoon"), "{names:?}");
}

#[test]
fn a_stored_model_that_was_edited_is_damaged() {
    let drawn = draw(Draw { recipients: 60, ..Draw::default() });
    let sound = trained(&drawn.data).model.to_artifact();
    assert!(EngagementModel::from_artifact(&sound).is_ok());
    let damaged = |what: &str, change: &dyn Fn(&mut Artifact)| {
        let mut artifact = sound.clone();
        change(&mut artifact);
        let error = EngagementModel::from_artifact(&artifact).unwrap_err();
        assert!(matches!(error, Error::ArtifactDamaged { .. }), "{what}: {error}");
    };
    // What is indexed with.
    for list in
        ["/settings/seen/weekdays", "/settings/seen/hours", "/judge/covariance", "/judge/coefficients"]
    {
        let shorten = |a: &mut Artifact| {
            a.config.pointer_mut(list).unwrap().as_array_mut().unwrap().pop();
        };
        damaged(list, &shorten);
    }
    damaged("typical", &|a| *a = a.clone().with_numbers("typical.f64", &[0.0; 3]));
    // What distributions and logarithms are asked with.
    for (number, value) in [
        ("/settings/params/gain_level", 5.0),
        ("/settings/params/quiet_hours/from", 99.0),
        ("/learned/pooling/rate", 1.0),
        ("/learned/pooling/between", 1e308),
        ("/learned/pooling/within/1", 0.0),
        ("/learned/pooling/offsets/0", 800.0),
    ] {
        let whole = value == 99.0;
        let value = if whole { 99.into() } else { value.into() };
        damaged(number, &move |a| *a.config.pointer_mut(number).unwrap() = serde_json::Value::clone(&value));
    }
    // A learner of another table.
    let size = Feature::numeric("size", "", "");
    let x = ndarray::Array2::from_shape_fn((120, 2), |(row, at)| (row % (at + 2)) as f64);
    let hour_of_slot = Schema::new(vec![Feature::numeric("slot", "", ""), size]).unwrap();
    let labels = (0..120).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
    let other = Dataset::new(hour_of_slot, x).unwrap();
    let other = other.with_target(Target::binary("read", labels).unwrap()).unwrap();
    let time = TimeColumns::Slot { column: "slot".into() };
    let params = EngagementParams { time, ..EngagementParams::default() };
    let other = train(&other, &params, &FitContext::new(1)).unwrap().model.to_artifact();
    let mut pooled = other.clone();
    pooled.config["learned"]["pooling"] = sound.config["learned"]["pooling"].clone();
    assert!(EngagementModel::from_artifact(&pooled).unwrap_err().to_string().contains("damaged"));
    let learner = other.child("probability").unwrap();
    damaged("learner", &|a| *a = a.clone().with_child("probability", learner.clone()));
}

#[test]
fn hours_and_days_that_mean_something_else_are_refused() {
    let words = |hour: f64, day: f64| {
        let columns = ["hour", "day"].map(|name| Feature::numeric(name, "", "")).to_vec();
        let x = ndarray::Array2::from_shape_fn((120, 2), |(row, at)| {
            if row > 0 { (row % 6) as f64 } else { [hour, day][at] }
        });
        let labels = (0..120).map(|row| f64::from(u8::from(row % 4 == 0))).collect();
        let data = Dataset::new(Schema::new(columns).unwrap(), x).unwrap();
        let data = data.with_target(Target::binary("read", labels).unwrap()).unwrap();
        let time = TimeColumns::HourWeekday { hour: "hour".into(), weekday: "day".into() };
        let params = EngagementParams { time, ..EngagementParams::default() };
        train(&data, &params, &FitContext::new(1)).map_or_else(|e| e.to_string(), |_| String::new())
    };
    assert_eq!(words(24.0, 6.0), "");
    assert_eq!(words(1430.0, 1.0), "feature `hour` has 1430; expected hours of the day from 0 to 24");
    let sunday = "feature `day` has 7; expected days by name, or numbers from 0 (Monday) to 6";
    assert_eq!(words(9.0, 7.0), sunday);
}

#[test]
fn the_same_seed_gives_the_same_model_at_1_and_2_threads() {
    let drawn = draw(Draw { recipients: 60, ..Draw::default() });
    let fit = |threads| {
        let context = FitContext::new(7).with_threads(threads);
        train(&drawn.data, &EngagementParams::default(), &context).unwrap()
    };
    let (one, two) = (fit(1), fit(2));
    assert_eq!(one.model.to_artifact(), two.model.to_artifact());
    assert_eq!(one.report, two.report);
}

#[test]
fn too_little_is_said_in_words() {
    let words = |data: &Dataset| {
        train(data, &EngagementParams::default(), &FitContext::new(1)).unwrap_err().to_string()
    };
    let few = draw(Draw { recipients: 9, each: 10, ..Draw::default() });
    assert_eq!(words(&few.data), "not enough training data: 90 rows found, at least 100 needed");
    let plain = MessageRow::dataset(&vec![blank(); 120]).unwrap();
    let one = plain.clone().with_target(Target::binary("engaged", vec![1.0; 120]).unwrap()).unwrap();
    assert!(words(&one).contains("one class only"), "{}", words(&one));
    assert!(words(&plain).contains("no target"), "{}", words(&plain));
    let unknown = Target::binary("engaged", vec![f64::NAN; 120]).unwrap();
    assert!(words(&plain.with_target(unknown).unwrap()).contains("0 rows found"));
}

#[test]
fn a_typed_row_names_what_is_wrong_with_it() {
    let mut json = blank().to_json();
    assert_eq!(MessageRow::from_json(&json).unwrap().to_json(), json);
    json["hour"] = 25.into();
    json["weekday"] = "someday".into();
    json["campaign"] = 1.into();
    json["sent_7"] = 1.into();
    json.as_object_mut().unwrap().remove("sent_7d");
    let words = MessageRow::from_json(&json).unwrap_err().to_string();
    for part in
        ["`sent_7d` is missing", "is `sent_7d` meant", "`hour` is 25", "\"someday\"", "`campaign` is 1"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn the_past_is_pooled() {
    let drawn = draw(Draw::default());
    let model = trained(&drawn.data).model;
    let request = SendTimeRequest::default();
    let probability =
        |row: &MessageRow| model.decide_message("m", row, &request).unwrap().engagement_probability;
    let nobody = probability(&blank());
    let past = |n: f64, k: f64| MessageRow {
        sent_morning: n,
        engaged_morning: k,
        sent_same_content: n,
        engaged_same_content: k,
        ..blank()
    };
    let (two, many) = (probability(&past(2.0, 2.0)), probability(&past(100.0, 100.0)));
    println!("no past {nobody:.3}, 2 of 2 {two:.3}, 100 of 100 {many:.3}");
    assert!(nobody < two && two < nobody + 0.25 && many > two + 0.05);
}

#[test]
fn quiet_hours_time_zones_and_horizons_are_kept() {
    let drawn = draw(Draw { rhythm: 1.0, hours: (0, 24), ..Draw::default() });
    let model = trained(&drawn.data).model;
    let row = blank().to_values();
    let ask = |request: &SendTimeRequest| model.send_time(&row, request).unwrap();
    let usual = ask(&SendTimeRequest { utc_offset_minutes: Some(330), ..SendTimeRequest::default() });
    assert!(!usual.no_difference, "{}", usual.verdict);
    let best = usual.best.unwrap();
    let hour: u32 = best.time.as_ref().unwrap()[..2].parse().unwrap();
    assert!((15..21).contains(&hour), "{best:?}");
    // 5:30 hours earlier than local.
    assert_eq!(best.utc.unwrap()[best.day.unwrap().len()..].trim_start()[3..], *"30");
    let gain = usual.gain.unwrap();
    assert!(gain.low > 0.0 && gain.low < gain.expected && gain.expected < gain.high);

    let quiet = QuietHours { from: 12, to: 6 };
    let request = SendTimeRequest { quiet_hours: Some(quiet), ..SendTimeRequest::default() };
    for score in model.time_scores(&row, &request).unwrap().iter().filter(|s| s.allowed) {
        let hour: f64 = score.slot.time.as_ref().unwrap()[..2].parse().unwrap();
        assert!(!quiet.hold(hour), "{score:?}");
    }
    let near = SendTimeRequest { horizon_hours: Some(3), ..SendTimeRequest::default() };
    let answer = ask(&near);
    assert_eq!(answer.candidates, 4);
    assert!(answer.best.unwrap().hours_ahead.unwrap() <= 3.0);

    // A message planned within quiet hours is moved even where nothing is gained by it.
    let night = MessageRow { hour: 23.5, ..blank() }.to_values();
    let moved = model.send_time(&night, &SendTimeRequest::default()).unwrap();
    assert_ne!(moved.send_at, moved.planned);
    let wrong = SendTimeRequest { horizon_hours: Some(0), ..SendTimeRequest::default() };
    assert!(model.send_time(&row, &wrong).unwrap_err().to_string().contains("`horizon_hours` is 0"));
}

#[test]
fn one_hour_says_nothing_of_others() {
    let drawn = draw(Draw { hours: (10, 11), ..Draw::default() });
    let model = trained(&drawn.data).model;
    let decision = model.decide_message("m", &blank(), &SendTimeRequest::default()).unwrap();
    let answer = &decision.send_time;
    assert!(answer.no_difference);
    assert!(answer.verdict.contains("all messages were sent at one hour"), "{}", answer.verdict);
    assert_eq!(answer.send_at, answer.planned);
    assert_eq!(decision.optimal_send_time.unwrap(), "10:00");
}

#[test]
fn a_single_slot_is_no_choice_and_none_is_an_error() {
    let table = |slot: f64| {
        let schema =
            Schema::new(vec![Feature::numeric("slot", "", ""), Feature::numeric("size", "", "")]).unwrap();
        let x = ndarray::Array2::from_shape_fn((120, 2), |(row, at)| if at == 0 { slot } else { row as f64 });
        let labels = (0..120).map(|row| f64::from(u8::from(row % 3 == 0))).collect();
        Dataset::new(schema, x).unwrap().with_target(Target::binary("read", labels).unwrap()).unwrap()
    };
    let time = TimeColumns::Slot { column: "slot".into() };
    let params = EngagementParams { time, ..EngagementParams::default() };
    let fit = |slot| train(&table(slot), &params, &FitContext::new(1));
    let model = fit(2.0).unwrap().model;
    let answer = model.send_time(&[2.0, 5.0], &SendTimeRequest::default()).unwrap();
    assert!(answer.no_difference && answer.verdict.contains("sent in one slot"), "{}", answer.verdict);
    let unknown = model.send_time(&[7.0, 5.0], &SendTimeRequest::default()).unwrap();
    assert_eq!((unknown.planned, unknown.gain), (None, None));
    let bare = table(2.0);
    let target = bare.target().unwrap().clone();
    let schema = Schema::new(vec![Feature::numeric("slot", "", "")]).unwrap();
    let bare = Dataset::new(schema, bare.x().slice(ndarray::s![.., ..1]).to_owned()).unwrap();
    let bare = train(&bare.with_target(target).unwrap(), &params, &FitContext::new(1));
    assert_eq!(bare.unwrap().report.time_test.terms, 0, "a table of nothing but one slot");
    assert_eq!(fit(f64::NAN).unwrap_err().to_string(), "feature `slot`: no row has a slot");
}

#[test]
fn a_campaign_is_planned_as_one() {
    let drawn = draw(Draw { rhythm: 0.8, personal: 0.3, ..Draw::default() });
    let model = trained(&drawn.data).model;
    let rows = drawn.data.x();
    let rows = rows.slice(ndarray::s![..60, ..]);
    let plan = best_times_for_campaign(&model, rows, &SendTimeRequest::default()).unwrap();
    println!("{}", plan.verdict);
    let (common, personal) = (plan.common.unwrap(), plan.personal.unwrap());
    for choice in [&common, &personal] {
        assert_eq!(choice.times.iter().map(|t| t.messages).sum::<usize>(), 60);
        assert!(choice.gain.low > 0.0 && !choice.no_difference);
    }
    assert!(personal.gain.expected >= common.gain.expected && common.times.len() == 1);
    let none = best_times_for_campaign(&model, rows.slice(ndarray::s![..0, ..]), &SendTimeRequest::default());
    assert!(none.is_err());
}

/// The best time of a row against the planned one, by the truth.
fn true_gain(drawn: &Drawn, row: usize, name: &str) -> f64 {
    let hour: f64 = name.split(' ').nth(1).unwrap()[..2].parse().unwrap();
    drawn.at(row, hour) - drawn.truth[row]
}

/// Nobody's hours matter: how often is a better time shown, and how often is the true gain (0) in the interval?
/// Somebody's hours do matter: is the gain found, and covered?
#[test]
fn gains_are_covered_as_often_as_stated() {
    for (name, rhythm, personal) in [("nothing", 0.0, 0.0), ("rhythm", 0.6, 0.0), ("personal", 0.3, 0.8)] {
        let (mut covered, mut shown, mut asked, mut gain, mut found) = (0, 0, 0, 0.0, 0);
        let worlds = 12;
        for seed in 0..worlds {
            let drawn = draw(Draw { recipients: 150, each: 16, rhythm, personal, seed, ..Draw::default() });
            let model = trained(&drawn.data).model;
            found += usize::from(model.time_test().p_value < 0.05);
            // The last message of every third recipient has the longest past.
            for row in (15..drawn.rows.len()).step_by(48) {
                let request = SendTimeRequest { quiet_hours: Some(QuietHours::NONE), ..Default::default() };
                let answer = model.send_time(&drawn.data.row(row).to_vec(), &request).unwrap();
                let truth = true_gain(&drawn, row, &answer.best.unwrap().name);
                let interval = answer.gain.unwrap();
                asked += 1;
                covered += usize::from(interval.low <= truth && truth <= interval.high);
                shown += usize::from(!answer.no_difference);
                gain += truth;
            }
        }
        let share = |n: usize| n as f64 / f64::from(asked);
        println!(
            "{name}: test p < 0.05 in {found} of {worlds} worlds; covered {:.3}, shown {:.3}, mean true gain of the \
             best {:.4} over {asked}",
            share(covered),
            share(shown),
            gain / f64::from(asked)
        );
        assert!(share(covered) >= 0.93, "{name}: {}", share(covered));
        if personal + rhythm > 0.0 {
            assert!(gain / f64::from(asked) > 0.03, "{name}");
        } else {
            assert!(share(shown) <= 0.1, "{name}: {}", share(shown));
        }
    }
}
