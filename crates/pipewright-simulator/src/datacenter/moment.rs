//! Dates the way Data Center writes them: three forms, depending on where and in which version.

use jiff::Timestamp;
use serde::Serialize;

use super::version::Version;

/// A date inside an answer or a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Moment {
    /// Epoch milliseconds: every REST answer, and payloads up to 9.x.
    Millis(i64),
    /// `2026-05-24T14:11:04.000Z`: payloads of 10.x.
    Iso(String),
}

impl Moment {
    /// As REST answers have it.
    pub(super) fn rest(at: Timestamp) -> Self {
        Self::Millis(at.as_millisecond())
    }

    /// As a payload of `version` has it.
    pub(super) fn payload(at: Timestamp, version: Version) -> Self {
        if version.iso_dates_in_payloads() {
            Self::Iso(at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        } else {
            Self::rest(at)
        }
    }
}

/// The top-level `date` of a payload: an offset without a colon, which is not RFC 3339.
pub(super) fn payload_date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_three_forms() {
        let at = Timestamp::from_millisecond(1_530_814_920_000).expect("a date in range");
        assert_eq!(payload_date(at), "2018-07-05T18:22:00+0000");
        assert_eq!(
            Moment::payload(at, Version::new(9, 4, 0)),
            Moment::Millis(1_530_814_920_000)
        );
        let iso = Moment::payload(at, Version::new(10, 3, 0));
        assert_eq!(iso, Moment::Iso("2018-07-05T18:22:00.000Z".to_owned()));
    }
}
