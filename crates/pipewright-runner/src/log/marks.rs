//! The marks by which a log is folded: which command printed what.
//!
//! Before each command the script prints 0x1D (group separator) and a word that only this attempt has, see
//! `executor::script`. What leaves for the log is 0x1D alone, and nothing else leaves one: a byte 0x1D that somebody's
//! program printed, or a mark with another attempt's word, is ordinary text, and the byte, which no terminal shows, is left
//! out. This is done before secrets are looked for, so that no secret is put together by leaving a byte out.

use bytes::{BufMut, BytesMut};

/// What begins a command's line in a kept log.
pub(super) const COMMAND_MARK: u8 = 0x1d;

/// One attempt's marks, recognised in a stream also where reads cut them.
#[derive(Debug)]
pub(super) struct Marks {
    /// 0x1D and the word.
    mark: Vec<u8>,
    /// Read last, and perhaps the beginning of a mark.
    held: Vec<u8>,
}

impl Marks {
    /// Marks with a word that nobody can guess.
    pub(super) fn new() -> Self {
        let mut random = [0; 8];
        // A system without random bytes starts no server; where it loses them later a script could fold its own log, no more.
        let _ = getrandom::fill(&mut random);
        Self::with_word(&format!("m{:016x}", u64::from_ne_bytes(random)))
    }

    fn with_word(word: &str) -> Self {
        let mut mark = vec![COMMAND_MARK];
        mark.extend_from_slice(word.as_bytes());
        Self {
            mark,
            held: Vec::new(),
        }
    }

    /// The word: ASCII letters and digits, a letter first.
    pub(super) fn word(&self) -> &str {
        std::str::from_utf8(&self.mark[1..]).unwrap_or_default()
    }

    /// Settles what was read into `text` behind `from`. The beginning of what may be a mark is held back until more is read.
    pub(super) fn settle(&mut self, text: &mut BytesMut, from: usize) {
        if self.held.is_empty() && !text[from..].contains(&COMMAND_MARK) {
            return;
        }
        let mut read = std::mem::take(&mut self.held);
        read.extend_from_slice(&text[from..]);
        text.truncate(from);
        let mut rest = &read[..];
        while let Some(place) = rest.iter().position(|byte| *byte == COMMAND_MARK) {
            text.put_slice(&rest[..place]);
            rest = &rest[place..];
            if rest.len() < self.mark.len() && self.mark.starts_with(rest) {
                self.held = rest.to_vec();
                return;
            }
            if let Some(behind) = rest.strip_prefix(&self.mark[..]) {
                text.put_u8(COMMAND_MARK);
                rest = behind;
            } else {
                rest = &rest[1..];
            }
        }
        text.put_slice(rest);
    }

    /// Nothing more comes: what was held back is ordinary text.
    pub(super) fn end(&mut self, text: &mut BytesMut) {
        if let Some((_, word)) = std::mem::take(&mut self.held).split_first() {
            text.put_slice(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::Marks;

    /// What leaves of a text that is read in pieces of `size`.
    fn settled(text: &str, size: usize) -> String {
        let mut marks = Marks::with_word("m77");
        let mut out = BytesMut::new();
        for piece in text.as_bytes().chunks(size) {
            let from = out.len();
            out.extend_from_slice(piece);
            marks.settle(&mut out, from);
        }
        marks.end(&mut out);
        String::from_utf8(out.to_vec()).expect("UTF-8")
    }

    #[test]
    fn a_mark_with_the_right_word_alone_is_one_at_every_cut() {
        let text = "\x1dm77+ make\nok\n\x1d+ forged\n\x1dm78+ forged\n\x1d\x1dm77+ true\nm77 \x1d\x1d end \x1dm7";
        let expected = "\x1d+ make\nok\n+ forged\nm78+ forged\n\x1d+ true\nm77  end m7";
        for size in 1..=text.len() {
            assert_eq!(settled(text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn words_differ_and_a_shell_prints_them_as_they_are() {
        let (one, other) = (Marks::new(), Marks::new());
        assert_ne!(one.word(), other.word());
        assert!(
            one.word().starts_with('m')
                && one.word().bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{}",
            one.word()
        );
    }
}
