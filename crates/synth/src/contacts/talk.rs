//! Conversations: planned beforehand, played message by message.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tenure_features::Timestamp;
use tenure_features::contacts::{Contact, Content, Conversation, ConversationKind, Direction, Message};
use tenure_features::time::DAY;

use super::person::{Person, days, logistic, normal};
use super::quiet::{DRIFTING_LOGIT, State, Talk};

const HOUR: f64 = 3600.0;
/// Hours within which a message of ours is opened, if it is.
pub const ENGAGEMENT_HOURS: u32 = 24;
const CAMPAIGNS: [&str; 4] = ["new arrivals", "season sale", "loyalty offer", "last chance"];

/// What a conversation is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// The contact asks about buying when it becomes known; a lead comes out of it.
    Lead,
    /// The contact has a problem.
    Ticket,
    /// We write.
    Ours,
}

/// A conversation to be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brief {
    pub(crate) purpose: Purpose,
    pub(crate) messages: usize,
    /// When it begins, and the second that no message of it reaches.
    pub(crate) begins: i64,
    pub(crate) limit: i64,
}

/// A message of ours as it is planned.
#[derive(Debug, Clone)]
struct Planned {
    at: i64,
    content: Content,
    campaign: Option<&'static str>,
    personalised: bool,
    length: u32,
    sentiment: f64,
    urgency: f64,
    has_link: bool,
    has_media: bool,
    /// Log-odds that an attached contact opens it.
    logit: f64,
}

/// Days from one message of ours to the next, where nobody answers.
const GAP_DAYS: (i64, i64) = (1, 3);

/// The longest that a conversation may take if it is to keep its usual gaps.
pub(crate) fn longest_days(messages: usize) -> i64 {
    (messages as i64 + 1) * (GAP_DAYS.1 + 1)
}

/// An hour at which we write of our own accord.
pub(crate) fn waking_hour(rng: &mut Pcg64Mcg) -> f64 {
    6.0 + 17.0 * rng.random::<f64>()
}

fn plan(person: &Person, brief: &Brief, strength: f64, campaigns: bool, rng: &mut Pcg64Mcg) -> Vec<Planned> {
    let mut at = brief.begins;
    let mut times = Vec::with_capacity(brief.messages);
    for place in 0..brief.messages {
        at = match (place, brief.purpose) {
            (0, Purpose::Ours) => at,
            (0, _) => at + (HOUR * (0.2 + 12.0 * rng.random::<f64>())) as i64,
            _ => person.at_hour(at + rng.random_range(GAP_DAYS.0..=GAP_DAYS.1) * DAY, waking_hour(rng)),
        };
        times.push(at);
    }
    // A conversation that has no room for its gaps is held faster.
    let (needed, room) = (at - brief.begins + 1, brief.limit - brief.begins);
    let pace = (room as f64 / needed as f64).min(1.0);
    let placed = times.into_iter().map(|at| brief.begins + ((at - brief.begins) as f64 * pace) as i64);
    placed
        .enumerate()
        .map(|(place, at)| planned(person, brief, (place, at), strength, campaigns, rng))
        .collect()
}

fn planned(
    person: &Person,
    brief: &Brief,
    (place, at): (usize, i64),
    strength: f64,
    campaigns: bool,
    rng: &mut Pcg64Mcg,
) -> Planned {
    let content = match brief.purpose {
        Purpose::Ticket => Content::Support,
        _ if rng.random_bool(0.5) => Content::Promotional,
        _ => Content::Informational,
    };
    let [length, sentiment, urgency] = std::array::from_fn(|_| normal(rng).clamp(-2.0, 2.0));
    let [personalised, has_link, has_media] = [0.5, 0.6, 0.4].map(|p| rng.random_bool(p));
    let sign = |yes: bool| if yes { 1.0 } else { -1.0 };
    let quality = -1.3 * length + 0.9 * sentiment - 0.9 * urgency
        + 1.2 * sign(personalised)
        + 0.6 * sign(has_link)
        + 0.7 * sign(has_media);
    let fatigue = -0.2 * place.min(5) as f64;
    let campaign = (campaigns && content == Content::Promotional)
        .then(|| CAMPAIGNS[rng.random_range(0..CAMPAIGNS.len())]);
    Planned {
        at,
        content,
        campaign,
        personalised,
        length: (4.8 + 0.5 * length).exp() as u32,
        sentiment: rounded(0.2 + 0.35 * sentiment),
        urgency: rounded(0.4 + 0.2 * urgency),
        has_link,
        has_media,
        logit: strength * (1.5 + quality + fatigue + person.liking(at, content)),
    }
}

fn rounded(reading: f64) -> f64 {
    (reading * 1000.0).round() / 1000.0
}

/// A conversation in the making.
pub(crate) struct Held {
    pub(crate) conversation: Conversation,
    pub(crate) messages: Vec<Message>,
    /// Of each message: probability that it is engaged with, NaN for those of the contact.
    pub(crate) engagement: Vec<f64>,
    pub(crate) talk: Talk,
}

/// Holds a conversation of exactly `brief.messages` messages: the contact may begin, then our planned messages
/// follow each other, each of them opened or not, and answered or not as long as messages are left.
pub(crate) fn hold(
    person: &Person,
    contact: &Contact,
    brief: &Brief,
    strength: f64,
    ids: (String, usize),
    rng: &mut Pcg64Mcg,
) -> Held {
    let plan = plan(person, brief, strength, contact.opted_in_at.is_some(), rng);
    let opening = (brief.purpose != Purpose::Ours).then_some(brief.begins);
    let kind =
        if brief.purpose == Purpose::Ticket { ConversationKind::Support } else { ConversationKind::Sales };
    let talk = Talk { opening, plan: plan.iter().map(|p| (p.at, p.logit)).collect(), sent: Vec::new() };
    let (id, first_message) = ids;
    let conversation = Conversation {
        id,
        contact: contact.id.clone(),
        started_at: Timestamp::from_seconds(brief.begins),
        kind,
        closed_at: None,
    };
    let mut held = Held { conversation, messages: Vec::new(), engagement: Vec::new(), talk };
    if opening.is_some() && person.path.state(brief.begins) != State::Gone {
        held.received(person, brief.begins, first_message, rng);
    }
    for (place, ours) in plan.iter().enumerate() {
        if held.messages.len() == brief.messages {
            break;
        }
        let next = plan.get(place + 1).map_or(brief.limit, |next| next.at);
        let opened = held.sent(person, contact, ours, next, first_message, rng);
        if let (Some(opened), true) = (opened, held.messages.len() < brief.messages)
            && rng.random_bool(logistic(1.2 + person.intent))
        {
            let mood = if person.path.state(ours.at) == State::Attached { 0.0 } else { 0.7 };
            let hours = (1.0 - 0.8 * person.intent + mood + 0.3 * normal(rng)).exp();
            let at = (ours.at + (hours * HOUR) as i64).max(opened + 30).min(next - 1);
            held.received(person, at, first_message, rng);
        }
    }
    held.close(brief, rng);
    held
}

impl Held {
    fn push(&mut self, message: Message, engagement: f64) {
        self.talk.sent.push((message.sent_at.seconds(), message.direction == Direction::Outbound));
        self.messages.push(message);
        self.engagement.push(engagement);
    }

    fn message(&self, at: i64, direction: Direction, first: usize) -> Message {
        Message {
            id: format!("M{:07}", first + self.messages.len() + 1),
            conversation: self.conversation.id.clone(),
            sent_at: Timestamp::from_seconds(at),
            direction,
            content: Content::Informational,
            length: 0,
            sentiment: f64::NAN,
            urgency: f64::NAN,
            has_link: false,
            has_media: false,
            personalised: false,
            campaign: None,
            opened_at: None,
            clicked_at: None,
        }
    }

    /// A message of ours, opened before the `next` if at all; tells when.
    fn sent(
        &mut self,
        person: &Person,
        contact: &Contact,
        ours: &Planned,
        next: i64,
        first: usize,
        rng: &mut Pcg64Mcg,
    ) -> Option<i64> {
        let probability = match person.path.state(ours.at) {
            State::Attached => logistic(ours.logit),
            State::Drifting => logistic(ours.logit - DRIFTING_LOGIT),
            State::Gone => 0.0,
        };
        let hours = (0.3 - 0.5 * person.intent + 0.6 * normal(rng)).exp();
        let most = (f64::from(ENGAGEMENT_HOURS) - 0.5) * HOUR;
        let seconds = (hours * HOUR).min(most).min(0.8 * (next - ours.at) as f64);
        let opened = rng.random_bool(probability).then(|| ours.at + 1 + seconds as i64);
        let clicks = ours.has_link && rng.random_bool(logistic(0.3 + 1.5 * person.intent));
        let clicked = opened.filter(|_| clicks).map(|at| at + rng.random_range(5..600));
        let left = contact.unsubscribed_at.is_some_and(|left| left.seconds() <= ours.at);
        let message = Message {
            content: ours.content,
            length: ours.length,
            sentiment: ours.sentiment,
            urgency: ours.urgency,
            has_link: ours.has_link,
            has_media: ours.has_media,
            personalised: ours.personalised,
            campaign: ours.campaign.filter(|_| !left).map(str::to_owned),
            opened_at: opened.map(Timestamp::from_seconds),
            clicked_at: clicked.map(Timestamp::from_seconds),
            ..self.message(ours.at, Direction::Outbound, first)
        };
        self.push(message, probability);
        opened
    }

    /// A message of the contact: the higher the intent, the longer, the friendlier and the more pressing.
    fn received(&mut self, person: &Person, at: i64, first: usize, rng: &mut Pcg64Mcg) {
        let support = self.conversation.kind == ConversationKind::Support;
        let drifting = person.path.state(at) != State::Attached;
        let mood = -0.35 * f64::from(u8::from(drifting)) - 0.3 * f64::from(u8::from(support));
        let press = 0.1 * f64::from(u8::from(support));
        let intent = person.intent;
        let message = Message {
            content: if support { Content::Support } else { Content::Informational },
            length: (4.5 + 0.5 * intent + 0.2 * normal(rng)).exp().max(1.0) as u32,
            sentiment: rounded((0.1 + 0.35 * intent + mood + 0.15 * normal(rng)).clamp(-1.0, 1.0)),
            urgency: rounded((0.45 + 0.18 * intent + press + 0.08 * normal(rng)).clamp(0.0, 1.0)),
            has_media: rng.random_bool(0.1),
            ..self.message(at, Direction::Inbound, first)
        };
        self.push(message, f64::NAN);
    }

    /// Nine in ten tickets are solved within two days of the last message, half of the other conversations closed.
    fn close(&mut self, brief: &Brief, rng: &mut Pcg64Mcg) {
        let solved = rng.random_bool(if brief.purpose == Purpose::Ticket { 0.9 } else { 0.5 });
        let at = self.talk.sent.last().map_or(brief.begins, |last| last.0) + days(rng, 0.05, 1.0);
        self.conversation.closed_at = solved.then(|| Timestamp::from_seconds(at));
    }
}
