//! Students, topics and sessions, drawn.

use std::f64::consts::TAU;
use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;
use tenure_core::seed;
use tenure_features::Timestamp;
use tenure_features::study::StudySession;
use tenure_features::time::DAY;

use super::params::StudyParams;
use super::truth::StudyTruth;

/// A name and what it adds to the logarithm of the hours.
type Effect = (&'static str, f64);

const SUBJECTS: [Effect; 8] = [
    ("biology", 0.0),
    ("chemistry", 0.05),
    ("computer_science", 0.08),
    ("economics", -0.03),
    ("history", -0.09),
    ("languages", -0.06),
    ("mathematics", 0.12),
    ("physics", 0.1),
];
const METHODS: [Effect; 5] =
    [("discussion", 0.08), ("flashcards", -0.06), ("practice", 0.05), ("reading", 0.0), ("video", -0.04)];
const ENVIRONMENTS: [Effect; 5] =
    [("cafe", 0.05), ("classroom", -0.02), ("dormitory", 0.08), ("home", 0.02), ("library", -0.05)];
const EDUCATION: [Effect; 3] = [("high_school", 0.06), ("bachelor", 0.0), ("master", -0.06)];
const TIMES: [(&str, f64); 4] = [("morning", 9.0), ("afternoon", 14.0), ("evening", 19.0), ("night", 23.0)];
const STYLES: [&str; 4] = ["visual", "auditory", "reading", "kinesthetic"];
const CONTENTS: [&str; 4] = ["video", "text", "exercises", "project"];

/// Sets the draws of topics apart from those of students.
const TOPICS: u64 = u64::MAX;

/// Sessions with their truth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StudyBatch {
    /// The sessions, by student and time.
    pub sessions: Vec<StudySession>,
    /// What is true of each, in the same order.
    pub truth: Vec<StudyTruth>,
}

/// Checked parameters: see the [module's documentation](super) for the model.
#[derive(Debug, Clone)]
pub struct StudyWorld {
    params: StudyParams,
    students: usize,
    start: Timestamp,
}

struct Topic {
    subject: Effect,
    content: &'static str,
    difficulty: f64,
    base: f64,
    prerequisites: f64,
}

struct Student {
    id: String,
    age: f64,
    education: Effect,
    style: &'static str,
    focus: f64,
    speed: f64,
}

fn normal(rng: &mut Pcg64Mcg) -> f64 {
    StandardNormal.sample(rng)
}

fn pick<T: Copy>(list: &[T], rng: &mut Pcg64Mcg) -> T {
    list[rng.random_range(0..list.len())]
}

/// A whole number, as a number.
fn whole(rng: &mut Pcg64Mcg, from: i32, to: i32) -> f64 {
    f64::from(rng.random_range(from..=to))
}

fn stream(seed: u64, part: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(seed::mix(seed, part))
}

impl StudyWorld {
    pub(super) fn new(params: StudyParams, students: usize, start: Timestamp) -> Self {
        Self { params, students, start }
    }

    /// The parameters that were checked.
    #[must_use]
    pub fn params(&self) -> &StudyParams {
        &self.params
    }

    /// Number of students.
    #[must_use]
    pub fn students(&self) -> usize {
        self.students
    }

    /// All sessions. Same seed, same sessions.
    #[must_use]
    pub fn generate(&self, seed: u64) -> StudyBatch {
        self.draw(&self.topics(seed), seed, 0..self.students)
    }

    /// The sessions in batches of `students_per_batch` students (at least 1), in constant memory. One after the other
    /// they hold the sessions of [`StudyWorld::generate`], ids and all.
    pub fn batches(&self, seed: u64, students_per_batch: usize) -> impl Iterator<Item = StudyBatch> {
        let (topics, size) = (self.topics(seed), students_per_batch.max(1));
        (0..self.students)
            .step_by(size)
            .map(move |first| self.draw(&topics, seed, first..first.saturating_add(size).min(self.students)))
    }

    fn topics(&self, seed: u64) -> Vec<Topic> {
        let rng = &mut stream(seed, TOPICS);
        let topic = |_| {
            let difficulty = whole(rng, 1, 10);
            let base = 3.0 * (0.05 * (difficulty - 5.5) + 0.23 * normal(rng)).exp();
            Topic {
                subject: pick(&SUBJECTS, rng),
                content: pick(&CONTENTS, rng),
                difficulty,
                base: ((4.0 * base).round() / 4.0).clamp(0.5, 12.0),
                prerequisites: ((difficulty / 3.0).floor() + whole(rng, -1, 1)).max(0.0),
            }
        };
        (0..self.params.topics).map(topic).collect()
    }

    fn draw(&self, topics: &[Topic], seed: u64, students: Range<usize>) -> StudyBatch {
        let mut batch = StudyBatch::default();
        for student in students {
            let rng = &mut stream(seed, student as u64);
            // The sessions due to all students up to one, less those due to the students before.
            let until =
                |n: usize| (n as u128 * self.params.sessions as u128 / self.students as u128) as usize;
            let who = Student::draw(student, rng);
            let mut time = self.start.seconds() + rng.random_range(0..7 * DAY);
            for number in until(student)..until(student + 1) {
                let (session, truth) = self.session(&who, topics, number, time, rng);
                batch.sessions.push(session);
                batch.truth.push(truth);
                let gap: f64 = Exp1.sample(rng);
                time += DAY + (gap * (self.params.gap_days - 1.0) * DAY as f64) as i64;
            }
        }
        batch
    }

    fn session(
        &self,
        student: &Student,
        topics: &[Topic],
        number: usize,
        time: i64,
        rng: &mut Pcg64Mcg,
    ) -> (StudySession, StudyTruth) {
        let topic = &topics[rng.random_range(0..topics.len())];
        let ((method, of_method), (environment, of_environment)) =
            (pick(&METHODS, rng), pick(&ENVIRONMENTS, rng));
        let (time_of_day, hour) = pick(&TIMES, rng);
        let minute = (hour * 60.0) as i64 + rng.random_range(-120..=120);
        // A student's sessions are on different days, so that they keep their order however the minutes fall.
        let started_at = Timestamp::from_seconds(time.div_euclid(DAY) * DAY + minute * 60);
        let (energy, distraction, breaks) = (whole(rng, 1, 5), whole(rng, 1, 5), whole(rng, 0, 4));
        let suits = matches!(
            (student.style, topic.content),
            ("visual" | "auditory", "video") | ("reading", "text") | ("kinesthetic", "exercises" | "project")
        );
        let tired_at_night = energy <= 2.0 && time_of_day == "night";
        let log_hours = topic.base.ln() + 0.15 * (topic.difficulty / (student.focus / 60.0) / 7.0).ln()
            - 0.05 * (energy - distraction)
            + 0.08 * (TAU * (hour - 23.0) / 24.0).cos()
            + 0.03 * (topic.prerequisites - 2.0)
            + 0.04 * (breaks - 2.0)
            + 0.004 * (student.age - 25.0)
            + topic.subject.1
            + of_method
            + of_environment
            + student.education.1
            - if suits { 0.12 } else { 0.0 }
            + if tired_at_night { 0.12 } else { 0.0 };
        let truth = StudyTruth::new(&self.params, log_hours, student.speed);
        let noise = self.params.session_noise * normal(rng);
        let hours = (truth.median_given_student * noise.exp() * 1e4).round() / 1e4;
        let session = StudySession {
            session_id: format!("S{:07}", number + 1),
            student_id: student.id.clone(),
            started_at,
            age: student.age,
            education_level: student.education.0.into(),
            learning_style: student.style.into(),
            avg_focus_duration: student.focus,
            subject: topic.subject.0.into(),
            difficulty_level: topic.difficulty,
            estimated_base_time: topic.base,
            prerequisites_count: topic.prerequisites,
            content_type: topic.content.into(),
            time_of_day: time_of_day.into(),
            study_method: method.into(),
            environment: environment.into(),
            energy_level: energy,
            distraction_level: distraction,
            breaks_taken: breaks,
            actual_duration: Some(hours.clamp(1e-4, 1000.0)),
        };
        (session, truth)
    }
}

impl Student {
    fn draw(index: usize, rng: &mut Pcg64Mcg) -> Self {
        Self {
            id: format!("T{:06}", index + 1),
            age: whole(rng, 18, 35),
            education: pick(&EDUCATION, rng),
            style: pick(&STYLES, rng),
            focus: (45.0 * (0.4 * normal(rng)).exp()).round().clamp(15.0, 120.0),
            speed: normal(rng),
        }
    }
}
