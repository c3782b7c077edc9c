//! Where an answer goes and what it may link to.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    datacenter::{moment::Moment, version::Version},
    state::Tables,
};

/// Who reads what is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::datacenter) enum Audience {
    /// A REST client.
    Rest,
    /// A webhook's receiver.
    Payload,
}

/// The addresses of the simulated server, as an administrator would have configured them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::datacenter) struct Links {
    /// Base URL with the context path, without a slash at its end.
    pub(in crate::datacenter) base: String,
    /// Host and port that SSH clone links name; `None` when SSH is off.
    pub(in crate::datacenter) ssh: Option<(String, u16)>,
}

/// Everything needed to write one answer or payload.
#[derive(Debug, Clone, Copy)]
pub(in crate::datacenter) struct Render<'t> {
    pub(in crate::datacenter) tables: &'t Tables,
    pub(in crate::datacenter) links: &'t Links,
    pub(in crate::datacenter) version: Version,
    pub(in crate::datacenter) audience: Audience,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::datacenter) struct Href {
    pub(in crate::datacenter) href: String,
}

/// `links: {"self": [{"href"}]}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::datacenter) struct SelfLinks {
    #[serde(rename = "self")]
    own: Vec<Href>,
}

impl SelfLinks {
    pub(super) fn to(href: String) -> Self {
        Self {
            own: vec![Href { href }],
        }
    }
}

impl Render<'_> {
    /// Payloads of 5.x carry no links at all.
    pub(super) fn self_links(&self, path: &str) -> Option<SelfLinks> {
        self.shows_links()
            .then(|| SelfLinks::to(format!("{}{path}", self.links.base)))
    }

    pub(super) fn shows_links(&self) -> bool {
        self.audience == Audience::Rest || self.version.links_in_payloads()
    }

    pub(in crate::datacenter) fn moment(&self, at: Timestamp) -> Moment {
        match self.audience {
            Audience::Rest => Moment::rest(at),
            Audience::Payload => Moment::payload(at, self.version),
        }
    }
}
