//! Any text as an expression: it is read or refused at a place inside of it, and what is read has an answer or a reason
//! for none, for any values of its variables.
#![no_main]

mod cost;

use libfuzzer_sys::fuzz_target;
use pipewright_spec::Expression;

fuzz_target!(|text: &str| {
    // The last line is the value of every variable.
    let (text, value) = text.rsplit_once('\n').unwrap_or((text, ""));
    cost::bounded(|| match text.parse::<Expression>() {
        Ok(expression) => {
            let answers =
                [None, Some(value.to_owned())].map(|value| expression.evaluate(&|_| value.clone()));
            for answer in answers {
                if let Err(error) = answer {
                    assert!(!error.to_string().is_empty());
                }
            }
        }
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{error:?}");
            assert!(
                !error.reason.is_empty()
                    && !error.help.is_empty()
                    && !error.to_string().contains('\n'),
                "{error:?}"
            );
        }
    });
});
