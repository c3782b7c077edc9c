//! Decoding that asks for nothing it does not use: null means absent, what has another shape than it ever had counts as
//! absent, and one odd element never stops a list.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The value, or its default where it is null or of another shape.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The elements that can be read; none where there is no list.
pub(crate) fn each<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(values) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    let mut read = Vec::with_capacity(values.len());
    let mut odd = 0_usize;
    for value in values {
        match serde_json::from_value(value) {
            Ok(element) => read.push(element),
            Err(_) => odd += 1,
        }
    }
    if odd > 0 {
        tracing::warn!(
            odd,
            "a list of Bitbucket's has entries that cannot be read; they are left out"
        );
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Lists {
        #[serde(deserialize_with = "super::each")]
        numbers: Vec<u8>,
        #[serde(deserialize_with = "super::or_default")]
        word: Option<String>,
    }

    #[test]
    fn null_is_absent_and_an_odd_element_is_left_out() {
        let read = |text: &str| serde_json::from_str::<Lists>(text).expect("reads");
        for absent in [
            "{}",
            r#"{"numbers": null, "word": null}"#,
            r#"{"numbers": 7, "word": {}}"#,
        ] {
            assert_eq!(read(absent), Lists::default(), "{absent}");
        }
        assert_eq!(read(r#"{"numbers": [1, null, "x", 2]}"#).numbers, [1, 2]);
    }
}
