//! No bytes make a reader panic.

mod common;

use common::{file, folder};
use proptest::prelude::*;
use tenure_io::{OrderMapping, ReadOptions, TableOptions, read_orders, read_table};

fn read_all(content: &[u8]) {
    let folder = folder();
    let by_number = |n: &str| Some(n.to_owned());
    let numbered = OrderMapping {
        customer: by_number("1"),
        time: by_number("2"),
        amount: by_number("3"),
        ..OrderMapping::default()
    };
    for name in ["x.csv", "x.jsonl", "x.parquet", "x.csv.gz"] {
        let path = file(&folder, name, content);
        for mapping in [&OrderMapping::default(), &numbered] {
            for skip_bad_lines in [false, true] {
                let options = ReadOptions { skip_bad_lines, ..ReadOptions::default() };
                let _ = read_orders(&path, mapping, &options);
            }
        }
        let _ = read_table(&path, &TableOptions::default());
        let _ = read_table(
            &path,
            &TableOptions { target: by_number("1"), distinct: true, ..TableOptions::default() },
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(content in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&content);
    }

    #[test]
    fn arbitrary_lines(body in "([a-c0-9€$,;.:/\" \\-\t\r{}\\[\\]]{0,30}\n){0,8}", head in proptest::bool::ANY) {
        let head = if head { "customer_id,date,amount\n" } else { "" };
        read_all(format!("{head}{body}").as_bytes());
    }

    #[test]
    fn arbitrary_fields(rows in proptest::collection::vec(("[0-9]{0,3}", "[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}( [0-9]{1,2}:[0-9]{2})?", "-?[0-9]{0,4}[.,]?[0-9]{0,3}€?"), 1..20)) {
        let lines: Vec<String> = rows.iter().map(|(c, d, a)| format!("{c};{d};{a}\n")).collect();
        read_all(format!("customer;date;amount\n{}", lines.concat()).as_bytes());
    }
}
