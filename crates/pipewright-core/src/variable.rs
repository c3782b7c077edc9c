//! What may be the name of a variable, in one place for files, forms and scripts.

/// True for ASCII letters, digits and `_`, not beginning with a digit: what every shell takes
/// (bitbucket-pipelines-yml.md §6).
pub fn is_variable_name(name: &str) -> bool {
    name.bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::is_variable_name;

    #[test]
    fn names_are_what_shells_take() {
        for good in ["A", "_", "a1", "DEPLOY_TOKEN"] {
            assert!(is_variable_name(good), "{good}");
        }
        for bad in ["", "1A", "A-B", "A B", "Ä", "A=", "$A", "A\0"] {
            assert!(!is_variable_name(bad), "{bad:?}");
        }
    }
}
