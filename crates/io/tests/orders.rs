//! Order logs as they come: every case is asserted by the words of the answer.

#![allow(clippy::unwrap_used, reason = "a test or measurement may stop at once")]

mod common;

use common::{file, folder, orders, refusal};
use tenure_io::{OrderMapping, ReadOptions, read_orders};

fn mapping(set: impl FnOnce(&mut OrderMapping)) -> OrderMapping {
    let mut mapping = OrderMapping::default();
    set(&mut mapping);
    mapping
}

const HEAD: &str = "customer_id,date,amount\n";

#[test]
fn empty_files_and_files_of_a_header_only_are_named() {
    let none = OrderMapping::default();
    assert_eq!(refusal("o.csv", "", &none), "o.csv: the file is empty");
    assert_eq!(refusal("o.csv", "\r\n\n", &none), "o.csv: the file is empty");
    assert_eq!(refusal("o.jsonl", "", &none), "o.jsonl: the file is empty");
    assert_eq!(refusal("o.parquet", "", &none), "o.parquet: the file is empty");
    assert_eq!(
        refusal("o.csv", HEAD, &none),
        "o.csv: the file has a header (customer_id, date, amount) but no line of data"
    );
    assert!(refusal("o.xlsx", "x", &none).contains("o.xlsx: unknown file type; expected .csv"));
    assert!(refusal("o.parquet", "not parquet", &none).contains("o.parquet: is not a readable Parquet file"));
    assert!(refusal("o.csv", b"PK\x03\x04....", &none).contains("Excel workbook; export it as CSV"));
    assert!(refusal("o.csv", b"a\0b\0", &none).contains("holds zero bytes"));
    assert!(refusal("o.csv", "a,b\rc,d\r", &none).contains("bare carriage returns"));
}

#[test]
fn byte_order_marks_line_ends_and_separators_do_not_matter() {
    let (plain, _) = orders("customer_id,date,amount\n7,2024-01-31,1.5\n8,2024-02-01,2\n");
    let check = |content: &[u8], separator: &str, encoding: &str| {
        let (columns, report) = orders(content);
        assert_eq!(columns, plain);
        assert_eq!((report.separator.as_str(), report.encoding.as_str()), (separator, encoding));
    };
    check(
        b"\xef\xbb\xbfcustomer_id,date,amount\r\n7,2024-01-31,1.5\r\n8,2024-02-01,2\r\n",
        "comma",
        "UTF-8 with byte-order mark",
    );
    check(b"customer_id;date;amount\n7;2024-01-31;1,5\n8;2024-02-01;2", "semicolon", "UTF-8");
    check(b"customer_id\tdate\tamount\n7\t2024-01-31\t1.5\n8\t2024-02-01\t2\n", "tab", "UTF-8");
    check(
        b"\"customer_id\"|date|amount\n7|\"2024-01-31\"|1.5\n\n8|2024-02-01|\"2\"\n",
        "vertical bar",
        "UTF-8",
    );
    check(b"  customer_id  date  amount\r\n 7 20240131  1.5\r\n 8 20240201 2\r\n", "blanks", "UTF-8");
    let mut wide = vec![0xff, 0xfe];
    wide.extend(
        "customer_id,date,amount\n7,2024-01-31,1.5\n8,2024-02-01,2\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    check(&wide, "comma", "UTF-16 (little-endian)");
    let (latin, report) = orders(b"customer_id,date,amount\nM\xfcller,2024-01-31,1.5\n");
    assert_eq!(latin.customer.names[0], "Müller");
    assert_eq!(report.encoding, "windows-1252 (Latin-1) where it is not UTF-8");
}

#[test]
fn a_bad_date_in_line_70_001_is_named() {
    let mut text = HEAD.to_owned();
    for line in 2..=80_000 {
        text.push_str(if line == 70_001 { "5,2024-02-30,3\n" } else { "5,2024-02-28,3\n" });
    }
    let expected = "o.csv, line 70001, column `date`: `2024-02-30` is not a date like the others of this column \
                    (YYYY-MM-DD, with or without time); see --time-format";
    assert_eq!(refusal("o.csv", &text, &OrderMapping::default()), expected);
    let folder = folder();
    let path = file(&folder, "o.csv", &text);
    let options = ReadOptions { skip_bad_lines: true, ..ReadOptions::default() };
    let (columns, report) = read_orders(&path, &OrderMapping::default(), &options).unwrap();
    assert_eq!(
        (columns.len(), report.bad_lines.count, report.bad_lines.examples.as_slice()),
        (79_998, 1, &[70_001][..])
    );
    assert!(report.to_string().contains("lines not readable, skipped: 1 (line 70001)"), "{report}");
    assert!(
        report.to_string().contains("exact duplicates of an earlier line, kept: 79997 (lines 3, 4, 5)"),
        "{report}"
    );
}

#[test]
fn whatever_is_skipped_is_counted_with_its_lines() {
    let text = "customer_id,date,amount\n1,2024-01-01,5\n,2024-01-02,5\nNaN,2024-01-02,5\n1,2024-01-03,\n1,2024-01-04,NaN\n\
                1,2024-01-05,inf\n1,2024-01-06,-5\n1,2024-01-07,0\n1,2024-01-01,5\n";
    let (columns, report) = orders(text);
    assert_eq!(columns.amount, [5.0, -5.0, 0.0, 5.0]);
    let said = report.to_string();
    for words in [
        "9 lines, 1 customers, 3 orders, 2024-01-01 to 2024-01-07",
        "lines without customer, skipped: 2 (lines 3, 4)",
        "lines without amount, skipped: 1 (line 5)",
        "lines with an amount that is not finite, skipped: 2 (lines 6, 7)",
        "lines negative (returns and cancellations), kept: 1 (line 8)",
        "lines with amount 0, kept: 1 (line 9)",
        "lines exact duplicates of an earlier line, kept: 1 (line 10)",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert_eq!(
        refusal("o.csv", "customer_id,date,amount\n,2024-01-02,5\n", &OrderMapping::default()),
        "o.csv: no orders: of 1 lines 1 have no customer, 0 no amount, 0 an amount that is not finite, 0 cannot be read"
    );
}

#[test]
fn bad_numbers_ragged_lines_and_open_quotes_are_named() {
    let none = OrderMapping::default();
    let check =
        |body: &str, expected: &str| assert_eq!(refusal("o.csv", format!("{HEAD}{body}"), &none), expected);
    check(
        "1,2024-01-01,five\n",
        "o.csv, line 2, column `amount`: `five` is not a number such as 1234.50 or 1,234.50",
    );
    check("1,2024-01-01,5\n1,2024-01-01\n", "o.csv, line 3: 2 fields, expected 3");
    check("1,2024-01-01,5\n1,2024-01-01,5,6\n", "o.csv, line 3: 4 fields, expected 3");
    check(
        "1,2024-01-01,5\n\"1,2024-01-01,5\n1,2024-01-02,5\n",
        "o.csv, line 3: a quote opens a field here and is never closed",
    );
    let json = "{\"customer\":1,\"date\":\"2024-01-01\",\"amount\":5}\n{\"customer\":1,\n";
    assert!(refusal("o.jsonl", json, &none).starts_with("o.jsonl, line 2: is not one JSON object"));
    check(
        "1,2024-01-01,$5\n1,2024-01-01,6 €\n",
        "o.csv, column `amount`: mixed currencies: USD in line 2 and EUR in line 3; a log has one currency: convert first",
    );
}

#[test]
fn columns_that_cannot_be_told_are_listed() {
    let said = refusal("o.csv", "who,when,what\na,2024-01-01,x\n", &OrderMapping::default());
    assert!(
        said.starts_with("o.csv: no column for the customer was found (looked for customer_id, customer"),
        "{said}"
    );
    assert!(
        said.contains("--customer-col") && said.contains("--amount-col or --quantity-col and --price-col"),
        "{said}"
    );
    assert!(said.ends_with("; the columns are: who, when, what"), "{said}");
    let said = refusal("o.csv", "1 20240101 5.5\n2 20240102 6\n", &OrderMapping::default());
    assert!(said.contains("the file has no header: give its number, from 1, with --customer-col"), "{said}");
    assert!(said.contains("the columns are: 1 (e.g. 1), 2 (e.g. 20240101), 3 (e.g. 5.5)"), "{said}");
    let said = refusal("o.csv", "customer,date,Amount,amount\n1,2024-01-01,5,5\n", &OrderMapping::default());
    assert!(
        said.contains("both `Amount` and `amount` could be the amount: say which with --amount-col"),
        "{said}"
    );
    let said =
        refusal("o.csv", format!("{HEAD}1,2024-01-01,5\n"), &mapping(|m| m.channel = Some("shop".into())));
    assert!(said.contains("there is no column `shop` (--channel-col)"), "{said}");
}

#[test]
fn day_and_month_are_decided_by_the_whole_column() {
    let dates = |body: &str| format!("customer,date,amount\n{body}");
    let (columns, report) = orders(dates("1,03/04/2024,5\n1,31/12/2024 10:00,5\n"));
    assert_eq!((report.time_format.as_str(), report.first.to_string()), ("DD/MM/YYYY", "2024-04-03".into()));
    let (swapped, report) = orders(dates("1,03/04/2024,5\n1,12/31/2024 10:00,5\n"));
    assert_eq!((report.time_format.as_str(), report.first.to_string()), ("MM/DD/YYYY", "2024-03-04".into()));
    assert_eq!(columns.time[1], swapped.time[1]);
    let said = refusal("o.csv", dates("1,03/04/2024,5\n"), &OrderMapping::default());
    assert!(
        said.contains(
            "column `date`: no date tells whether day or month comes first (line 2 can be read both ways)"
        ),
        "{said}"
    );
    let said = refusal("o.csv", dates("1,13/04/2024,5\n1,04/13/2024,5\n"), &OrderMapping::default());
    assert!(said.contains("line 2 has the day first and line 3 the month first"), "{said}");
    let folder = folder();
    let path = file(&folder, "o.csv", dates("1,03/04/2024,5\n"));
    let given = mapping(|m| m.time_format = Some("%m/%d/%Y".into()));
    let (_, report) = read_orders(&path, &given, &ReadOptions::default()).unwrap();
    assert_eq!(report.first.to_string(), "2024-03-04");
    let said = refusal("o.csv", dates("1,03. April,5\n"), &OrderMapping::default());
    assert!(
        said.contains(
            "column `date`: its values, e.g. `03. April`, are in no known date format; give --time-format"
        ),
        "{said}"
    );
}

#[test]
fn amounts_are_quantity_times_price_and_orders_join_lines() {
    let text = "Invoice,StockCode,Quantity,InvoiceDate,Price,Customer ID,Category,Channel,Discount,Returned\n\
                A1,x,2,2024-01-01 10:00,1.5,7,toys,web,-0.5,no\nA1,y,1,2024-01-01 10:00,4,7,,shop,,yes\n\
                CA1,x,-2,2024-01-02 10:00,1.5,7,toys,web,0,0\n";
    let (columns, report) = orders(text);
    assert_eq!(columns.amount, [3.0, 4.0, -3.0]);
    assert_eq!(columns.order, Some(vec![0, 0, 1]));
    assert_eq!(columns.category.unwrap().codes, [0, u32::MAX, 0]);
    assert_eq!(columns.discount.unwrap()[0], 0.5);
    assert_eq!(columns.returned_at, Some(vec![i64::MAX, columns.time[1] + 30 * 86_400, i64::MAX]));
    assert_eq!(report.unused_columns, ["StockCode"]);
    assert!(report.notes.contains(&"the amount is quantity × price".to_owned()));
    assert!(report.notes.contains(&"a flagged return is taken as known 30 days after the order".to_owned()));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let mut text = HEAD.to_owned();
    for i in 0..300_000_u64 {
        text.push_str(&format!("\"c{}\",2024-01-{:02},{}.25\n", i * 7919 % 5003, i % 28 + 1, i % 97));
    }
    let folder = folder();
    let path = file(&folder, "o.csv", &text);
    let read = |threads| {
        let options = ReadOptions { threads: std::num::NonZeroUsize::new(threads), ..ReadOptions::default() };
        read_orders(&path, &OrderMapping::default(), &options).unwrap()
    };
    assert_eq!(read(1), read(3));
}
