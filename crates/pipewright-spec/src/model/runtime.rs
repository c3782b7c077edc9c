//! `runtime`: what kind of machine a step wants. Checked, and named where an installation does not heed it.

use super::checker::Checker;
use crate::capabilities::Feature;
use crate::syntax::Entry;

const KEYS: &[&str] = &["cloud", "self-hosted"];
const CLOUD_KEYS: &[&str] = &[
    "version",
    "arch",
    "platform",
    "instance-type",
    "atlassian-ip-ranges",
];
const SELF_HOSTED_KEYS: &[&str] = &["cpu", "memory", "volumes", "storage"];
const STORAGE_KEYS: &[&str] = &["aws", "gcp"];
const STORE_KEYS: &[&str] = &[
    "bucket",
    "region",
    "access-key",
    "secret-key",
    "oidc-role",
    "key-file",
];

pub(crate) fn check<'n>(cx: &mut Checker<'n>, entry: &'n Entry) {
    cx.feature(Feature::Runtime, entry.key_place);
    cx.each(
        &entry.value,
        "`runtime`",
        KEYS,
        |cx, key, entry| match key {
            "cloud" => check_cloud(cx, entry),
            _ => check_self_hosted(cx, entry),
        },
    );
}

fn check_cloud<'n>(cx: &mut Checker<'n>, entry: &'n Entry) {
    cx.each(
        &entry.value,
        "`cloud`",
        CLOUD_KEYS,
        |cx, key, entry| match key {
            "arch" => {
                // An arm program does not run on an x86 machine: this cannot be ignored in silence.
                if cx.choice(&entry.value, "`arch`", &["x86", "arm"]) == Some(1) {
                    cx.feature(Feature::Architecture, entry.key_place);
                }
            }
            "platform" => {
                if cx.choice(&entry.value, "`platform`", &["linux", "windows"]) == Some(1) {
                    cx.feature(Feature::Architecture, entry.key_place);
                }
            }
            "atlassian-ip-ranges" => {
                cx.flag(&entry.value, "`atlassian-ip-ranges`");
            }
            key => {
                cx.text(&entry.value, &format!("`{key}`"));
            }
        },
    );
}

fn check_self_hosted<'n>(cx: &mut Checker<'n>, entry: &'n Entry) {
    cx.each(
        &entry.value,
        "`self-hosted`",
        SELF_HOSTED_KEYS,
        |cx, key, entry| match key {
            "cpu" | "memory" => {
                cx.whole(&entry.value, &format!("`{key}`"), 1..=u32::MAX);
            }
            "volumes" => {
                if entry.value.items().is_none_or(|items| !items.is_empty()) {
                    cx.texts(&entry.value, "`volumes`");
                }
            }
            _ => {
                if entry.value.entries().is_some()
                    && STORAGE_KEYS
                        .iter()
                        .all(|key| entry.value.get(key).is_none())
                {
                    cx.missing(
                        entry.key_place,
                        "`storage`",
                        "aws",
                        "write `aws:` or `gcp:` below it",
                    );
                }
                cx.each(&entry.value, "`storage`", STORAGE_KEYS, |cx, key, entry| {
                    cx.each(
                        &entry.value,
                        &format!("`{key}`"),
                        STORE_KEYS,
                        |cx, key, entry| {
                            cx.text(&entry.value, &format!("`{key}`"));
                        },
                    );
                    let required: &[&str] = if key == "aws" {
                        &["bucket", "region"]
                    } else {
                        &["bucket", "key-file"]
                    };
                    for needed in required {
                        if entry.value.entries().is_some() && entry.value.get(needed).is_none() {
                            cx.missing(entry.key_place, &format!("`{key}`"), needed, "");
                        }
                    }
                });
            }
        },
    );
}
