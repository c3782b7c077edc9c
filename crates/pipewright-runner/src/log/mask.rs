//! Replaces secrets in a stream of bytes, also where they are cut by the borders of reads.
//!
//! Overlapping secrets are masked as one stretch, so that no rest of the second remains. What could be the beginning
//! of a secret at the end of what was read is held back until more has come, and only that: a prompt without a line
//! end appears at once unless it happens to begin like a secret.
//!
//! Secrets are looked for in a view of the text without single line ends, so that what a tool wrapped is found: `base64` and
//! `xxd` break long lines anywhere, and a private key may come with other line ends than it went. An empty line ends every
//! secret that does not have one itself.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use bytes::{BufMut, BytesMut};
use pipewright_core::Secret;

use super::forms::{SHORTEST, forms};
use super::marks::COMMAND_MARK;

/// What stands for a secret whose name is not known.
const UNNAMED: &[u8] = b"***";

/// A form shorter than this is not looked for across a line end, where ordinary lines would make it up.
const SHORTEST_WRAPPED: usize = 12;

/// The secrets of one attempt, ready to be looked for.
#[derive(Debug, Clone)]
pub struct Masker {
    inner: Option<Arc<Inner>>,
    refused: usize,
}

struct Inner {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    longest: usize,
    first_bytes: [bool; 256],
}

/// What is looked for.
struct Pattern {
    /// Without single line ends.
    form: Vec<u8>,
    /// What stands in its place.
    shown: Arc<[u8]>,
    /// Whether it may go over a line end.
    wraps: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} patterns", self.patterns.len())
    }
}

impl Masker {
    /// Looks for `secrets` and their encoded forms. A secret that is the value of a variable is shown as `$NAME`.
    pub fn new(secrets: &[Secret], environment: &[(String, String)]) -> Self {
        let mut patterns: Vec<Pattern> = Vec::new();
        let mut refused = 0;
        for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
            let name = environment
                .iter()
                .find(|(_, value)| value == secret.expose())
                .map(|(name, _)| format!("${name}").into_bytes());
            let shown: Arc<[u8]> = name.unwrap_or_else(|| UNNAMED.to_vec()).into();
            let mut forms = forms(secret.expose());
            // The log leaves this byte out.
            if secret.expose().contains(char::from(COMMAND_MARK)) {
                let without = secret.expose().replace(char::from(COMMAND_MARK), "");
                forms.extend(super::forms::forms(&without));
            }
            refused += usize::from(forms.is_empty());
            patterns.extend(forms.into_iter().map(|form| {
                let viewed = View::of(&form).bytes;
                Pattern {
                    wraps: viewed.len() >= SHORTEST_WRAPPED || viewed.len() < form.len(),
                    form: viewed,
                    shown: Arc::clone(&shown),
                }
            }));
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns.iter().map(|pattern| &pattern.form));
        let inner = match automaton {
            Ok(automaton) if !patterns.is_empty() => {
                let longest = patterns
                    .iter()
                    .map(|pattern| pattern.form.len())
                    .max()
                    .unwrap_or(0);
                let mut first_bytes = [false; 256];
                for pattern in &patterns {
                    first_bytes[usize::from(pattern.form[0])] = true;
                }
                Some(Arc::new(Inner {
                    automaton,
                    patterns,
                    longest,
                    first_bytes,
                }))
            }
            _ => None,
        };
        Self { inner, refused }
    }

    /// A line for the log where values are too short to be masked.
    pub fn note(&self) -> Option<String> {
        let (count, were) = (
            self.refused,
            if self.refused == 1 {
                "value is"
            } else {
                "values are"
            },
        );
        (count > 0).then(|| {
            format!("Note: {count} secured {were} shorter than {SHORTEST} characters and cannot be masked in this log; use longer ones.")
        })
    }

    /// A text of its own, masked. Where its end `is_cut`, what could be the beginning of a secret there is left out.
    pub fn mask(&self, text: &str, is_cut: bool) -> String {
        let mut stream = self.stream();
        if stream.is_transparent() {
            return text.to_owned();
        }
        let mut out = BytesMut::with_capacity(text.len());
        stream.pending().extend_from_slice(text.as_bytes());
        stream.drain(!is_cut, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// A stream to mask. Without secrets it only passes on.
    pub fn stream(&self) -> MaskStream {
        MaskStream {
            inner: self.inner.clone(),
            pending: BytesMut::new(),
            covered: 0,
            view: View::default(),
        }
    }
}

/// One stream's state between reads.
#[derive(Debug)]
pub struct MaskStream {
    inner: Option<Arc<Inner>>,
    /// Read and not decided yet.
    pending: BytesMut,
    /// How many bytes at the front of `pending` belong to a secret whose replacement has been written.
    covered: usize,
    /// Of what is pending; kept for its memory.
    view: View,
}

/// A text without its single line ends, and where each of its bytes stands in the text.
#[derive(Debug, Default)]
struct View {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl View {
    fn of(text: &[u8]) -> Self {
        let mut view = Self::default();
        view.fill(text);
        view
    }

    fn fill(&mut self, text: &[u8]) {
        self.bytes.clear();
        self.places.clear();
        let mut place = 0;
        while let Some(byte) = text.get(place) {
            let end = match text.get(place..place + 2) {
                Some(b"\r\n") => 2,
                // The rest of this line end may not be read yet.
                None if *byte == b'\r' => 1,
                _ => usize::from(*byte == b'\n'),
            };
            place += end;
            // A second line end in a row counts as what it is.
            if let Some(next) = text.get(place) {
                self.bytes.push(*next);
                self.places.push(place);
                place += 1;
            }
        }
    }

    /// Where the byte of this index stands in a text of `length` bytes; its end for the index behind the last one.
    fn place(&self, index: usize, length: usize) -> usize {
        self.places.get(index).copied().unwrap_or(length)
    }
}

impl MaskStream {
    /// True where there is nothing to look for.
    pub fn is_transparent(&self) -> bool {
        self.inner.is_none()
    }

    /// The buffer to read into.
    pub fn pending(&mut self) -> &mut BytesMut {
        &mut self.pending
    }

    /// Writes what is decided to `out`. `end` says that nothing more comes, which decides everything.
    pub fn drain(&mut self, end: bool, out: &mut BytesMut) {
        let Some(inner) = &self.inner else {
            out.unsplit(self.pending.split());
            return;
        };
        let text = &self.pending[..];
        self.view.fill(text);
        let view = &self.view;
        let hold_view = if end {
            view.bytes.len()
        } else {
            inner.hold(&view.bytes)
        };
        let hold = view.place(hold_view, text.len());
        out.reserve(hold);
        let mut masked_until = self.covered;
        let mut search_from = 0;
        while let Some(found) = inner
            .automaton
            .find(Input::new(&view.bytes).span(search_from..view.bytes.len()))
        {
            if found.start() >= hold_view {
                break;
            }
            search_from = found.start() + 1;
            let (begin, last) = (view.places[found.start()], view.places[found.end() - 1]);
            let pattern = &inner.patterns[found.pattern().as_usize()];
            if !pattern.wraps && last - begin + 1 > pattern.form.len() {
                continue;
            }
            // A match that begins inside the one before only makes the masked stretch longer.
            if begin >= masked_until {
                out.put_slice(&text[masked_until..begin]);
                out.put_slice(&pattern.shown);
            }
            masked_until = masked_until.max(last + 1);
        }
        if masked_until < hold {
            out.put_slice(&text[masked_until..hold]);
        }
        self.covered = masked_until.saturating_sub(hold);
        // The rest is a few bytes: copying it to the front keeps the buffer and its size.
        let rest = text.len() - hold;
        self.pending.copy_within(hold.., 0);
        self.pending.truncate(rest);
    }
}

impl Inner {
    /// Where the longest end of `text` begins that could be the beginning of a secret.
    fn hold(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest - 1);
        let could_begin = |place: &usize| {
            let rest = &text[*place..];
            self.first_bytes[usize::from(rest[0])]
                && self
                    .patterns
                    .iter()
                    .any(|Pattern { form, .. }| form.len() > rest.len() && form.starts_with(rest))
        };
        (from..text.len()).find(could_begin).unwrap_or(text.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use pipewright_core::Secret;

    use super::Masker;

    /// Masks `text` read in pieces of `size`.
    fn masked(masker: &Masker, text: &str, size: usize) -> String {
        let (mut stream, mut out) = (masker.stream(), BytesMut::new());
        for piece in text.as_bytes().chunks(size) {
            stream.pending().extend_from_slice(piece);
            stream.drain(false, &mut out);
        }
        stream.drain(true, &mut out);
        String::from_utf8(out.to_vec()).expect("UTF-8")
    }

    fn masker(secrets: &[&str]) -> Masker {
        let environment = [("TOKEN".to_owned(), "hunter2-token".to_owned())];
        Masker::new(
            &secrets
                .iter()
                .map(|secret| Secret::new(*secret))
                .collect::<Vec<_>>(),
            &environment,
        )
    }

    #[test]
    fn secrets_are_masked_at_every_cut() {
        let masker = masker(&[
            "hunter2-token",
            "pass word+1",
            "line one of key\nline two of key\n",
        ]);
        let text = "a hunter2-token b pass word+1 hunter2 pass%20word%2B1 pass%20word%2b1 pass+word%2B1 x line two of key y aHVudGVyMi10b2tlbg== hunter2-toke";
        let expected = "a $TOKEN b *** hunter2 *** *** *** x *** y $TOKEN hunter2-toke";
        for size in 1..text.len() {
            assert_eq!(masked(&masker, text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn what_a_tool_wrapped_is_masked_at_every_cut() {
        use base64::Engine as _;
        let secret = "a private thing that is longer than one line of base64 and of xxd, by far";
        let masker = masker(&[secret]);
        let wrapped = |text: &str, width: usize, end: &str| {
            let lines: Vec<&str> = text
                .as_bytes()
                .chunks(width)
                .map(|line| std::str::from_utf8(line).expect("ASCII"))
                .collect();
            lines.join(end)
        };
        for before in ["", "u", "us"] {
            let encoded =
                base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}"));
            for (width, end) in [(76, "\n"), (64, "\r\n"), (10, "\n")] {
                let text = format!("{}\nnext line", wrapped(&encoded, width, end));
                for size in [1, 7, 64, 1000] {
                    let got = masked(&masker, &text, size);
                    assert!(
                        got.ends_with("***\nnext line") && got.len() < 20,
                        "{before:?} {width} {size}: {got}"
                    );
                }
            }
        }
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(masked(&masker, &wrapped(&digits, 60, "\n"), 16), "***");
    }

    #[test]
    fn ordinary_lines_do_not_make_up_a_short_secret() {
        let masker = masker(&["1234", "one of\ntwo lines"]);
        let text = "1\n2\n3\n4\n12\n\n34\none of\r\ntwo lines\n\n";
        let expected = "1\n2\n3\n4\n12\n\n34\n***\n\n";
        for size in 1..text.len() {
            assert_eq!(masked(&masker, text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn the_longest_wins_and_overlaps_leave_no_rest() {
        let masker = masker(&["abcdef", "abcdefghij", "ghijKLMN"]);
        for size in 1..20 {
            assert_eq!(
                masked(&masker, "_abcdefghij_abcdef_abcdefghijKLMN_", size),
                "_***_***_***_",
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn a_secret_that_repeats_itself_keeps_memory_flat() {
        let masker = masker(&["aaaa"]);
        let (mut stream, mut out) = (masker.stream(), BytesMut::new());
        for _ in 0..1000 {
            stream.pending().extend_from_slice(&[b'a'; 100]);
            stream.drain(false, &mut out);
            assert!(stream.pending().len() < 8);
        }
        stream.drain(true, &mut out);
        assert_eq!(&out[..], b"***");
    }

    #[test]
    fn nothing_is_held_back_that_cannot_be_a_secret() {
        let (mut stream, mut out) = (masker(&["hunter2-token"]).stream(), BytesMut::new());
        stream.pending().extend_from_slice(b"Password: ");
        stream.drain(false, &mut out);
        assert_eq!(&out[..], b"Password: ");
    }

    #[test]
    fn short_values_are_refused_with_a_note() {
        let masker = masker(&["abc"]);
        assert_eq!(masked(&masker, "abc", 10), "abc");
        assert!(
            masker
                .note()
                .is_some_and(|note| note.contains("shorter than 4"))
        );
    }

    #[test]
    fn without_secrets_bytes_pass_unchanged() {
        assert_eq!(masked(&masker(&[]), "anything", 3), "anything");
    }
}
