//! `image`: a name, or a mapping with the credentials of its registry.

use super::checker::{At, Checker};
use crate::capabilities::Feature;
use crate::diagnostic::Code;
use crate::syntax::{Kind, Node, Value};

/// A container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) name: At<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) run_as_user: Option<u32>,
    pub(crate) aws: Vec<(String, String)>,
}

/// `email` is from before 2018 and has no effect.
const KEYS: &[&str] = &[
    "name",
    "username",
    "password",
    "email",
    "run-as-user",
    "aws",
];
const AWS_KEYS: &[&str] = &["access-key", "secret-key", "oidc-role"];

impl Image {
    pub(crate) fn check<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            if let Value::Scalar(Kind::Null, _) | Value::List(_) = node.value {
                cx.wrong_type(
                    node,
                    "`image`",
                    "a name or a mapping",
                    "write `image: name:tag`",
                );
                return None;
            }
            let name = image_name(cx, node)?;
            cx.feature_named(Feature::Image, &name.value, node.place);
            return Some(Self {
                name,
                username: None,
                password: None,
                run_as_user: None,
                aws: Vec::new(),
            });
        }
        let (mut name, mut username, mut password, mut run_as_user, mut aws) =
            (None, None, None, None, Vec::new());
        cx.each(node, "`image`", KEYS, |cx, key, entry| match key {
            "name" => name = image_name(cx, &entry.value),
            "username" => username = cx.text(&entry.value, "`username`"),
            "password" => password = cx.text(&entry.value, "`password`"),
            "run-as-user" => run_as_user = cx.whole(&entry.value, "`run-as-user`", 0..=u32::MAX),
            "aws" => aws = check_aws(cx, &entry.value),
            _ => {}
        });
        if let Some(name) = &name {
            cx.feature_named(Feature::Image, &name.value, node.place);
        }
        if node.get("name").is_none() {
            cx.missing(
                node.place,
                "`image`",
                "name",
                "write `name: registry/image:tag` below `image:`",
            );
        }
        match (node.get("username"), node.get("password")) {
            (Some(_), None) => cx.missing(
                node.place,
                "`image`",
                "password",
                "a `username` needs a `password` beside it",
            ),
            (None, Some(_)) => cx.missing(
                node.place,
                "`image`",
                "username",
                "a `password` needs a `username` beside it",
            ),
            _ => {}
        }
        if let (Some(_), Some(credentials)) = (node.get("username"), node.get("aws")) {
            cx.error(
                Code::Exclusive,
                credentials.place,
                format_args!("`image` has both `username` and `aws`"),
                "keep one kind of credentials",
            );
        }
        Some(Self {
            name: name?,
            username: username.map(|text| text.value),
            password: password.map(|text| text.value),
            run_as_user,
            aws,
        })
    }
}

fn image_name(cx: &mut Checker<'_>, node: &Node) -> Option<At<String>> {
    let name = cx.filled_text(node, "the name of an image")?;
    let text = name.value.trim();
    // Whatever begins with a dash could become an option of a program that pulls it.
    if !super::is_template(text) && (text.starts_with('-') || text.contains(char::is_whitespace)) {
        cx.error(
            Code::NotAllowed,
            node.place,
            format_args!(
                "{} is not the name of an image",
                crate::diagnostic::shown(text)
            ),
            "write `[registry/]name[:tag][@digest]`",
        );
        return None;
    }
    Some(At {
        value: text.to_owned(),
        place: name.place,
    })
}

fn check_aws<'n>(cx: &mut Checker<'n>, node: &'n Node) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    cx.each(node, "`aws`", AWS_KEYS, |cx, key, entry| {
        if let Some(text) = cx.text(&entry.value, &format!("`{key}`")) {
            pairs.push((key.to_owned(), text.value));
        }
    });
    let has = |key: &str| node.get(key).is_some();
    if node.entries().is_some() && !has("oidc-role") && !(has("access-key") && has("secret-key")) {
        cx.missing(
            node.place,
            "`aws`",
            "oidc-role",
            "give `oidc-role`, or `access-key` and `secret-key`",
        );
    }
    pairs
}
