//! The text of a file and where its lines begin.

use super::node::Place;
use crate::diagnostic::Span;

/// A file's text, as decoded.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) text: String,
    line_starts: Vec<u32>,
}

impl Source {
    pub(crate) fn new(text: String) -> Self {
        let mut line_starts = vec![0];
        let bytes = text.as_bytes();
        for (index, byte) in bytes.iter().enumerate() {
            // As YAML counts lines: a carriage return alone ends one too.
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n')) {
                line_starts.push(index as u32 + 1);
            }
        }
        Self { text, line_starts }
    }

    /// 1-based line of a byte.
    pub(crate) fn line(&self, byte: u32) -> u32 {
        self.line_starts.partition_point(|start| *start <= byte) as u32
    }

    /// The line's text without its end; `line` is 1-based.
    pub(crate) fn line_text(&self, line: u32) -> &str {
        let index = line.saturating_sub(1) as usize;
        let Some(start) = self.line_starts.get(index) else {
            return "";
        };
        let end = self
            .line_starts
            .get(index + 1)
            .map_or(self.text.len(), |end| *end as usize);
        self.text
            .get(*start as usize..end)
            .unwrap_or("")
            .trim_end_matches(['\n', '\r'])
    }

    /// The first byte of a 1-based line.
    pub(crate) fn line_start(&self, line: u32) -> u32 {
        self.line_starts
            .get(line.saturating_sub(1) as usize)
            .copied()
            .unwrap_or(self.text.len() as u32)
    }

    pub(crate) fn lines(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// The place as people count, on character boundaries. Costs the length of the line, so it is made for what is
    /// shown and not for every value.
    pub(crate) fn span(&self, start: u32, end: u32) -> Span {
        let start = self.boundary(start as usize);
        let end = self.boundary(end as usize).max(start);
        let line = self.line(start as u32);
        let line_start = self.line_start(line) as usize;
        let column = self.text[line_start..start]
            .bytes()
            .filter(|byte| byte & 0xc0 != 0x80)
            .count() as u32
            + 1;
        Span {
            line,
            column,
            start,
            end,
        }
    }

    /// Where a value is written.
    pub(crate) fn defined(&self, place: Place) -> Span {
        self.span(place.start, place.end)
    }

    /// Where a value is used, if that is elsewhere.
    pub(crate) fn used(&self, place: Place) -> Option<Span> {
        place.via.map(|(start, end)| self.span(start, end))
    }

    /// The text of a place.
    pub(crate) fn text_of(&self, place: Place) -> &str {
        self.text
            .get(self.boundary(place.start as usize)..self.boundary(place.end as usize))
            .unwrap_or("")
    }

    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn columns_are_characters() {
        let source = Source::new("é: ü\r\nb: c\rd".to_owned());
        let span = source.span(4, 6);
        assert_eq!((span.line, span.column), (1, 4));
        assert_eq!(source.line_text(1), "é: ü");
        assert_eq!(source.line_text(2), "b: c");
        assert_eq!(source.line_text(3), "d");
        let span = source.span(9999, 3);
        assert_eq!((span.line, span.start, span.end), (3, 14, 14));
    }
}
