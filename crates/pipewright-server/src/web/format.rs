//! Moments, durations and sizes as people say them.

use std::time::Duration;

use pipewright_core::Timestamp;

/// How long ago that was: `just now`, `40 s ago`, `12 min ago`, `3 h ago`, `yesterday`, `5 days ago`, `2026-03-04`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.since(then).as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => format!("{} days ago", seconds / 86_400),
        _ => then.to_string().chars().take(10).collect(),
    }
}

/// How long that takes: `0.4 ms`, `180 ms`, `14 s`, `1 m 52 s`, `2 h 03 m`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if (1..10_000).contains(&duration.as_micros()) => {
            format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
        }
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A number of bytes: `512 B`, `3.4 kB`, `12 MB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = larger;
    }
    if value < 10.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// A number with its noun, in the plural where there is not exactly one: `1 build`, `3 branches`, `0 deliveries`. The
/// noun's last word is the one that changes: `1 more step`, `2 more steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {}", plural(noun))
    }
}

/// An English noun's plural; regular ones only, which ours are.
fn plural(noun: &str) -> String {
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| noun.ends_with(ending));
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if ends_in(&["s", "x", "z", "ch", "sh"]) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// How often: `once`, `twice`, `3 times`.
pub(crate) fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

/// A moment as it is exact enough for people: `2026-11-30 14:05:09 UTC`.
pub(crate) fn exact(moment: Timestamp) -> String {
    let text = moment.to_string();
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..8).unwrap_or(time)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipewright_core::Timestamp;

    #[test]
    fn moments_are_said_as_people_do() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (seconds, expected) in [
            (0, "just now"),
            (40, "40 s ago"),
            (61, "1 min ago"),
            (7200, "2 h ago"),
            (90_000, "yesterday"),
            (200_000, "2 days ago"),
            (90_000_000, "2024-03-09"),
        ] {
            assert_eq!(
                super::ago(now, now - Duration::from_secs(seconds)),
                expected
            );
        }
        assert_eq!(
            super::ago(now, now + Duration::from_mins(1)),
            "just now",
            "a clock that was set back"
        );
    }

    #[test]
    fn durations_and_sizes_are_said_as_people_do() {
        assert_eq!(super::duration(Duration::from_micros(420)), "0.4 ms");
        for (millis, expected) in [
            (0, "0 ms"),
            (180, "180 ms"),
            (14_200, "14 s"),
            (112_000, "1 m 52 s"),
            (7_380_000, "2 h 03 m"),
        ] {
            assert_eq!(super::duration(Duration::from_millis(millis)), expected);
        }
        for (bytes, expected) in [
            (512, "512 B"),
            (3400, "3.4 kB"),
            (12_345_678, "12 MB"),
            (1_000_000_000, "1.0 GB"),
        ] {
            assert_eq!(super::bytes(bytes), expected);
        }
        assert_eq!(
            (super::count(1, "build"), super::count(2, "build")),
            ("1 build".to_owned(), "2 builds".to_owned())
        );
        for (noun, expected) in [
            ("branch", "0 branches"),
            ("delivery", "0 deliveries"),
            ("day", "0 days"),
            ("more status", "0 more statuses"),
        ] {
            assert_eq!(super::count(0, noun), expected);
        }
        let said: Vec<_> = [1, 2, 3].map(super::times).into();
        assert_eq!(said, ["once", "twice", "3 times"]);
        assert_eq!(
            super::exact(Timestamp::from_micros(1_800_000_000_123_456)),
            "2027-01-15 08:00:00 UTC"
        );
    }
}
