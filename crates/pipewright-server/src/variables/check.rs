//! What may be a variable. No I/O.

use pipewright_core::{Secret, is_variable_name};

/// The longest name, in characters.
const LONGEST_NAME: usize = 128;

/// The longest value, in bytes. A process takes 128 KiB a variable at most, and 2 MiB of all.
const LONGEST_VALUE: usize = 32 * 1024;

/// The longest name of an environment, in characters.
const LONGEST_ENVIRONMENT: usize = 100;

/// The name, or a sentence that says what is wrong with it (bitbucket-pipelines-yml.md §6).
pub(super) fn checked_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("Give the variable a name.".to_owned());
    }
    if !is_variable_name(name) {
        return Err(
            "A name has letters, digits and _ only, and does not begin with a digit: DEPLOY_TOKEN."
                .to_owned(),
        );
    }
    if name.len() > LONGEST_NAME {
        return Err(format!(
            "The name is longer than {LONGEST_NAME} characters; shorten it."
        ));
    }
    Ok(name.to_owned())
}

/// The value with the line ends that scripts expect, or a sentence that says what is wrong with it.
pub(super) fn checked_value(text: &str) -> Result<Secret, String> {
    if text.contains('\0') {
        return Err("The value contains a zero byte, which no process can be given; encode it, in base64 for one.".to_owned());
    }
    if text.len() > LONGEST_VALUE {
        let is = text.len();
        return Err(format!(
            "The value has {is} bytes; the limit is {LONGEST_VALUE}. Keep something that large in a file of the runner."
        ));
    }
    // A browser sends every line end of a form as CR LF.
    Ok(Secret::new(text.replace("\r\n", "\n")))
}

/// The environment, none for an empty one, or a sentence that says what is wrong with it.
pub(super) fn checked_environment(text: &str) -> Result<Option<String>, String> {
    let name = text.trim();
    if name.chars().any(char::is_control) || name.chars().count() > LONGEST_ENVIRONMENT {
        return Err(format!(
            "An environment's name is one line of at most {LONGEST_ENVIRONMENT} characters, as the pipeline file has it."
        ));
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{checked_environment, checked_name, checked_value};

    #[test]
    fn names_are_those_of_environment_variables() {
        for good in ["A", "_x1", " TOKEN "] {
            assert_eq!(checked_name(good).as_deref(), Ok(good.trim()));
        }
        for bad in [
            "",
            " ",
            "1A",
            "A-B",
            "A B",
            "Ä",
            "A=B",
            "A\0",
            &"A".repeat(129),
        ] {
            assert!(
                checked_name(bad).is_err_and(|sentence| sentence.ends_with(['.', 'N'])),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn values_are_text_with_the_line_ends_of_scripts() {
        assert_eq!(
            checked_value("a\r\nb\n").expect("a value").expose(),
            "a\nb\n"
        );
        assert!(checked_value("").is_ok(), "an empty variable is one");
        assert!(checked_value("a\0").is_err());
        assert!(checked_value(&"x".repeat(32 * 1024)).is_ok());
        assert!(checked_value(&"x".repeat(32 * 1024 + 1)).is_err());
    }

    #[test]
    fn environments_are_named_as_in_the_file() {
        assert_eq!(
            checked_environment(" Production "),
            Ok(Some("Production".to_owned()))
        );
        assert_eq!(checked_environment(" "), Ok(None));
        assert!(checked_environment("a\nb").is_err());
    }
}
