//! What a cron expression means: five fields in a time zone, or Bitbucket's own seven fields, which count in UTC. No I/O.
//!
//! One fixed time of day (one minute, one hour) that a change of the clocks leaves out fires once, when the clocks have
//! changed; where it comes twice, it fires the first time. Whatever has several minutes or hours goes by real hours: what
//! the change leaves out does not fire, and what comes twice fires twice.

use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use pipewright_core::Timestamp;

/// The longest expression, in characters.
const LONGEST: usize = 200;

/// How many due times are counted of those that were missed; there may have been more.
const MISSED_COUNTED: i64 = 1000;

/// Bitbucket's seven fields count in this zone.
const UTC: &str = "UTC";

/// A field of an expression: what it is called, and its lowest and highest number.
type Field = (&'static str, u32, u32);

const FIVE: [Field; 5] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
];

/// In Quartz, which Bitbucket uses, Sunday is day 1.
const SEVEN: [Field; 7] = [
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 1, 7),
    ("year", 1970, 2199),
];

/// An expression that can be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Cron {
    cron: croner::Cron,
    /// It is Bitbucket's form.
    is_quartz: bool,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct CronMistake {
    /// Whole, with what to do.
    pub(crate) sentence: String,
}

/// An expression in its time zone.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    cron: Cron,
    zone: TimeZone,
    /// The zone's name: the one that was asked for, or [`UTC`] for Bitbucket's form.
    pub(crate) zone_name: String,
}

/// What is to be fired of a schedule that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// The newest due time.
    pub(crate) newest: Timestamp,
    /// How many there were before it; counted up to [`MISSED_COUNTED`].
    pub(crate) missed: i64,
    /// The first due time that is still to come.
    pub(crate) next: Option<Timestamp>,
}

impl Cron {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, CronMistake> {
        let mistake = |sentence: String| CronMistake { sentence };
        if text.chars().count() > LONGEST {
            return Err(mistake(format!(
                "The expression is longer than {LONGEST} characters; make it shorter, or use two schedules."
            )));
        }
        let fields = split(text);
        let is_quartz = fields.len() == SEVEN.len();
        let known: &[Field] = if is_quartz { &SEVEN } else { &FIVE };
        if fields.len() != known.len() {
            return Err(mistake(format!(
                "Five fields are needed: minute, hour, day of the month, month, day of the week, as in 30 2 * * MON-FRI; there {}.",
                match fields.len() {
                    0 => "is none".to_owned(),
                    1 => "is one".to_owned(),
                    count => format!("are {count}"),
                }
            )));
        }
        for (index, (start, field)) in fields.iter().enumerate() {
            check(known, index, field, *start, is_quartz).map_err(mistake)?;
        }
        let cron = parser(is_quartz).parse(text).map_err(|error| {
            mistake(format!(
                "The expression cannot be read: {}.",
                reason(&error.to_string()).trim_end_matches('.')
            ))
        })?;
        Ok(Self { cron, is_quartz })
    }

    /// In words, as far as there are any.
    pub(crate) fn words(&self) -> String {
        self.cron.describe()
    }
}

impl Timing {
    /// An expression in the zone of this name. A sentence where either cannot be used.
    pub(crate) fn read(cron: &str, zone: &str) -> Result<Self, String> {
        let cron = Cron::parse(cron).map_err(|mistake| mistake.sentence)?;
        let name = if cron.is_quartz { UTC } else { zone.trim() };
        let zone = jiff::tz::db().get(name).map_err(|_| {
            let name: String = name.chars().take(60).collect();
            format!("“{name}” is no time zone that is known here; use a name such as Europe/Berlin or America/New_York, or UTC.")
        })?;
        let zone_name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self {
            cron,
            zone,
            zone_name,
        })
    }

    /// The first due time after a moment; none where no time is left.
    pub(crate) fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = jiff::Timestamp::from_microsecond(moment.as_micros())
            .ok()?
            .to_zoned(self.zone.clone());
        let next = self.cron.cron.find_next_occurrence(&moment, false).ok()?;
        Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
    }

    /// The next due times, at most `count`.
    pub(crate) fn next_times(&self, now: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.after(now), |time| self.after(*time))
            .take(count)
            .collect()
    }

    /// What is to be fired at `now` of a schedule that has been due since `was`.
    pub(crate) fn due(&self, was: Timestamp, now: Timestamp) -> Due {
        let mut due = Due {
            newest: was,
            missed: 0,
            next: self.after(was),
        };
        while let Some(next) = due.next.filter(|next| *next <= now) {
            due.missed += 1;
            due.newest = if due.missed < MISSED_COUNTED {
                next
            } else {
                self.before(now).unwrap_or(next)
            };
            due.next = self.after(due.newest);
        }
        due
    }

    /// The last due time at or before a moment.
    fn before(&self, moment: Timestamp) -> Option<Timestamp> {
        let moment = jiff::Timestamp::from_microsecond(moment.as_micros())
            .ok()?
            .to_zoned(self.zone.clone());
        let last = self
            .cron
            .cron
            .find_previous_occurrence(&moment, true)
            .ok()?;
        Some(Timestamp::from_micros(last.timestamp().as_microsecond()))
    }

    /// The expression in words.
    pub(crate) fn words(&self) -> String {
        self.cron.words()
    }

    /// True for Bitbucket's seven fields.
    pub(crate) fn is_bitbucket(&self) -> bool {
        self.cron.is_quartz
    }

    /// A moment as the zone's clocks show it.
    pub(crate) fn shown(&self, moment: Timestamp) -> String {
        shown(moment, &self.zone)
    }
}

/// A moment as clocks in the zone of this name show it; in UTC where there is no such zone (any more).
pub(crate) fn shown_in(moment: Timestamp, zone: &str) -> String {
    shown(moment, &jiff::tz::db().get(zone).unwrap_or(TimeZone::UTC))
}

fn shown(moment: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(moment.as_micros()) {
        Ok(moment) => moment
            .to_zoned(zone.clone())
            .strftime("%a %-d %b %Y, %H:%M %Z")
            .to_string(),
        Err(_) => moment.to_string(),
    }
}

/// The names of time zones to choose from.
pub(crate) fn zone_names() -> Vec<String> {
    let names = jiff::tz::db().available().map(|name| name.to_string());
    let mut names: Vec<String> = names
        .filter(|name| {
            name.contains('/') && !name.starts_with("posix/") && !name.starts_with("right/")
        })
        .collect();
    names.sort();
    names.dedup();
    names.insert(0, UTC.to_owned());
    names
}

fn parser(is_quartz: bool) -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Optional)
        .year(Year::Optional)
        .alternative_weekdays(is_quartz)
        .sloppy_ranges(is_quartz)
        .build()
}

/// The fields, each with the character it begins at, from 1.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut fields: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (character, position) in text.chars().zip(1..) {
        match fields.last_mut() {
            _ if character.is_whitespace() => is_open = false,
            Some((_, field)) if is_open => field.push(character),
            _ => {
                fields.push((position, character.to_string()));
                is_open = true;
            }
        }
    }
    fields
}

/// Reads one field by itself, item by item, so that what is wrong has a place.
fn check(
    known: &[Field],
    index: usize,
    field: &str,
    start: usize,
    is_quartz: bool,
) -> Result<(), String> {
    let (name, low, high) = known[index];
    let mut at = start;
    for item in field.split(',') {
        let length = item.chars().count();
        let place = match length {
            0 | 1 => format!("character {at}"),
            _ => format!("characters {at} to {}", at + length - 1),
        };
        let what = format!("the {name} “{item}” ({place})");
        if name == "second" && (field.contains(',') || field.parse::<u32>().is_err()) {
            return Err(format!(
                "{} must be one number, such as 0: the times of a schedule are at least a minute apart.",
                capital(&what)
            ));
        }
        let mut alone: Vec<&str> = vec!["*"; known.len()];
        if is_quartz {
            alone[0] = "0";
        }
        alone[index] = item;
        if item.is_empty() {
            return Err(format!(
                "{} is empty; remove the comma, or write a {name} from {low} to {high}.",
                capital(&what)
            ));
        }
        if let Err(error) = parser(is_quartz).parse(&alone.join(" ")) {
            return Err(format!(
                "{} {}; a {name} is a number from {low} to {high}{}.",
                capital(&what),
                reason(&error.to_string()),
                names(name)
            ));
        }
        at += length + 1;
    }
    Ok(())
}

/// What croner has against it, as it follows the thing.
fn reason(error: &str) -> String {
    let error = error
        .trim_start_matches("Component error: ")
        .trim_start_matches("Invalid pattern: ")
        .trim_end_matches('.');
    match error {
        "Number out of bounds" => "is out of range".to_owned(),
        "Range out of bounds" => {
            "is a range that is out of bounds or ends before it begins".to_owned()
        }
        "Step cannot be zero" => "has a step of zero".to_owned(),
        "Nth specifier out of bounds" => {
            "asks for a week that no month has; use #1 to #5, or L for the last".to_owned()
        }
        _ if error.contains("illegal character") => {
            "holds something that has no meaning there".to_owned()
        }
        _ if error.contains("single number steps") => {
            "has a step without a range; write */10, or 5-59/10".to_owned()
        }
        _ => "cannot be read".to_owned(),
    }
}

fn names(field: &str) -> &'static str {
    match field {
        "month" => ", or JAN to DEC",
        "day of the week" => ", or SUN to SAT",
        _ => "",
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().collect::<String>())
        .unwrap_or_default()
        + characters.as_str()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::{Cron, MISSED_COUNTED, Timing};

    fn moment(text: &str) -> Timestamp {
        Timestamp::from_micros(
            text.parse::<jiff::Timestamp>()
                .expect("a moment")
                .as_microsecond(),
        )
    }

    fn next(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let timing = Timing::read(cron, zone).expect("an expression");
        timing
            .next_times(moment(from), count)
            .into_iter()
            .map(|time| time.to_string())
            .collect()
    }

    #[rstest]
    #[case("0 * * * *", "UTC", "2026-11-28T01:00:00.5Z", &["2026-11-28T02:00:00Z", "2026-11-28T03:00:00Z"])]
    #[case("30 2 * * MON-FRI", "UTC", "2026-11-28T01:00:00Z", &["2026-11-30T02:30:00Z", "2026-12-01T02:30:00Z"])]
    #[case("0 0 L * *", "Asia/Tokyo", "2026-11-28T01:00:00Z", &["2026-11-29T15:00:00Z", "2026-12-30T15:00:00Z"])]
    #[case("0 9 * * MON#2", "UTC", "2026-11-28T01:00:00Z", &["2026-12-14T09:00:00Z"])]
    #[case("0 0 29 2 *", "UTC", "2026-11-28T01:00:00Z", &["2028-02-29T00:00:00Z"])]
    // The clocks go forward: a time that does not exist fires once, when they have changed.
    #[case("30 2 * * *", "Europe/Berlin", "2026-03-28T22:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"])]
    #[case("30 2 * * *", "America/New_York", "2026-03-08T05:30:00Z", &["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"])]
    // The clocks go back: a time that comes twice fires the first time.
    #[case("30 2 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"])]
    #[case("30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", &["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"])]
    // Several times of day go by real hours: one that does not exist is left out, one that comes twice fires twice.
    #[case("30 2,14 * * *", "Europe/Berlin", "2026-03-28T22:00:00Z", &["2026-03-29T12:30:00Z", "2026-03-30T00:30:00Z"])]
    #[case("30 2,14 * * *", "Europe/Berlin", "2026-10-24T22:00:00Z", &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T13:30:00Z"])]
    // What is hourly goes by real hours, each once.
    #[case("0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", &["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"])]
    #[case("0 * * * *", "America/New_York", "2026-03-08T06:30:00Z", &["2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"])]
    // Bitbucket's own form: UTC whatever the zone, Sunday is day 1.
    #[case("0 30 7 * * MON-FRI *", "Europe/Berlin", "2026-11-28T01:00:00Z", &["2026-11-30T07:30:00Z", "2026-12-01T07:30:00Z"])]
    #[case("0 0 1 ? * 2 *", "UTC", "2026-11-28T01:00:00Z", &["2026-11-30T01:00:00Z"])]
    #[case("0 0/20 9 * * ? 2027", "UTC", "2026-11-28T01:00:00Z", &["2027-01-01T09:00:00Z", "2027-01-01T09:20:00Z"])]
    fn an_expression_has_its_times(
        #[case] cron: &str,
        #[case] zone: &str,
        #[case] from: &str,
        #[case] expected: &[&str],
    ) {
        assert_eq!(next(cron, zone, from, expected.len()), expected);
    }

    #[rstest]
    #[case("", "there is none")]
    #[case("* * * *", "there are 4")]
    #[case("0 * * * * *", "there are 6")]
    #[case(
        "60 * * * *",
        "The minute “60” (characters 1 to 2) is out of range; a minute is a number from 0 to 59."
    )]
    #[case("0 25 * * *", "The hour “25” (characters 3 to 4)")]
    #[case(
        "0  1,x * * *",
        "The hour “x” (character 6) holds something that has no meaning there"
    )]
    #[case("0 1, * * *", "The hour “” (character 5) is empty")]
    #[case("5/10 * * * *", "write */10, or 5-59/10")]
    #[case("*/0 * * * *", "a step of zero")]
    #[case("0 0 * * FRI-MON", "ends before it begins")]
    #[case("0 0 * * MON#6", "use #1 to #5")]
    #[case("0 0 * FOO *", "or JAN to DEC")]
    #[case("* 30 7 * * ? *", "at least a minute apart")]
    #[case("0,30 30 7 * * ? *", "at least a minute apart")]
    #[case("$(x) * * * *", "The minute “$(x)” (characters 1 to 4)")]
    fn mistakes_are_explained_where_they_stand(#[case] cron: &str, #[case] expected: &str) {
        let sentence = Cron::parse(cron).expect_err("a mistake").sentence;
        assert!(
            sentence.contains(expected) && sentence.ends_with('.'),
            "{sentence}"
        );
    }

    #[test]
    fn a_long_text_and_an_unknown_zone_are_refused_and_what_never_comes_has_no_time() {
        assert!(Cron::parse(&"1,".repeat(200)).is_err());
        assert!(
            Timing::read("0 0 * * *", "Mars/Base")
                .expect_err("no zone")
                .contains("Mars/Base")
        );
        assert_eq!(
            next("0 0 30 2 *", "UTC", "2026-11-28T01:00:00Z", 5),
            Vec::<String>::new()
        );
        assert_eq!(
            next("0 0 0 1 1 ? 2020", "UTC", "2026-11-28T01:00:00Z", 5),
            Vec::<String>::new()
        );
        assert!(
            super::zone_names().len() > 300,
            "the zones are in the program"
        );
    }

    #[test]
    fn of_the_times_that_were_missed_the_newest_counts() {
        let timing = Timing::read("*/10 * * * *", "UTC").expect("reads");
        let was = moment("2026-11-28T01:00:00Z");
        let due = timing.due(was, moment("2026-11-28T01:35:00Z"));
        assert_eq!(
            (due.newest, due.missed, due.next),
            (
                moment("2026-11-28T01:30:00Z"),
                3,
                Some(moment("2026-11-28T01:40:00Z"))
            )
        );
        let punctual = timing.due(was, was);
        assert_eq!(
            (punctual.newest, punctual.missed, punctual.next),
            (was, 0, Some(moment("2026-11-28T01:10:00Z")))
        );
        let years = timing.due(was, moment("2030-01-01T00:05:00Z"));
        assert_eq!(
            (years.newest, years.missed),
            (moment("2030-01-01T00:00:00Z"), MISSED_COUNTED)
        );
    }

    fn field(low: u32, high: u32) -> impl Strategy<Value = String> {
        prop_oneof![
            4 => Just("*".to_owned()),
            2 => (low..=high).prop_map(|number| number.to_string()),
            1 => (2_u32..20).prop_map(|step| format!("*/{step}")),
            1 => (low..=high, low..=high).prop_map(|(one, other)| format!("{}-{}", one.min(other), one.max(other))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn times_come_after_now_and_each_after_the_one_before_a_minute_apart_at_least(
            cron in (field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
                .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}")),
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
            seconds in 1_700_000_000_i64..1_900_000_000,
        ) {
            let timing = Timing::read(&cron, zone).expect("an expression");
            let mut last = Timestamp::from_seconds(seconds);
            let mut is_first = true;
            for time in timing.next_times(last, 4) {
                prop_assert!(time > last, "{cron} in {zone}: {time} after {last}");
                prop_assert!(is_first || time.since(last) >= Duration::from_mins(1));
                (last, is_first) = (time, false);
            }
        }

        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,40}", fields in "[0-9*,/#LW?A-Z -]{0,40}") {
            for text in [text, fields] {
                if let Err(mistake) = Cron::parse(&text) {
                    prop_assert!(mistake.sentence.ends_with('.'));
                }
            }
        }
    }
}
