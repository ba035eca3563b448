#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
use std::time::Instant;
use tenure_backends::Backend;
use tenure_core::FitContext;
use tenure_study_time::*;
use tenure_synth::StudyParams as World;

#[test]
fn measure() {
    let n: usize = std::env::var("N").map_or(600, |v| v.parse().unwrap());
    let seeds: Vec<u64> =
        std::env::var("SEEDS").unwrap_or("1,2,3".into()).split(',').map(|s| s.parse().unwrap()).collect();
    let names = std::env::var("LEARNERS").unwrap_or("mlp,gbdt,glm,forest".into());
    for name in names.split(',') {
        for variant in std::env::var("LR").unwrap_or("".into()).split(';') {
            let mut sums = [0.0; 6];
            let started = Instant::now();
            for &seed in &seeds {
                let batch = World { sessions: n + n / 4, ..World::default() }.check().unwrap().generate(seed);
                let samples = Samples::Sessions(batch.sessions.clone());
                let fold = &samples.folds(5, seed).unwrap()[0];
                let (train, test) = (samples.select(&fold.train), samples.select(&fold.test));
                let mut learner = StudyLearner::by_name(name).unwrap();
                if let StudyLearner::Rows(b @ Backend::Mlp(_)) = &learner {
                    let mut b = b.clone();
                    for set in variant.split(',').filter(|s| !s.is_empty()) {
                        let (k, v) = set.split_once('=').unwrap();
                        b = b.with(k, serde_json::from_str(&v.replace('|', ",")).unwrap()).unwrap();
                    }
                    learner = StudyLearner::Rows(b);
                } else if let StudyLearner::Sequence(p) = &mut learner {
                    for set in variant.split(',').filter(|s| !s.is_empty()) {
                        let (k, v) = set.split_once('=').unwrap();
                        match k {
                            "lr" => p.training.learning_rate = v.parse().unwrap(),
                            "steps" => p.steps = v.parse().unwrap(),
                            _ => panic!(),
                        }
                    }
                }
                let params = StudyParams { learner, ..StudyParams::default() };
                let model = train_only(&train, &params, &FitContext::new(seed));
                let truth: Vec<f64> = fold.test.iter().map(|&r| batch.truth[r].expected).collect();
                let e = evaluate(&model, &test, Some(&truth)).unwrap().figures;
                let o = e.oracle.unwrap();
                for (s, v) in sums.iter_mut().zip([
                    e.model.mae,
                    e.model.rmse,
                    o.figures.mae,
                    o.figures.rmse,
                    e.coverage.share,
                    e.mean.rmse,
                ]) {
                    *s += v / seeds.len() as f64;
                }
            }
            println!(
                "{name} [{variant}] n {n}: mae {:.4} rmse {:.4} | oracle {:.4} {:.4} | ratio {:.4} {:.4} | cover {:.3} mean rmse {:.3} | {:.1}s a fit",
                sums[0],
                sums[1],
                sums[2],
                sums[3],
                sums[0] / sums[2],
                sums[1] / sums[3],
                sums[4],
                sums[5],
                started.elapsed().as_secs_f64() / seeds.len() as f64
            );
        }
    }
}
