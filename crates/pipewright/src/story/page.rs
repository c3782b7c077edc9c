//! A page as a person sees it: links and forms found by their visible words.
//!
//! The demonstration walks the product's own pages, so it presses what is written on the button and fills in what is
//! written beside the field. This reads just enough HTML for pages that we and the simulated Bitbucket render; it is no
//! browser.

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Open {
        name: String,
        attributes: Vec<(String, String)>,
    },
    Close {
        name: String,
    },
    Text(String),
}

/// A page's pieces, in order.
#[derive(Debug, Clone)]
pub struct Page {
    pieces: Vec<Piece>,
}

/// A form, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes; empty for the page itself.
    pub action: String,
    /// True for POST.
    pub post: bool,
    /// Names and values, as the browser would send them.
    pub fields: Vec<(String, String)>,
    /// Visible labels with the field each belongs to.
    labels: Vec<(String, String)>,
}

impl Form {
    /// Fills in the field beside this label (or of this name); false if there is none.
    pub fn fill(&mut self, label: &str, value: &str) -> bool {
        let name = self
            .labels
            .iter()
            .find(|(text, _)| text == label)
            .map_or_else(|| label.to_owned(), |(_, name)| name.clone());
        match self.fields.iter_mut().find(|(field, _)| *field == name) {
            Some((_, present)) => value.clone_into(present),
            None if self.labels.iter().any(|(_, field)| *field == name) => {
                self.fields.push((name, value.to_owned()));
            }
            None => return false,
        }
        true
    }
}

impl Page {
    /// Reads a page.
    pub fn read(html: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = html;
        while !rest.is_empty() {
            match rest.find('<') {
                Some(0) => {
                    let end = tag_end(rest);
                    push_tag(&rest[1..end.max(1)], &mut pieces);
                    rest = rest.get(end + 1..).unwrap_or_default();
                }
                at => {
                    let end = at.unwrap_or(rest.len());
                    pieces.push(Piece::Text(unescape(&rest[..end])));
                    rest = &rest[end..];
                }
            }
        }
        Self { pieces }
    }

    /// All visible text, white space folded.
    pub fn text(&self) -> String {
        let words: Vec<&str> = self
            .pieces
            .iter()
            .filter_map(|piece| {
                if let Piece::Text(text) = piece {
                    Some(text.split_whitespace())
                } else {
                    None
                }
            })
            .flatten()
            .collect();
        words.join(" ")
    }

    /// The target of the link with these visible words.
    pub fn link(&self, words: &str) -> Option<String> {
        (0..self.pieces.len()).find_map(|at| {
            let href = attribute(&self.pieces[at], "a", "href")?;
            (self.words_until_close(at, "a") == words).then_some(href)
        })
    }

    /// The text inside the first element whose id begins like this.
    pub fn text_of_id(&self, beginning: &str) -> Option<String> {
        self.pieces
            .iter()
            .enumerate()
            .find_map(|(at, piece)| match piece {
                Piece::Open { name, attributes }
                    if attributes.iter().any(|(attribute, value)| {
                        attribute == "id" && value.starts_with(beginning)
                    }) =>
                {
                    Some(self.words_until_close(at, name))
                }
                _ => None,
            })
    }

    /// The form whose button shows these words, as that button would send it.
    pub fn form(&self, button: &str) -> Option<Form> {
        let mut start = 0;
        while let Some(at) = self.pieces[start..]
            .iter()
            .position(|piece| matches!(piece, Piece::Open { name, .. } if name == "form"))
        {
            let open = start + at;
            let close = self.pieces[open..].iter().position(|piece| {
                *piece
                    == Piece::Close {
                        name: "form".to_owned(),
                    }
            });
            let close = close.map_or(self.pieces.len(), |at| open + at);
            if let Some(form) = self.form_between(open, close, button) {
                return Some(form);
            }
            start = close.max(open + 1);
        }
        None
    }

    fn form_between(&self, open: usize, close: usize, button: &str) -> Option<Form> {
        let post = attribute(&self.pieces[open], "form", "method")
            .is_some_and(|method| method.eq_ignore_ascii_case("post"));
        let action = attribute(&self.pieces[open], "form", "action").unwrap_or_default();
        let mut form = Form {
            action,
            post,
            fields: Vec::new(),
            labels: Vec::new(),
        };
        let mut pressed = false;
        let mut label = None;
        // A field that stands before the words of its label, as a checkbox does.
        let mut unnamed = None;
        let mut select: Option<(String, bool)> = None;
        for at in open..close {
            match &self.pieces[at] {
                Piece::Open { name, attributes } => {
                    let get = |wanted: &str| {
                        attributes
                            .iter()
                            .find(|(name, _)| name == wanted)
                            .map(|(_, value)| value.clone())
                    };
                    match name.as_str() {
                        "label" => label = Some(String::new()),
                        "input" => {
                            let kind = get("type").unwrap_or_default();
                            let Some(name) = get("name") else {
                                pressed |=
                                    kind == "submit" && get("value").as_deref() == Some(button);
                                continue;
                            };
                            let checkable = matches!(kind.as_str(), "checkbox" | "radio");
                            if let Some(text) = label.as_ref().filter(|text| !text.is_empty()) {
                                form.labels.push((text.clone(), name.clone()));
                            } else if let Some(id) = get("id").and_then(|id| self.label_for(&id)) {
                                form.labels.push((id, name.clone()));
                            } else if label.is_some() {
                                unnamed = Some(name.clone());
                            }
                            if !checkable || get("checked").is_some() {
                                form.fields.push((
                                    name,
                                    get("value").unwrap_or_else(|| {
                                        if checkable {
                                            "on".to_owned()
                                        } else {
                                            String::new()
                                        }
                                    }),
                                ));
                            }
                        }
                        "textarea" => {
                            let text = label.clone().filter(|text| !text.is_empty());
                            let text =
                                text.or_else(|| get("id").and_then(|id| self.label_for(&id)));
                            if let Some(name) = get("name") {
                                form.labels.extend(text.map(|text| (text, name.clone())));
                                form.fields
                                    .push((name, self.words_until_close(at, "textarea")));
                            }
                        }
                        "select" => {
                            if let (Some(name), Some(text)) = (get("name"), label.as_ref()) {
                                form.labels.push((text.clone(), name));
                            }
                            select = get("name").map(|name| (name, false));
                        }
                        "option" => {
                            if let Some((name, chosen)) = &mut select {
                                let value = get("value")
                                    .unwrap_or_else(|| self.words_until_close(at, "option"));
                                if get("selected").is_some() && *chosen {
                                    form.fields.pop();
                                }
                                if get("selected").is_some() || !*chosen {
                                    form.fields.push((name.clone(), value));
                                    *chosen = true;
                                }
                            }
                        }
                        "button" if self.words_until_close(at, "button") == button => {
                            pressed = true;
                            form.fields.extend(
                                get("name").map(|name| (name, get("value").unwrap_or_default())),
                            );
                            form.action = get("formaction").unwrap_or(form.action);
                        }
                        _ => {}
                    }
                }
                Piece::Close { name } if name == "label" => {
                    form.labels.extend(label.take().zip(unnamed.take()));
                }
                Piece::Close { name } if name == "select" => select = None,
                Piece::Text(text) => {
                    if let Some(label) = label.as_mut().filter(|label| label.is_empty()) {
                        text.trim().clone_into(label);
                    }
                }
                Piece::Close { .. } => {}
            }
        }
        pressed.then_some(form)
    }

    fn label_for(&self, id: &str) -> Option<String> {
        (0..self.pieces.len()).find_map(|at| {
            (attribute(&self.pieces[at], "label", "for")? == id)
                .then(|| self.words_until_close(at, "label"))
        })
    }

    fn words_until_close(&self, open: usize, name: &str) -> String {
        let mut words = Vec::new();
        let mut depth = 0;
        for piece in &self.pieces[open..] {
            match piece {
                Piece::Open { name: opened, .. } if opened == name => depth += 1,
                Piece::Close { name: closed } if closed == name => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                Piece::Text(text) => words.extend(text.split_whitespace()),
                _ => {}
            }
        }
        words.join(" ")
    }
}

fn attribute(piece: &Piece, tag: &str, wanted: &str) -> Option<String> {
    match piece {
        Piece::Open { name, attributes } if name == tag => attributes
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone()),
        _ => None,
    }
}

/// Offset of the `>` that ends the tag at the beginning of `rest`, quotes respected.
fn tag_end(rest: &str) -> usize {
    let mut quote = None;
    for (at, byte) in rest.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    rest.len()
}

fn push_tag(tag: &str, pieces: &mut Vec<Piece>) {
    if tag.starts_with('!') {
        return;
    }
    if let Some(name) = tag.strip_prefix('/') {
        pieces.push(Piece::Close {
            name: name.trim().to_ascii_lowercase(),
        });
        return;
    }
    let tag = tag.trim_end_matches('/');
    let name_end = tag.find(char::is_whitespace).unwrap_or(tag.len());
    let mut attributes = Vec::new();
    let mut rest = tag[name_end..].trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let (raw, left) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    after[1..].split_once(quote).unwrap_or((&after[1..], ""))
                }
                _ => after.split_once(char::is_whitespace).unwrap_or((after, "")),
            };
            value = unescape(raw);
            rest = left.trim_start();
        }
        attributes.push((name, value));
    }
    pieces.push(Piece::Open {
        name: tag[..name_end].to_ascii_lowercase(),
        attributes,
    });
}

fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#34;", "\""),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(entity, character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::Page;

    const PAGE: &str = r#"<!doctype html><title>x</title><a class="b" href="/new?a=1&amp;b=2">New <b>Application</b></a>
        <form method="post" action="/servers"><input type=hidden name=csrf value="a&quot;b">
        <label class="field"><span>Host</span><input name="host" placeholder="https://…"></label>
        <label><input type="checkbox" name="tags" checked> Tags</label><input type="checkbox" name="off">
        <select name="role"><option value="viewer">Viewer<option value="admin" selected>Admin</select>
        <button name="act" value="add">Add Credentials</button></form><p id="ssh-key-7">ssh-ed25519 AAAA</p>"#;

    #[test]
    fn links_and_forms_are_found_by_their_words() {
        let page = Page::read(PAGE);
        assert_eq!(
            page.link("New Application").as_deref(),
            Some("/new?a=1&b=2")
        );
        assert_eq!(
            page.text_of_id("ssh-key-").as_deref(),
            Some("ssh-ed25519 AAAA")
        );
        let mut form = page.form("Add Credentials").expect("there is a form");
        assert!(form.fill("Host", "https://bb.example.com"));
        assert!(
            form.fill("Tags", "on"),
            "a checkbox stands before its words"
        );
        assert!(!form.fill("Port", "22"));
        let fields: Vec<_> = form
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                ("csrf", "a\"b"),
                ("host", "https://bb.example.com"),
                ("tags", "on"),
                ("role", "admin"),
                ("act", "add")
            ]
        );
        assert!(page.form("Something else").is_none());
    }
}
