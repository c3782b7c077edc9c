//! What may be the name of a variable, and how values are put into text, in one place for files, forms and scripts.

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

/// Puts values in the place of `$NAME` and `${NAME}`. Nothing else is special, and a value is not looked at again.
pub fn expand(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (inside, braced) = after
            .strip_prefix('{')
            .map_or((after, false), |inside| (inside, true));
        let length = inside
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let (name, tail) = inside.split_at(length);
        let tail = if braced {
            tail.strip_prefix('}')
        } else {
            Some(tail)
        };
        match tail {
            Some(tail)
                if !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) =>
            {
                expanded.push_str(&value_of(name).unwrap_or_default());
                rest = tail;
            }
            _ => {
                expanded.push('$');
                rest = after;
            }
        }
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{expand, is_variable_name};

    #[rstest]
    #[case("deploy-$BRANCH", "deploy-main")]
    #[case("$BRANCH/${BRANCH}x$BRANCHx", "main/mainx")]
    #[case("a$", "a$")]
    #[case("$1 ${BRANCH $( ${} $$BRANCH", "$1 ${BRANCH $( ${} $main")]
    #[case("$NESTED", "$BRANCH")]
    #[case("plain", "plain")]
    fn variables_are_put_in(#[case] text: &str, #[case] expected: &str) {
        let value_of = |name: &str| match name {
            "BRANCH" => Some("main".to_owned()),
            "NESTED" => Some("$BRANCH".to_owned()),
            _ => None,
        };
        assert_eq!(expand(text, &value_of), expected);
    }

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
