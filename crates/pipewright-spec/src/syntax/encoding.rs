//! Bytes → text, or a sentence that says which encoding was found and how to change it.

use super::source::Source;
use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::limits::MAX_FILE_BYTES;

const TOP: Span = Span {
    line: 1,
    column: 1,
    start: 0,
    end: 0,
};

/// The text, and a warning where bytes before it were ignored. On refusal, what could be read of the text for drawing
/// the problem.
pub(crate) fn decode(bytes: &[u8]) -> (Source, Vec<Diagnostic>) {
    let refused = |diagnostic: Diagnostic| (Source::new(String::new()), vec![diagnostic]);
    let error = |code, message: String| Diagnostic::new(Severity::Error, code, message, TOP);
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!(
            "the file has {} bytes; a pipeline file may have at most {MAX_FILE_BYTES} (1 MiB)",
            bytes.len()
        );
        return refused(
            error(Code::TooLarge, message)
                .with_help("move long scripts into files of the repository and call them"),
        );
    }
    if let Some(encoding) = utf16_or_32(bytes) {
        return refused(
            error(Code::NotUtf8, format!("the file is {encoding} text, not UTF-8"))
                .with_help("save it as UTF-8: in the editor's \"save with encoding\", or with `iconv -t UTF-8`"),
        );
    }
    let (bytes, mut warnings) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            let warning = Diagnostic::new(
                Severity::Warning,
                Code::ByteOrderMark,
                "the file begins with a byte-order mark, which is ignored",
                TOP,
            )
            .with_help("save the file as UTF-8 without byte-order mark (BOM)");
            (rest, vec![warning])
        }
        None => (bytes, Vec::new()),
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(invalid) => {
            let at = invalid.valid_up_to();
            let byte = bytes.get(at).copied().unwrap_or_default();
            let source = Source::new(String::from_utf8_lossy(bytes).into_owned());
            let span = source.span(at as u32, at as u32 + 3);
            let message = format!("the byte {byte:#04x} is not UTF-8 text");
            let problem = Diagnostic::new(Severity::Error, Code::NotUtf8, message, span)
                .with_help("save the file as UTF-8; this looks like Latin-1 or Windows-1252");
            return (source, vec![problem]);
        }
    };
    let source = Source::new(text);
    if let Some((at, control)) = source.text.char_indices().find(|(_, character)| {
        character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
    }) {
        let span = source.span(at as u32, at as u32 + 1);
        let message = format!(
            "the control character U+{:04X} is not allowed in YAML",
            u32::from(control)
        );
        let help = match control {
            '\0' => "remove it".to_owned(),
            _ => format!(
                "remove it, or write it as an escape in double quotes: \"\\x{:02x}\"",
                u32::from(control)
            ),
        };
        warnings.push(
            Diagnostic::new(Severity::Error, Code::ControlCharacter, message, span).with_help(help),
        );
    }
    (source, warnings)
}

/// Recognises the other Unicode encodings by their mark, or by the zero bytes that ASCII text has in them.
fn utf16_or_32(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] => Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big-endian)"),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some("UTF-16 (little-endian)"),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some("UTF-16 (big-endian)"),
        _ => None,
    }
}
