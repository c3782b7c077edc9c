//! The key of a build status: readable, stable, at most 40 characters for any names (trap T3).

use std::fmt;

use pipewright_core::RefName;
use sha2::{Digest, Sha256};

/// Cloud refuses longer keys with 400.
const MAX_KEY: usize = 40;
/// Hexadecimal digits of the hash at the end: 64 bits, so that two keys of one commit do not meet by accident.
const HASH_DIGITS: usize = 16;

/// The key of a build status. The same application, pipeline and ref always give the same key, so that a rerun
/// overwrites the status of the run before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatusKey(String);

impl StatusKey {
    /// The key for one application's pipeline on one ref. `application` is its lasting id, `name` what people call it
    /// (readable part only), `pipeline` the pipeline's name in the file ("default", "branches/main", "pull-requests/**").
    pub fn new(application: &str, name: &str, pipeline: &str, reference: Option<&RefName>) -> Self {
        let mut hash = Sha256::new();
        for part in [application, pipeline, reference.map_or("", RefName::full)] {
            // Lengths keep ("ab", "c") and ("a", "bc") apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hex::encode(hash.finalize());
        let readable = readable(name, MAX_KEY - HASH_DIGITS - 1);
        Self(format!("{readable}-{}", &digest[..HASH_DIGITS]))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StatusKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// "pipewright-" and as much of the name as fits, in lower-case letters, digits and single dashes.
fn readable(name: &str, max: usize) -> String {
    let mut text = String::from("pipewright");
    let mut gap = true;
    for character in name.chars() {
        if text.len() + 2 > max {
            break;
        }
        if character.is_ascii_alphanumeric() {
            if gap {
                text.push('-');
            }
            gap = false;
            text.push(character.to_ascii_lowercase());
        } else {
            gap = true;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use pipewright_core::RefName;
    use proptest::prelude::*;

    use super::{MAX_KEY, StatusKey};

    #[test]
    fn t3_a_key_is_readable_and_stable() {
        let main = RefName::branch("main").expect("a name");
        let key = StatusKey::new("app-1", "Acme Site", "default", Some(&main));
        // Statuses at Bitbucket outlive our releases: a change of this text would leave old ones open for ever.
        assert_eq!(key.as_str(), "pipewright-acme-site-8a2ad66b96740c1b");
        let long = StatusKey::new(
            "app-1",
            "A very long name of an application",
            "default",
            Some(&main),
        );
        assert_eq!(long.as_str(), "pipewright-a-very-long-8a2ad66b96740c1b");
    }

    #[test]
    fn t18_one_key_per_pipeline_and_ref() {
        let refs = ["main", "release", "a/b"].map(|name| RefName::branch(name).expect("a name"));
        let mut keys = HashSet::new();
        for reference in &refs {
            for pipeline in ["default", "branches/main"] {
                keys.insert(StatusKey::new("app", "name", pipeline, Some(reference)));
            }
        }
        keys.insert(StatusKey::new("app", "name", "default", None));
        keys.insert(StatusKey::new("other", "name", "default", None));
        assert_eq!(keys.len(), 8);
    }

    proptest! {
        #[test]
        fn t3_any_unicode_names_give_a_plain_key_of_at_most_40(application in ".*", name in "\\PC*", pipeline in ".*") {
            let key = StatusKey::new(&application, &name, &pipeline, None);
            prop_assert!(key.as_str().len() <= MAX_KEY);
            prop_assert!(key.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
            prop_assert!(key.as_str().starts_with("pipewright-"));
        }

        #[test]
        fn t3_renaming_the_pipeline_changes_the_key(one in ".*", other in ".*") {
            prop_assume!(one != other);
            prop_assert_ne!(StatusKey::new("a", "n", &one, None), StatusKey::new("a", "n", &other, None));
        }
    }
}
