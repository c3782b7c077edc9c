//! `oidc`: whether a step is given a token, and whom it is for: `true`, or a mapping with `audiences`.

use super::checker::Checker;
use crate::capabilities::Feature;
use crate::diagnostic::Code;
use crate::syntax::{Entry, Node, Value};

/// What a step says of its token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Oidc {
    pub(crate) wanted: bool,
    /// Empty for the usual one.
    pub(crate) audiences: Vec<String>,
}

const KEYS: &[&str] = &["audiences"];

impl Oidc {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) -> Self {
        let node = &entry.value;
        let mut oidc = Self::default();
        if let Value::Map(_) = node.value {
            oidc.wanted = true;
            if node.entries().is_some_and(<[_]>::is_empty) {
                cx.error(
                    Code::NotAllowed,
                    node.place,
                    format_args!("`oidc` is an empty mapping"),
                    "write `oidc: true`, or name whom the token is for below `audiences:`",
                );
            }
            cx.each(node, "`oidc`", KEYS, |cx, _, entry| {
                oidc.audiences = check_audiences(cx, &entry.value);
            });
        } else {
            oidc.wanted = cx.flag(node, "`oidc`").unwrap_or(false);
        }
        if oidc.wanted {
            cx.feature(Feature::Oidc, entry.key_place);
        }
        oidc
    }
}

/// One text, or a list of them.
fn check_audiences<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Vec<String> {
    let texts = if let Value::List(_) = node.value {
        cx.texts(node, "`audiences`")
    } else {
        cx.text(node, "`audiences`").into_iter().collect()
    };
    let audiences: Vec<String> = texts.into_iter().map(|text| text.value).collect();
    if audiences.iter().any(|audience| audience.trim().is_empty()) {
        let help = "name whom the token is for, such as `sts.amazonaws.com`, or write `oidc: true` for the usual one";
        cx.error(
            Code::NotAllowed,
            node.place,
            format_args!("`audiences` names nobody"),
            help,
        );
    }
    audiences
}
