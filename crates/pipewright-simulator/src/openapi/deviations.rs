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
    Rule(Rule, &'static str),
}

/// One known error of a document.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    /// Whose document.
    pub product: Product,
    /// `METHOD /template`, where one `*` stands for anything. For [`Allowance::Path`] it is the path itself.
    pub operation: &'static str,
    /// What is allowed.
    pub allows: Allowance,
    /// Why: the source that knows better.
    pub reason: &'static str,
}

use Allowance::{Path, Status};
use Product::Datacenter as DataCenter;

const fn known(product: Product, operation: &'static str, allows: Allowance, reason: &'static str) -> Deviation {
    Deviation { product, operation, allows, reason }
}

/// All known errors of both documents.
pub const DEVIATIONS: &[Deviation] = &[
    // Data Center: whole operations.
    known(DataCenter, "GET /capabilities", Path, "read by Atlassian's own CI plug-in, absent from the document"),
    known(DataCenter, "GET /webhooks/latest/capabilities", Path, "linked from /capabilities, absent from the document"),
    known(DataCenter, "POST */webhooks", Status(201, Some(200)), "servers create with 201, the document says 200"),
];

impl Deviation {
    /// Whether this entry speaks about the operation called `name`.
    pub(super) fn covers(&self, name: &str) -> bool {
        match self.operation.split_once('*') {
            None => self.operation == name,
            Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        }
    }
}
