//! Words of ours made into sentences for people.

/// A fragment, of an error for one, as a sentence of its own. One that begins with a name in backticks keeps it as it is.
pub(crate) fn sentence(fragment: &str) -> String {
    let mut characters = fragment.chars();
    let first: String = characters
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}

/// Everything that is wrong with a form, said at once: the sentences that there are, in their order. Nothing where nothing
/// is wrong.
pub(crate) fn together(wrong: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let said: Vec<String> = wrong.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}
