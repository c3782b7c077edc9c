//! What was begun for a step in containers, as its keeper must know it.

use serde::{Deserialize, Serialize};

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    /// As the pipeline file writes it.
    pub(super) name: String,
    /// The engine's own id: the content, whatever becomes of the name.
    pub(super) id: String,
    /// TCP ports that it says to listen on.
    pub(super) ports: Vec<u16>,
    /// Whether it has a check of its own.
    pub(super) has_check: bool,
}

/// The images of a step, in the order of its services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    pub(super) step: Option<Image>,
    pub(super) services: Vec<Image>,
    /// In the order of the scripts.
    pub(super) pipes: Vec<Image>,
}

/// What was begun for a step, as its keeper must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// The container that holds the network.
    pub(super) holder: String,
    /// The step's own.
    pub(super) step: String,
    /// The user of its scripts.
    pub(super) user: u32,
    /// Bytes of memory that the step's own may use.
    pub(super) memory: Option<u64>,
    pub(super) services: Vec<BegunService>,
    /// The images of the pipes, in the order of the scripts.
    pub(super) pipes: Vec<Image>,
    /// What is to be said of it in the log.
    pub(crate) remarks: Vec<String>,
}

/// A service that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BegunService {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) memory: u64,
}
