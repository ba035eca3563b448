#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(missing_docs, clippy::print_stdout)]
use tenure_core::FitContext;
use tenure_ltv::probabilistic::*;

fn cdnow() -> Summaries {
    let text = std::fs::read_to_string("/work/shared/data/cdnow/cdnow_customers_summary.csv").unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|l| l.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(|r| r[i]).collect::<Vec<_>>();
    Summaries::new(&column(1), &column(2), &column(3)).unwrap()
}

#[test]
fn bg_nbd() {
    let fitted = BgNbd::fit(&cdnow(), &FitParams::default(), &FitContext::new(0)).unwrap();
    println!("{:?} {:#?}", fitted.params(), fitted.estimates());
}

#[test]
fn pareto_nbd() {
    let fitted = ParetoNbd::fit(&cdnow(), &FitParams::default(), &FitContext::new(0)).unwrap();
    println!("{:?} {:#?}", fitted.params(), fitted.estimates().map(|e| (e.log_likelihood, e.iterations)));
}

#[test]
fn bg_bb() {
    let text = std::fs::read_to_string("/tmp/venv-ltv/lib/python3.11/site-packages/lifetimes/datasets/donations.csv").unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|l| l.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(|r| r[i]).collect::<Vec<_>>();
    let o = Opportunities::new(&column(0), &column(1), &column(2)).unwrap().with_weights(column(3)).unwrap();
    let fitted = BgBb::fit(&o, &FitParams::default(), &FitContext::new(0)).unwrap();
    println!("{:?} {:#?}", fitted.params(), fitted.estimates().map(|e| (e.log_likelihood, e.iterations)));
}

#[test]
fn gamma_gamma() {
    let text = std::fs::read_to_string("/work/shared/data/cdnow/cdnow_customers_summary_with_transactions.csv").unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|l| l.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(|r| r[i]).collect::<Vec<_>>();
    let o = Summaries::new(&column(1), &column(2), &column(3)).unwrap().with_mean_spend(column(4)).unwrap();
    let fitted = GammaGamma::fit(&o, &FitParams::default(), &FitContext::new(0)).unwrap();
    println!("{:?} {:#?}", fitted.params(), fitted.estimates().map(|e| (e.log_likelihood, e.iterations)));
}
