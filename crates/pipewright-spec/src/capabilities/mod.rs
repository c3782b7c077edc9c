//! What is legal in a pipeline file but not possible on an installation, and what is done about it: one table with the
//! reasons. An executor that learns something new only flips its flag.

mod table;

use std::collections::BTreeSet;

use crate::syntax::Place;

pub use table::{Feature, Ignoring};

/// What an installation's executor can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    supported: BTreeSet<Feature>,
}

impl Capabilities {
    /// Everything there is: for `validate` without an installation in mind.
    pub fn all() -> Self {
        Self { supported: Feature::ALL.iter().copied().collect() }
    }

    /// None of the features. What is not in the table is always supported: the start conditions, steps in every
    /// order, names, scripts, time limits, plain clones, manual steps, failure strategies.
    pub const fn none() -> Self {
        Self { supported: BTreeSet::new() }
    }

    /// The host executor today. An image is no error there: the log says that it is not used.
    pub fn host() -> Self {
        let features = [
            Feature::Image,
            // What steps hand to later ones.
            Feature::OutputVariables,
            Feature::Artifacts,
            // What builds leave for later builds.
            Feature::Caches,
            // Which steps run when.
            Feature::ConditionChangesets,
            Feature::ConditionState,
            Feature::ConcurrencyGroup,
            Feature::Deployment,
            // What steps are given.
            Feature::Environment,
        ];
        features.into_iter().fold(Self::none(), Self::with)
    }

    /// With this feature.
    pub fn with(mut self, feature: Feature) -> Self {
        self.supported.insert(feature);
        self
    }

    /// Without this feature.
    pub fn without(mut self, feature: Feature) -> Self {
        self.supported.remove(&feature);
        self
    }

    /// True if the installation can do it.
    pub fn has(&self, feature: Feature) -> bool {
        self.supported.contains(&feature)
    }
}

/// A place in the file that needs a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeatureUse {
    pub(crate) feature: Feature,
    pub(crate) place: Place,
    pub(crate) path: String,
}
