#![allow(missing_docs, unreachable_pub, clippy::all)]
use ndarray::Array2;
use std::any::Any;
use tenure_backends::glm::*;
use tenure_backends::{Backend, LogisticParams};
use tenure_core::*;
fn read(p: &str) -> Vec<f64> {
    std::fs::read(p).unwrap().as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
}
fn cpu() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1e6
}
fn main() {
    let dir = "/tmp/glmcmp";
    let x = read(&format!("{dir}/x.bin"));
    let n = x.len() / 60;
    let x = Array2::from_shape_vec((n, 60), x).unwrap();
    let schema = Schema::new((0..60).map(|i| Feature::numeric(format!("f{i}"), "", "")).collect()).unwrap();
    for (family, file) in [(Family::Binomial, "yb"), (Family::Gamma, "yg")] {
        let y = read(&format!("{dir}/{file}.bin"));
        let t = if family == Family::Binomial { Target::binary("y", y) } else { Target::real("y", y) };
        let data = Dataset::new(schema.clone(), x.clone()).unwrap().with_target(t.unwrap()).unwrap();
        for alpha in [1e-3, 0.0] {
            let glm = GlmParams { alpha, standardise: false, ..GlmParams::of(family) }.check().unwrap();
            for threads in [1usize] {
                let context = FitContext::new(0).with_threads(threads);
                let mut times = vec![];
                let mut f = None;
                for _ in 0..9 {
                    let t = cpu();
                    f = Some(glm.fit(&data, None, &context).unwrap());
                    times.push(cpu() - t);
                }
                times.sort_by(f64::total_cmp);
                let f = f.unwrap();
                println!(
                    "{family} alpha {alpha} threads {threads}: median {:.1} ms min {:.1}, {} iterations",
                    times[4], times[0], f.report.iterations
                );
                let m: &GlmModel = (f.model.as_ref() as &dyn Any).downcast_ref().unwrap();
                let c: Vec<f64> =
                    m.coefficients(0.95).unwrap().coefficients.iter().map(|c| c.estimate).collect();
                std::fs::write(format!("{dir}/{file}_{alpha}.json"), format!("{c:?}")).unwrap();
            }
        }
        if family == Family::Binomial {
            let l = Backend::Logistic(LogisticParams::default()).check().unwrap();
            for threads in [1usize] {
                let context = FitContext::new(0).with_threads(threads);
                let mut times = vec![];
                for _ in 0..5 {
                    let t = cpu();
                    l.fit(&data, None, &context).unwrap();
                    times.push(cpu() - t);
                }
                times.sort_by(f64::total_cmp);
                println!("logistic threads {threads}: median {:.1} ms", times[2]);
            }
        }
    }
}
