//! Variables that a person gives to a build: read from text, and held within limits. No I/O.
//!
//! Whether a value is allowed is the pipeline's to say; see [`super::Choices::refused`].

use pipewright_core::is_variable_name;

/// How many variables a build may be given.
pub(crate) const MOST_VARIABLES: usize = 100;

/// The longest name of a variable, in bytes.
const LONGEST_NAME: usize = 200;

/// The longest value of a variable, in bytes.
const LONGEST_VALUE: usize = 32 * 1024;

/// The most sentences about one text: who reads so many has seen what is wrong with it.
const MOST_SENTENCES: usize = 10;

/// Reads `NAME=value` lines; empty lines and those that begin with `#` are passed over. Each line that is none is a sentence
/// with its number.
pub(crate) fn read_lines(text: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut read: Vec<(String, String)> = Vec::new();
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            wrong.push(format!(
                "Line {number} of the other variables is not NAME=value; write one variable a line."
            ));
            continue;
        };
        let name = name.trim();
        if !is_variable_name(name) {
            wrong.push(format!(
                "Line {number} of the other variables: “{}” cannot be the name of a variable; use letters, digits and _, and no digit first.",
                shortened(name)
            ));
        } else if read.iter().any(|(other, _)| other == name) {
            wrong.push(format!(
                "{name} is given twice, the second time in line {number} of the other variables; remove one of them."
            ));
        } else {
            read.push((name.to_owned(), value.to_owned()));
        }
    }
    wrong.truncate(MOST_SENTENCES);
    (read, wrong)
}

/// As [`read_lines`] reads it back. Values with line breaks cannot be written this way and are not among them.
pub(crate) fn as_lines(variables: &[(String, String)]) -> String {
    let lines: Vec<String> = variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.join("\n")
}

/// Everything that is wrong with variables as such, whatever the pipeline says of them.
pub(crate) fn check(variables: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    if variables.len() > MOST_VARIABLES {
        wrong.push(format!(
            "A build can have at most {MOST_VARIABLES} variables; {} were given.",
            variables.len()
        ));
    }
    for (name, value) in variables {
        if !is_variable_name(name) || name.len() > LONGEST_NAME {
            wrong.push(format!(
                "“{}” cannot be the name of a variable; use letters, digits and _, no digit first, at most {LONGEST_NAME} of them.",
                shortened(name)
            ));
        }
        if value.len() > LONGEST_VALUE {
            wrong.push(format!(
                "The value of {name} is longer than {LONGEST_VALUE} bytes; put it into a file of the repository."
            ));
        }
        if value.contains('\0') {
            wrong.push(format!(
                "The value of {name} holds a zero byte, which no program can be given; remove it."
            ));
        }
    }
    wrong.truncate(MOST_SENTENCES);
    wrong
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::{MOST_VARIABLES, as_lines, check, read_lines};

    #[test]
    fn lines_are_read_and_written_alike() {
        let (read, wrong) = read_lines("A=1\r\n\n# not this\n _b = x=y \nC=");
        assert!(wrong.is_empty(), "{wrong:?}");
        let expected = [("A", "1"), ("_b", " x=y "), ("C", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, expected);
        assert_eq!(read_lines(&as_lines(&read)), (read, Vec::new()));
    }

    #[test]
    fn what_is_no_variable_is_named_with_its_line() {
        for (text, expected) in [
            ("A=1\nB", "Line 2"),
            ("1A=x", "Line 1"),
            ("$(x)=1", "$(x)"),
            ("=1", "Line 1"),
            ("A=1\nA=2", "twice"),
        ] {
            let (_, refused) = read_lines(text);
            assert!(
                refused.len() == 1 && refused[0].contains(expected),
                "{text:?}: {refused:?}"
            );
        }
        let (read, wrong) = read_lines("A\nB=1\n2C=3\nB=2");
        assert_eq!(read, [("B".to_owned(), "1".to_owned())]);
        assert_eq!(wrong.len(), 3, "every line is said at once: {wrong:?}");
    }

    #[test]
    fn limits_hold() {
        let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert!(check(&one("A", "größe\n$(x)")).is_empty());
        for refused in [
            one("A B", "x"),
            one("A", &"x".repeat(40_000)),
            one("A", "a\0b"),
            one(&"A".repeat(300), ""),
        ] {
            assert!(!check(&refused).is_empty(), "{refused:?}");
        }
        let many: Vec<_> = (0..=MOST_VARIABLES)
            .map(|number| (format!("A{number}"), String::new()))
            .collect();
        assert!(!check(&many).is_empty());
    }
}
