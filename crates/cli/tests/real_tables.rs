//! Cross-validation on real tables, through the command line.

mod common;

use common::{Place, data, number};
use serde_json::Value;

fn cv(name: &str, file: &str, rest: &[&str]) -> Option<Value> {
    let file = data(file)?;
    let report =
        Place::new(name).run_with(&[&["table", "cv", "--data", &file, "--json"], rest].concat()).json();
    Some(report)
}

fn check_auc(report: &Value, rows: u64, least: f64) {
    assert_eq!(report["rows"], rows);
    let auc = number(report, "/metrics/roc_auc/mean");
    assert!(auc >= least, "AUC {auc}");
    let (own, baseline) =
        (number(report, "/metrics/log_loss/mean"), number(report, "/baseline/log_loss/mean"));
    assert!(own < baseline, "log loss {own}, of the base rate {baseline}");
}

#[test]
fn telco() {
    let choices = ["--target", "Churn", "--task", "binary", "--drop", "customerID"];
    let Some(report) = cv("telco", "telco_churn/Telco-Customer-Churn.csv", &choices) else { return };
    check_auc(&report, 7043, 0.845);
}

#[test]
fn iranian_without_its_repeated_rows() {
    let choices = ["--target", "Churn", "--task", "binary", "--distinct"];
    let Some(report) = cv("iranian", "iranian_churn/Customer_Churn.csv", &choices) else { return };
    check_auc(&report, 2850, 0.984);
}

/// Without what is filled in after the contact, and without what numbers the leads.
#[test]
fn x_education_without_its_leaks() {
    let dropped = "Tags,Lead Quality,Lead Profile,Last Activity,Last Notable Activity,Asymmetrique Activity Index,\
                   Asymmetrique Profile Index,Asymmetrique Activity Score,Asymmetrique Profile Score,\
                   Prospect ID,Lead Number";
    let choices = ["--target", "Converted", "--task", "binary", "--missing", "Select", "--drop", dropped];
    let Some(report) = cv("leads", "x_education_leads/Leads.csv.gz", &choices) else { return };
    check_auc(&report, 9240, 0.875);
}

#[test]
fn student_marks_without_the_earlier_marks() {
    let choices = ["--target", "G3", "--task", "regression", "--drop", "G1,G2"];
    let Some(report) = cv("students", "student_mat/student-mat.csv", &choices) else { return };
    assert_eq!((&report["rows"], &report["task"]), (&395.into(), &"regression".into()));
    let (own, baseline) = (number(&report, "/metrics/rmse/mean"), number(&report, "/baseline/rmse/mean"));
    assert!(own < baseline, "rmse {own}, of the mean {baseline}");
}
