//! Dates, in the forms that the products have used: ISO 8601 with offset (`+00:00`, `+0000`, `Z`) and milliseconds as a
//! number or as text. A date that cannot be read is none: it never loses an event.

use jiff::fmt::strtime;
use pipewright_core::Timestamp;
use serde_json::Value;

/// Reads a date given as text.
pub(crate) fn read_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(milliseconds) = text.parse::<i64>() {
        return milliseconds.checked_mul(1_000).map(Timestamp::from_micros);
    }
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        // Offsets without a colon, with and without fractions of a second.
        let parsed = strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text);
        parsed.ok()?.to_timestamp().ok()
    })?;
    Some(Timestamp::from_micros(moment.as_microsecond()))
}

/// Reads a date given as a number or as text.
pub(crate) fn read_date_value(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => number
            .as_i64()?
            .checked_mul(1_000)
            .map(Timestamp::from_micros),
        Value::String(text) => read_date(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::{read_date, read_date_value};

    #[rstest]
    #[case(json!("2018-07-05T18:22:00+0000"), "2018-07-05T18:22:00Z")]
    #[case(json!("2025-09-22T13:36:11+0300"), "2025-09-22T10:36:11Z")]
    #[case(json!("2017-03-03T17:14:49+00:00"), "2017-03-03T17:14:49Z")]
    #[case(json!("2018-09-21T14:57:59.455870+00:00"), "2018-09-21T14:57:59.45587Z")]
    #[case(json!("2026-05-24T14:11:04.000Z"), "2026-05-24T14:11:04Z")]
    #[case(json!("2026-05-24T14:11:04.250+0200"), "2026-05-24T12:11:04.25Z")]
    #[case(json!(1_530_720_102_000_i64), "2018-07-04T16:01:42Z")]
    #[case(json!("1530720102000"), "2018-07-04T16:01:42Z")]
    fn every_form_is_read(#[case] value: serde_json::Value, #[case] moment: &str) {
        assert_eq!(read_date_value(&value).expect("a date").to_string(), moment);
    }

    #[rstest]
    #[case(json!(null))]
    #[case(json!("yesterday"))]
    #[case(json!(""))]
    #[case(json!(9_223_372_036_854_775_807_i64))]
    #[case(json!({}))]
    fn what_is_no_date_is_none(#[case] value: serde_json::Value) {
        assert_eq!(read_date_value(&value), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = read_date(&text);
        }
    }
}
