//! Lines of a log as HTML: what programs coloured with ANSI sequences becomes spans with classes; everything else that a
//! terminal would obey is left out, and everything else that a browser would obey is escaped.
//!
//! Only SGR (`ESC [ … m`) is understood. 256 and true colours are shown as the nearest of the 16, because pages have no
//! inline styles. A carriage return begins the line again, as progress bars expect. The style goes on from line to line
//! until it is reset, as in a terminal.

use anstyle_parse::{Params, Parser, Perform, Utf8Parser};

/// The longest line that is shown, in characters; the raw log has the rest.
const LONGEST_SHOWN: usize = 4000;

/// What marks the first line of a command: the runner prints it before each.
const COMMAND_MARK: u8 = 0x1d;

/// Turns lines into HTML, one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Painter {
    parser: Parser<Utf8Parser>,
    style: Style,
}

/// How the next character looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Style {
    /// 0 to 15.
    foreground: Option<u8>,
    /// 0 to 15.
    background: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    strike: bool,
    inverse: bool,
}

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaintedLine {
    /// Safe HTML.
    pub(crate) html: String,
    /// Whether it is a command rather than what a command printed.
    pub(crate) is_command: bool,
}

impl Painter {
    /// The next line, without its line end.
    pub(crate) fn line(&mut self, bytes: &[u8]) -> PaintedLine {
        let (bytes, is_command) = match bytes.split_first() {
            Some((&COMMAND_MARK, rest)) => (rest.strip_prefix(b"+ ").unwrap_or(rest), true),
            _ => (bytes, false),
        };
        if is_command {
            // A command that left its colours behind must not colour the next one.
            self.style = Style::default();
        }
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mut line = Line {
            style: self.style,
            drawn: None,
            html: String::new(),
            shown: 0,
        };
        if is_command {
            line.html.push_str("$ ");
        }
        // The parser drops bytes that are no UTF-8; people should see that there was something.
        for byte in String::from_utf8_lossy(bytes).bytes() {
            self.parser.advance(&mut line, byte);
        }
        line.close();
        if line.shown > LONGEST_SHOWN {
            line.html.push_str("<span class=\"d\"> … ");
            line.html
                .push_str(&(line.shown - LONGEST_SHOWN).to_string());
            line.html.push_str(" more characters in the raw log</span>");
        }
        self.style = line.style;
        PaintedLine {
            html: linked(line.html),
            is_command,
        }
    }

    /// Takes a line into account without showing it: its colours may reach into the next.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        self.line(bytes);
    }
}

/// Addresses of the web in a line's HTML as links. Text is escaped by now, so what goes into `href` cannot leave it, and
/// only http and https become links.
fn linked(html: String) -> String {
    if !html.contains("://") {
        return html;
    }
    let mut linked = String::with_capacity(html.len() * 2);
    let mut rest = html.as_str();
    while let Some(start) = next_address(rest) {
        let (before, from) = rest.split_at(start);
        let length = address_length(from);
        let (address, after) = from.split_at(length);
        linked.push_str(before);
        if address.ends_with("://") {
            linked.push_str(address);
        } else {
            linked.push_str("<a href=\"");
            linked.push_str(address);
            linked.push_str("\" target=\"_blank\" rel=\"noreferrer nofollow\">");
            linked.push_str(address);
            linked.push_str("</a>");
        }
        rest = after;
    }
    linked.push_str(rest);
    linked
}

/// Where the next address begins.
fn next_address(html: &str) -> Option<usize> {
    let starts = ["http://", "https://"];
    starts.iter().filter_map(|start| html.find(start)).min()
}

/// How long the address at the beginning of the text is: until what cannot be part of one, less the punctuation of the
/// sentence around it.
fn address_length(html: &str) -> usize {
    const ENDS: [&str; 4] = ["&lt;", "&gt;", "&quot;", "&#39;"];
    let until = html
        .find(|character: char| {
            character.is_whitespace() || matches!(character, '<' | '`' | '\\' | '\u{fffd}')
        })
        .unwrap_or(html.len());
    let until = ENDS
        .iter()
        .filter_map(|end| html[..until].find(end))
        .min()
        .unwrap_or(until);
    let address = &html[..until];
    let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}']);
    // The end of an escaped ampersand is no punctuation.
    if trimmed.ends_with("&amp") {
        trimmed.len() + 1
    } else {
        trimmed.len()
    }
}

struct Line {
    style: Style,
    /// The style of the span that is open.
    drawn: Option<Style>,
    html: String,
    shown: usize,
}

impl Line {
    fn close(&mut self) {
        if self.drawn.take().is_some() {
            self.html.push_str("</span>");
        }
    }

    fn begin_again(&mut self) {
        self.html.clear();
        self.drawn = None;
        self.shown = 0;
    }
}

impl Perform for Line {
    fn print(&mut self, character: char) {
        self.shown += 1;
        if self.shown > LONGEST_SHOWN {
            return;
        }
        let wanted = (self.style != Style::default()).then_some(self.style);
        if wanted != self.drawn {
            self.close();
            if let Some(style) = wanted {
                self.html.push_str("<span class=\"");
                style.classes(&mut self.html);
                self.html.push_str("\">");
                self.drawn = wanted;
            }
        }
        match character {
            '<' => self.html.push_str("&lt;"),
            '>' => self.html.push_str("&gt;"),
            '&' => self.html.push_str("&amp;"),
            '"' => self.html.push_str("&quot;"),
            '\'' => self.html.push_str("&#39;"),
            // Marks that reorder text could make a line read as what it is not.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.html.push('\u{fffd}'),
            other => self.html.push(other),
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.print('\t'),
            b'\r' => self.begin_again(),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        match action {
            b'm' if !ignore && intermediates.is_empty() => self.style.apply(params),
            // "Erase the line" and "go to its beginning" are how progress bars draw themselves anew.
            b'G' => self.begin_again(),
            _ => {}
        }
    }
}

impl Style {
    fn apply(&mut self, params: &Params) {
        let mut codes = params.iter().flat_map(|group| group.iter().copied());
        if params.is_empty() {
            *self = Self::default();
        }
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                9 => self.strike = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                29 => self.strike = false,
                30..=37 => self.foreground = u8::try_from(code - 30).ok(),
                38 => self.foreground = extended(&mut codes),
                39 => self.foreground = None,
                40..=47 => self.background = u8::try_from(code - 40).ok(),
                48 => self.background = extended(&mut codes),
                49 => self.background = None,
                90..=97 => self.foreground = u8::try_from(code - 90 + 8).ok(),
                100..=107 => self.background = u8::try_from(code - 100 + 8).ok(),
                _ => {}
            }
        }
    }

    fn classes(self, html: &mut String) {
        let (foreground, background) = if self.inverse {
            // Without a colour of its own, inverse is ink on ink: the page's own two colours change places.
            (
                Some(self.background.unwrap_or(0)),
                Some(self.foreground.unwrap_or(7)),
            )
        } else {
            (self.foreground, self.background)
        };
        let start = html.len();
        let mut add = |class: &str, number: Option<u8>| {
            if html.len() > start {
                html.push(' ');
            }
            html.push_str(class);
            if let Some(number) = number {
                html.push_str(&number.to_string());
            }
        };
        if foreground.is_some() {
            add("f", foreground);
        }
        if background.is_some() {
            add("b", background);
        }
        for (is_set, class) in [
            (self.bold, "bold"),
            (self.dim, "d"),
            (self.italic, "i"),
            (self.underline, "u"),
            (self.strike, "s"),
        ] {
            if is_set {
                add(class, None);
            }
        }
    }
}

/// The colour behind `38;5;n` or `38;2;r;g;b`, as the nearest of the 16.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
    let mut part = || {
        codes
            .next()
            .map(|code| u8::try_from(code).unwrap_or(u8::MAX))
    };
    match part()? {
        5 => Some(match part()? {
            index @ 0..=15 => index,
            index @ 16..=231 => {
                let index = index - 16;
                let level = |number: u8| if number == 0 { 0 } else { 55 + 40 * number };
                nearest(level(index / 36), level(index / 6 % 6), level(index % 6))
            }
            index => {
                let grey = 8 + 10 * (index - 232);
                nearest(grey, grey, grey)
            }
        }),
        2 => {
            let (red, green, blue) = (part()?, part()?, part()?);
            Some(nearest(red, green, blue))
        }
        _ => None,
    }
}

fn nearest(red: u8, green: u8, blue: u8) -> u8 {
    const PALETTE: [(i32, i32, i32); 16] = [
        (0, 0, 0),
        (205, 49, 49),
        (13, 188, 121),
        (229, 229, 16),
        (36, 114, 200),
        (188, 63, 188),
        (17, 168, 205),
        (200, 200, 200),
        (102, 102, 102),
        (241, 76, 76),
        (35, 209, 139),
        (245, 245, 67),
        (59, 142, 234),
        (214, 112, 214),
        (41, 184, 219),
        (255, 255, 255),
    ];
    let distance = |(r, g, b): (i32, i32, i32)| {
        let (r, g, b) = (
            r - i32::from(red),
            g - i32::from(green),
            b - i32::from(blue),
        );
        r * r + g * g + b * b
    };
    let best = PALETTE
        .iter()
        .enumerate()
        .min_by_key(|(_, colour)| distance(**colour));
    best.and_then(|(index, _)| u8::try_from(index).ok())
        .unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_SHOWN, Painter};

    fn painted(bytes: &[u8]) -> String {
        Painter::default().line(bytes).html
    }

    #[test]
    fn colours_become_classes() {
        for (bytes, expected) in [
            ("plain", "plain"),
            (
                "\u{1b}[32mPASS\u{1b}[0m ok",
                "<span class=\"f2\">PASS</span> ok",
            ),
            (
                "\u{1b}[1;31mno\u{1b}[m",
                "<span class=\"f1 bold\">no</span>",
            ),
            (
                "\u{1b}[91;44mx\u{1b}[39my",
                "<span class=\"f9 b4\">x</span><span class=\"b4\">y</span>",
            ),
            ("\u{1b}[38;5;196mx", "<span class=\"f1\">x</span>"),
            ("\u{1b}[38;2;10;180;120mx", "<span class=\"f2\">x</span>"),
            ("\u{1b}[7mx\u{1b}[27my", "<span class=\"f0 b7\">x</span>y"),
            (
                "\u{1b}[2;3;4;9mx\u{1b}[22;23;24;29my",
                "<span class=\"d i u s\">x</span>y",
            ),
        ] {
            assert_eq!(painted(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_a_browser_or_a_terminal_would_obey_is_disarmed() {
        for (bytes, expected) in [
            (
                &b"<script>alert('1')</script>&\""[..],
                "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;",
            ),
            (b"\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "link"),
            (b"\x1b]0;title\x07x", "x"),
            (b"a\x1b[2Jb\x1b[10;10Hc", "abc"),
            (b"a\x00\x07b", "ab"),
            ("a\u{202e}b".as_bytes(), "a\u{fffd}b"),
            (b"\xff\xfeok", "\u{fffd}\u{fffd}ok"),
            (b"\x1b[31", ""),
            (b"\x1b[999999999999mx", "x"),
        ] {
            assert_eq!(
                painted(bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn addresses_of_the_web_are_links_and_nothing_else_is() {
        let link = |address: &str| {
            format!(
                "<a href=\"{address}\" target=\"_blank\" rel=\"noreferrer nofollow\">{address}</a>"
            )
        };
        for (bytes, expected) in [
            (
                "see https://a.example/x?y=1.",
                format!("see {}.", link("https://a.example/x?y=1")),
            ),
            (
                "(http://a.example)",
                format!("({})", link("http://a.example")),
            ),
            (
                "<https://a.example>",
                format!("&lt;{}&gt;", link("https://a.example")),
            ),
            (
                "https://a.example/?a=1&b=2",
                link("https://a.example/?a=1&amp;b=2"),
            ),
            (
                "https://a.example/\"onclick=alert(1)",
                format!("{}&quot;onclick=alert(1)", link("https://a.example/")),
            ),
            (
                "javascript://a.example ftp://b",
                "javascript://a.example ftp://b".to_owned(),
            ),
            ("https://", "https://".to_owned()),
            (
                "http://a http://b",
                format!("{} {}", link("http://a"), link("http://b")),
            ),
        ] {
            assert_eq!(painted(bytes.as_bytes()), expected, "{bytes}");
        }
    }

    #[test]
    fn a_carriage_return_begins_the_line_again() {
        assert_eq!(painted(b" 10%\r 50%\r100%"), "100%");
        assert_eq!(painted(b"windows\r"), "windows");
        assert_eq!(
            painted(b"\x1b[32m 10%\r 50%"),
            "<span class=\"f2\"> 50%</span>"
        );
    }

    #[test]
    fn a_style_goes_on_until_it_is_reset_or_a_command_begins() {
        let mut painter = Painter::default();
        painter.pass(b"\x1b[31mred");
        assert_eq!(
            painter.line(b"still").html,
            "<span class=\"f1\">still</span>"
        );
        let command = painter.line(b"\x1d+ make <all>");
        assert_eq!(
            (command.html.as_str(), command.is_command),
            ("$ make &lt;all&gt;", true)
        );
        assert_eq!(painter.line(b"plain").html, "plain");
    }

    #[test]
    fn a_very_long_line_is_cut_and_says_so() {
        let html = painted("x".repeat(LONGEST_SHOWN + 7).as_bytes());
        assert!(html.ends_with("7 more characters in the raw log</span>"));
        assert_eq!(html.matches('x').count(), LONGEST_SHOWN);
    }
}
