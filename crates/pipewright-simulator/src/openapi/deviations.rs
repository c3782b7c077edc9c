//! Where Bitbucket's documents are known to be wrong, each with the reason we believe the servers instead.
//!
//! Every entry names the narrowest place that a source supports.

pub use super::schema::Rule;
use crate::installation::Product;

/// What a deviation allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// A path that the document does not know at all.
    Path,
    /// A status that the document does not list; the body is judged by the listed status given here, if any.
    Status(u16, Option<u16>),
    /// A query parameter that the document does not name.
    Query(&'static str),
    /// The answer need not be the JSON that the document describes: it can be a file's bytes.
    OtherBody,
    /// A property that the document requires and the service does without in requests.
    Unsent(&'static str),
    /// A rule broken by the property at the end of the place, for example `errors/*/context`.
    Broken(Rule, &'static str),
}

/// One known error of a document.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Whose document.
    pub product: Product,
    /// `METHOD /template`, where a `*` stands for anything. For [`Allowance::Path`] it is the path itself.
    pub operation: &'static str,
    /// What is allowed.
    pub allows: Allowance,
    /// Why: the source that knows better.
    pub reason: &'static str,
}

use Allowance::{Broken, OtherBody, Path, Query, Status, Unsent};
use Product::{Cloud, Datacenter as DataCenter};
use Rule::{Limit, Null, Type};

const fn known(
    product: Product,
    operation: &'static str,
    allows: Allowance,
    reason: &'static str,
) -> Deviation {
    Deviation {
        product,
        operation,
        allows,
        reason,
    }
}

/// All known errors of both documents.
pub const DEVIATIONS: &[Deviation] = &[
    // Cloud: whole operations.
    known(
        Cloud,
        "GET *",
        Query("pagelen"),
        "paging is described in the document's prose, for every list",
    ),
    known(
        Cloud,
        "GET *",
        Query("page"),
        "paging is described in the document's prose, for every list",
    ),
    known(
        Cloud,
        "GET *",
        Query("fields"),
        "partial answers are described in the document's prose, for every call",
    ),
    known(
        Cloud,
        "GET /repositories",
        Status(410, None),
        "lists across workspaces were removed; a capture has the body",
    ),
    known(
        Cloud,
        "GET /workspaces",
        Status(410, None),
        "lists across workspaces were removed",
    ),
    known(
        Cloud,
        "GET /user/permissions/*",
        Status(410, None),
        "lists across workspaces were removed",
    ),
    known(
        Cloud,
        "* */hooks*",
        Status(400, None),
        "bad bodies are refused with 400, as everywhere; unlisted for webhooks",
    ),
    known(
        Cloud,
        "* */statuses/build*",
        Status(400, None),
        "a key of more than 40 characters is refused so; there is a capture",
    ),
    known(
        Cloud,
        "GET */src/{commit}/{path}",
        OtherBody,
        "a file's bytes unless its metadata is asked for",
    ),
    // Cloud: properties. The document never marks anything as nullable.
    known(
        Cloud,
        "POST *",
        Unsent("type"),
        "the base type of everything requires it; no client sends it and none is refused",
    ),
    known(
        Cloud,
        "PUT *",
        Unsent("type"),
        "the base type of everything requires it; no client sends it and none is refused",
    ),
    known(
        Cloud,
        "PUT */statuses/build/{key}",
        Unsent("key"),
        "the address has it",
    ),
    known(
        Cloud,
        "GET /repositories/*",
        Broken(Null, "parent"),
        "null unless forked; capture repository",
    ),
    known(
        Cloud,
        "GET /repositories/*",
        Broken(Null, "mainbranch"),
        "null for an empty repository",
    ),
    known(
        Cloud,
        "GET */refs*",
        Broken(Null, "date"),
        "null for a lightweight tag; capture push-tag-created-lightweight",
    ),
    known(
        Cloud,
        "GET */refs*",
        Broken(Null, "message"),
        "null for a lightweight tag; capture push-tag-created-lightweight",
    ),
    known(
        Cloud,
        "GET */refs*",
        Broken(Null, "tagger"),
        "null for a lightweight tag; capture push-tag-created-lightweight",
    ),
    known(
        Cloud,
        "GET */diffstat/{spec}",
        Broken(Null, "old"),
        "null for a new file; capture diffstat",
    ),
    known(
        Cloud,
        "GET */diffstat/{spec}",
        Broken(Null, "new"),
        "null for a deleted file, as `old` is for a new one",
    ),
    known(
        Cloud,
        "*-keys*",
        Broken(Null, "last_used"),
        "null until first used; capture deploy-key-created",
    ),
    known(
        Cloud,
        "*/ssh-keys*",
        Broken(Null, "expires_on"),
        "null for a key without an end; capture ssh-key-created",
    ),
    known(
        Cloud,
        "GET */pullrequests*",
        Broken(Null, "closed_by"),
        "null while open; capture pullrequest-open",
    ),
    known(
        Cloud,
        "GET */pullrequests*",
        Broken(Null, "merge_commit"),
        "null until merged; capture pullrequest-open",
    ),
    known(
        Cloud,
        "* */statuses*",
        Broken(Null, "refname"),
        "null unless given; capture commit-status-created",
    ),
    // Data Center: whole operations.
    known(
        DataCenter,
        "GET /capabilities",
        Path,
        "read by Atlassian's own CI plug-in, absent from the document",
    ),
    known(
        DataCenter,
        "GET /webhooks/latest/capabilities",
        Path,
        "linked from /capabilities, absent from the document",
    ),
    known(
        DataCenter,
        "POST */webhooks",
        Status(201, Some(200)),
        "servers create with 201, the document says 200",
    ),
    known(
        DataCenter,
        "POST /keys/latest/*/ssh",
        Status(409, None),
        "a key is a user's or an access key, never both: 409",
    ),
    // Data Center: properties.
    known(
        DataCenter,
        "*",
        Broken(Null, "errors/*/context"),
        "null unless one field is wrong; in every capture of an error",
    ),
    known(
        DataCenter,
        "*",
        Broken(Null, "errors/*/exceptionName"),
        "null where no exception has a name; in several captures",
    ),
    known(
        DataCenter,
        "GET */tags*",
        Broken(Null, "hash"),
        "null for a lightweight tag; capture tags-lightweight",
    ),
    known(
        DataCenter,
        "*/ssh*",
        Broken(Type, "createdDate"),
        "epoch milliseconds, as REST sends every date; the document says date-time",
    ),
    known(
        DataCenter,
        "* /access-tokens/*",
        Broken(Type, "createdDate"),
        "epoch milliseconds, as reported by clients of live servers",
    ),
    known(
        DataCenter,
        "GET */webhooks/{webhookId}/latest",
        Broken(Limit, "start"),
        "epoch milliseconds do not fit the documented int32",
    ),
    known(
        DataCenter,
        "GET */webhooks/{webhookId}/latest",
        Broken(Limit, "finish"),
        "epoch milliseconds do not fit the documented int32",
    ),
];

impl Deviation {
    /// Whether this entry speaks about the operation called `name`.
    pub(super) fn covers(&self, name: &str) -> bool {
        matches(self.operation, name)
    }
}

/// Whether `text` is what `pattern` says, `*` standing for any text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|after| {
            (0..=after.len()).any(|at| after.get(at..).is_some_and(|tail| matches(rest, tail)))
        }),
    }
}
