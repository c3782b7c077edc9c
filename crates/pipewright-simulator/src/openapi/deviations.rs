//! Where Bitbucket's documents are known to be wrong, each with the reason we believe the servers instead.
//!
//! Every entry names the narrowest place that a source supports. An entry that no test uses any more is removed.

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
    /// An answer body (or its absence) that differs from the document as a whole.
    Body,
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

use Allowance::{Broken, Path, Status};
use Product::Datacenter as DataCenter;
use Rule::{Limit, Null, Type};

const fn known(product: Product, operation: &'static str, allows: Allowance, reason: &'static str) -> Deviation {
    Deviation { product, operation, allows, reason }
}

/// All known errors of both documents.
pub const DEVIATIONS: &[Deviation] = &[
    // Data Center: whole operations.
    known(DataCenter, "GET /capabilities", Path, "read by Atlassian's own CI plug-in, absent from the document"),
    known(DataCenter, "GET /webhooks/latest/capabilities", Path, "linked from /capabilities, absent from the document"),
    known(DataCenter, "POST */webhooks", Status(201, Some(200)), "servers create with 201, the document says 200"),
    known(DataCenter, "POST /keys/latest/*/ssh", Status(409, None), "a key is a user's or an access key, never both: 409"),
    // Data Center: properties.
    known(DataCenter, "*", Broken(Null, "errors/*/context"), "null unless one field is wrong; in every capture of an error"),
    known(DataCenter, "*", Broken(Null, "errors/*/exceptionName"), "null where no exception has a name; in several captures"),
    known(DataCenter, "GET */tags*", Broken(Null, "hash"), "null for a lightweight tag; capture tags-lightweight"),
    known(DataCenter, "*/ssh*", Broken(Type, "createdDate"), "epoch milliseconds, as REST sends every date; the document says date-time"),
    known(DataCenter, "* /access-tokens/*", Broken(Type, "createdDate"), "epoch milliseconds, as reported by clients of live servers"),
    known(DataCenter, "GET */webhooks/{webhookId}/latest", Broken(Limit, "start"), "epoch milliseconds do not fit the documented int32"),
    known(DataCenter, "GET */webhooks/{webhookId}/latest", Broken(Limit, "finish"), "epoch milliseconds do not fit the documented int32"),
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
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|after| (0..=after.len()).any(|at| after.get(at..).is_some_and(|tail| matches(rest, tail)))),
    }
}
