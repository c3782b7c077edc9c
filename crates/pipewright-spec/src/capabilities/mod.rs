//! What is legal in a pipeline file but not possible on an installation, and what is done about it: one table with the
//! reasons. An executor that learns something new only flips its flag.

mod table;

use std::collections::BTreeSet;

use pipewright_core::plan::{StepPlan, Unmet};

use crate::syntax::Place;

pub use table::{Feature, Ignoring};

/// Labels that a runner on a Linux machine has where nobody says otherwise: Bitbucket's own words for one that runs scripts
/// directly. On an ARM machine `linux.arm64` comes to them.
pub const USUAL_LABELS: &[&str] = if cfg!(target_arch = "aarch64") {
    &["self.hosted", "linux", "linux.shell", "linux.arm64"]
} else {
    &["self.hosted", "linux", "linux.shell"]
};

/// What an installation's executor can do, and the labels of its runners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    supported: BTreeSet<Feature>,
    labels: BTreeSet<String>,
}

impl Capabilities {
    /// Everything there is: for `validate` without an installation in mind.
    pub fn all() -> Self {
        Self {
            supported: Feature::ALL.iter().copied().collect(),
            labels: BTreeSet::new(),
        }
    }

    /// None of the features. What is not in the table is always supported: the start conditions, steps in every
    /// order, names, scripts, time limits, plain clones, manual steps, failure strategies.
    pub const fn none() -> Self {
        Self {
            supported: BTreeSet::new(),
            labels: BTreeSet::new(),
        }
    }

    /// The host executor today, with the usual labels. A step that declares an image runs there all the same, and its
    /// result says that it ran without.
    pub fn host() -> Self {
        let features = [
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
            Feature::Oidc,
            // What is written elsewhere.
            Feature::Imports,
            // Custom pipelines that pushes and pull requests start.
            Feature::Triggers,
        ];
        features
            .into_iter()
            .fold(Self::none(), Self::with)
            .with_labels(USUAL_LABELS.iter().copied())
    }

    /// The host executor, and containers beside it for every step that does not ask for the machine itself. `docker` where steps
    /// may be given a Docker engine of their own.
    pub fn engine(docker: bool) -> Self {
        let mut features = vec![
            Feature::Image,
            Feature::Size,
            Feature::Services,
            Feature::Pipes,
            Feature::OutsideCache,
        ];
        if docker {
            features.extend([Feature::DockerService, Feature::DockerOption]);
        }
        features.into_iter().fold(Self::host(), Self::with)
    }

    /// With these labels of its runners instead of those it had.
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// The labels of its runners.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
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

    /// What a step declares and has to do without. Of the step alone, so that whoever has a plan can ask.
    pub fn unmet(&self, step: &StepPlan) -> Vec<Unmet> {
        let image = step
            .image
            .as_ref()
            .filter(|_| !self.has(Feature::Image) || step.is_for_host());
        let caches = step.caches.iter().filter(|cache| {
            (is_docker_cache(&cache.path) && !self.has(Feature::DockerCache))
                || (is_outside(&cache.path)
                    && (!self.has(Feature::OutsideCache) || step.is_for_host()))
        });
        image
            .map(|image| Unmet::Image(image.name.clone()))
            .into_iter()
            .chain(caches.map(|cache| Unmet::Cache(cache.name.clone())))
            .collect()
    }

    /// True if it can do what a place needs. Whoever has the whole of `runs-on` takes any label.
    pub(crate) fn meets(&self, needed: &FeatureUse) -> bool {
        self.has(needed.feature)
            || (needed.feature == Feature::RunsOn && self.labels.contains(&needed.name))
            || (needed.feature == Feature::Platform && needed.name == std::env::consts::OS)
    }

    /// True if the installation can do it.
    pub fn has(&self, feature: Feature) -> bool {
        self.supported.contains(&feature)
    }
}

/// The predefined cache `docker` has no path: the engine keeps it.
pub(crate) const fn is_docker_cache(path: &str) -> bool {
    path.is_empty()
}

/// Bitbucket's own absolute paths of the clone directory and the home.
const OWN: [&str; 2] = [
    "/opt/atlassian/pipelines/agent/build/",
    "/opt/atlassian/pipelines/agent/home/",
];

/// True for a cache's path that leads out of the step's own directories: the clone directory and the home.
pub(crate) fn is_outside(path: &str) -> bool {
    let below = OWN.iter().find_map(|own| path.strip_prefix(own));
    let path = below.unwrap_or(path);
    path.starts_with('/') || path.split('/').any(|part| part == "..")
}

/// A place in the file that needs a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeatureUse {
    pub(crate) feature: Feature,
    /// The label, image or cache, for features that have one; else empty.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) path: String,
}
