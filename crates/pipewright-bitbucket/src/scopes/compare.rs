//! What was granted against what is needed: which feature works, and which scope stops which.

use super::feature::Feature;
use super::set::ScopeSet;

/// Whether a feature can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureState {
    /// Everything it needs was granted.
    Works,
    /// It is wanted and something is missing.
    Missing,
    /// Nobody asked for it.
    OffByChoice,
}

/// One feature beside what was granted for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeaturePermission {
    /// The feature.
    pub feature: Feature,
    /// The scopes it needs.
    pub needs: Vec<&'static str>,
    /// For each scope it needs, in the same order, the granted scope that gives it.
    pub granted_by: Vec<Option<String>>,
    /// Whether it can be used.
    pub state: FeatureState,
}

impl FeaturePermission {
    /// The scopes it needs and does not have.
    pub fn missing(&self) -> Vec<&'static str> {
        self.needs
            .iter()
            .zip(&self.granted_by)
            .filter(|(_, granted)| granted.is_none())
            .map(|(need, _)| *need)
            .collect()
    }
}

/// Compares a grant with the features that are wanted. Every feature gets a line, in reading order.
pub fn compare(granted: &ScopeSet, wanted: &[Feature]) -> Vec<FeaturePermission> {
    Feature::ALL
        .into_iter()
        .map(|feature| {
            let needs = feature.needs().to_vec();
            let granted_by: Vec<_> = needs
                .iter()
                .map(|scope| granted.granted_by(scope).map(str::to_owned))
                .collect();
            let state = match (
                wanted.contains(&feature),
                granted_by.iter().all(Option::is_some),
            ) {
                (false, _) => FeatureState::OffByChoice,
                (true, true) => FeatureState::Works,
                (true, false) => FeatureState::Missing,
            };
            FeaturePermission {
                feature,
                needs,
                granted_by,
                state,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::{Feature, ScopeSet, default_features};
    use super::{FeatureState, compare};

    #[rstest]
    #[case("account email pullrequest webhook", &[])]
    #[case("account pullrequest webhook", &[])]
    #[case("account repository webhook", &[Feature::PullRequests])]
    #[case("account pullrequest", &[Feature::Webhooks])]
    #[case("pullrequest webhook", &[Feature::Repositories])]
    #[case("account:write pullrequest:write webhook", &[])]
    #[case("repository:admin", &[Feature::Repositories, Feature::BuildStatus, Feature::Webhooks, Feature::PullRequests])]
    fn a13_what_is_missing_stops_exactly_its_feature(
        #[case] granted: &str,
        #[case] stopped: &[Feature],
    ) {
        let lines = compare(&ScopeSet::parse(granted), default_features());
        let missing: Vec<_> = lines
            .iter()
            .filter(|line| line.state == FeatureState::Missing)
            .map(|line| line.feature)
            .collect();
        assert_eq!(missing, stopped);
        assert!(
            lines
                .iter()
                .all(|line| (line.state == FeatureState::Missing) <= !line.missing().is_empty())
        );
    }

    #[test]
    fn what_nobody_asked_for_is_off_by_choice_and_says_who_gives_what() {
        let lines = compare(
            &ScopeSet::parse("account pullrequest webhook"),
            default_features(),
        );
        let line = |feature| {
            lines
                .iter()
                .find(|line| line.feature == feature)
                .expect("every feature has a line")
        };
        assert_eq!(line(Feature::DeployKeys).state, FeatureState::OffByChoice);
        assert_eq!(
            line(Feature::BuildStatus).granted_by,
            [Some("pullrequest".to_owned())]
        );
        assert_eq!(lines.len(), Feature::ALL.len());
    }
}
