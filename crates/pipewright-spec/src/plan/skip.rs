//! The marker in a commit message that keeps a push from being built.

/// True if the message of the pushed commit holds `[skip ci]` or `[ci skip]`, anywhere and in any case. It holds back
/// pushes of branches and tags and pull requests; what a person or a schedule starts, runs.
pub fn has_skip_marker(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("[skip ci]") || message.contains("[ci skip]")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::has_skip_marker;

    #[rstest]
    #[case("fix typo [skip ci]", true)]
    #[case("[CI Skip] release", true)]
    #[case("subject\n\nbody [ci skip]", true)]
    #[case("skip ci", false)]
    #[case("[skip-ci]", false)]
    fn the_marker_is_found(#[case] message: &str, #[case] expected: bool) {
        assert_eq!(has_skip_marker(message), expected);
    }
}
