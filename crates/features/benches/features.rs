//! The log, the features and the fuzzy axes of 100,000 orders of 5,000 customers over two years; the log and the
//! data sets of 100,000 messages of 5,000 contacts.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tenure_core::{FitContext, seed};
use tenure_features::contacts::{
    Contact, ContactLog, ContactPlan, ContactRecords, Content, Conversation, ConversationKind, Direction,
    Lead, LeadTarget, Message, WINDOW_HOURS, contact_set, lead_set, message_set,
};
use tenure_features::{
    CodedColumn, FeatureSet, FuzzyAxes, OrderColumns, OrderLog, SnapshotPlan, Timestamp, training_set,
};

const ORDERS: usize = 100_000;
const CUSTOMERS: u64 = 5_000;

fn columns() -> OrderColumns {
    let draw = |part: u64, n: u64| -> Vec<u32> {
        (0..ORDERS as u64).map(|i| (seed::mix(part, i) % n) as u32).collect()
    };
    let coded = |part, n: u64| CodedColumn {
        codes: draw(part, n),
        names: Arc::new((0..n).map(|i| i.to_string()).collect()),
    };
    OrderColumns {
        customer: coded(1, CUSTOMERS),
        time: draw(2, 730 * 86_400).into_iter().map(i64::from).collect(),
        amount: draw(3, 10_000).into_iter().map(|a| f64::from(a + 1) / 100.0).collect(),
        category: Some(coded(4, 20)),
        channel: Some(coded(5, 4)),
        ..OrderColumns::default()
    }
}

fn bench(c: &mut Criterion) {
    let columns = columns();
    let mut group = c.benchmark_group("features");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS as u64));
    group.bench_function("log_100k_orders", |b| {
        b.iter_batched(|| columns.clone(), |c| OrderLog::from_columns(c).unwrap(), BatchSize::LargeInput);
    });
    let log = OrderLog::from_columns(columns.clone()).unwrap();
    let plan = SnapshotPlan { max_snapshots: Some(12), ..SnapshotPlan::default() };
    let set = FeatureSet::default();
    let train = || training_set(&log, &plan, None, &set, &FitContext::new(0)).unwrap();
    group.bench_function("training_set_12_snapshots", |b| b.iter(|| black_box(train())));
    let table = train();
    group.bench_function("fuzzy_fit_append", |b| {
        b.iter(|| {
            let axes = FuzzyAxes::fit(table.data().schema(), table.data().x()).unwrap();
            axes.append(table.data()).unwrap()
        });
    });
    group.finish();
}

fn contacts(messages: u64) -> ContactRecords {
    let day = |part: u64, i: u64, days: u64| (seed::mix(part, i) % (days * 86_400)) as i64;
    let contacts = messages / 20;
    let mut records = ContactRecords::default();
    for i in 0..contacts {
        let (id, created_at) = (format!("c{i}"), Timestamp::from_seconds(day(0, i, 365)));
        records.conversations.push(Conversation {
            id: id.clone(),
            contact: id.clone(),
            started_at: created_at,
            kind: ConversationKind::Sales,
            closed_at: None,
        });
        records.leads.push(Lead {
            id: id.clone(),
            contact: id.clone(),
            created_at,
            score: 50.0,
            scored_at: Some(created_at.plus_days(30)),
            converted_at: None,
        });
        records.contacts.push(Contact {
            id,
            created_at,
            utc_offset_minutes: 60,
            profile_completeness: 0.5,
            opted_in_at: None,
            unsubscribed_at: None,
        });
    }
    for i in 0..messages {
        let sent_at = Timestamp::from_seconds(365 * 86_400 + day(1, i, 365));
        let ours = !seed::mix(2, i).is_multiple_of(3);
        records.messages.push(Message {
            id: format!("m{i}"),
            conversation: format!("c{}", seed::mix(3, i) % contacts),
            sent_at,
            direction: if ours { Direction::Outbound } else { Direction::Inbound },
            content: Content::Promotional,
            length: 100,
            sentiment: 0.5,
            urgency: 0.5,
            has_link: true,
            has_media: false,
            personalised: true,
            campaign: None,
            opened_at: (ours && i.is_multiple_of(2)).then(|| sent_at.plus_days(1)),
            clicked_at: None,
        });
    }
    records
}

fn bench_contacts(c: &mut Criterion) {
    let records = contacts(ORDERS as u64);
    let mut group = c.benchmark_group("contacts");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS as u64));
    group.bench_function("log_100k_messages", |b| {
        b.iter_batched(|| records.clone(), |r| ContactLog::from_records(r).unwrap(), BatchSize::LargeInput);
    });
    let log = ContactLog::from_records(records).unwrap();
    let context = FitContext::new(0);
    group.bench_function("message_set", |b| {
        b.iter(|| message_set(&log, WINDOW_HOURS, None, &context).unwrap());
    });
    group.bench_function("contact_set_12_instants", |b| {
        b.iter(|| contact_set(&log, &ContactPlan::default(), None, &context).unwrap());
    });
    group.bench_function("lead_set", |b| {
        b.iter(|| lead_set(&log, LeadTarget::Score, None, &context).unwrap())
    });
    group.finish();
}

criterion_group!(benches, bench, bench_contacts);
criterion_main!(benches);
