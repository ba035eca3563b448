#![allow(clippy::unwrap_used, missing_docs, dead_code)]
mod support;
use std::time::Instant;
use tenure_backends::*;
use tenure_core::FitContext;
use tenure_lead::*;
fn trees(lr: f64, leaves: usize) -> Backend {
    Backend::Gbdt(GbdtParams {
        learning_rate: lr,
        leaves,
        row_fraction: 0.7,
        column_fraction: 0.5,
        ..GbdtParams::default()
    })
}
#[test]
fn measure() {
    let data = support::x_education().unwrap();
    let t = |lr, leaves| trees(lr, leaves);
    let blend = |a: Backend, w: f64| {
        Backend::Blend(BlendParams {
            members: vec![
                BlendMember { weight: w, learner: a },
                BlendMember { weight: 1.0 - w, learner: Backend::Logistic(LogisticParams::default()) },
            ],
        })
    };
    let list: Vec<(&str, Backend)> = vec![
        ("gbdt", t(0.05, 15)),
        ("blend .5", blend(t(0.05, 15), 0.5)),
        ("blend .75", blend(t(0.05, 15), 0.75)),
        ("forest", Backend::by_name("forest").unwrap()),
        ("logistic", Backend::by_name("logistic").unwrap()),
    ];
    for (name, backend) in list {
        let (mut auc, mut ll, mut ece, mut cv) = (vec![], vec![], vec![], vec![]);
        let start = Instant::now();
        for seed in [1, 2, 3, 4] {
            let params = LeadParams { backend: Some(backend.clone()), ..LeadParams::default() };
            let t = train(&data, &params, &FitContext::new(seed)).unwrap();
            if let Figures::Conversion(f) = &t.report.held_out.model {
                auc.push(f.roc_auc);
                ll.push(f.log_loss);
                ece.push(f.ece);
            }
            if let Figures::Conversion(f) = &t.report.cross_validation.figures {
                cv.push(f.roc_auc);
            }
        }
        let m = |v: &Vec<f64>| v.iter().sum::<f64>() / v.len() as f64;
        println!(
            "{name:10} AUC {:.4} {auc:.4?} logloss {:.4} ECE {:.4} {ece:.4?} cv {:.4}  {:.1}s",
            m(&auc),
            m(&ll),
            m(&ece),
            m(&cv),
            start.elapsed().as_secs_f64() / 4.0
        );
    }
}
