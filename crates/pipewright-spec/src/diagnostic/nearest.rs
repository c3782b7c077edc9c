//! The nearest known word for a misspelt one.

/// The known word that `word` most likely meant, if one is near: the same letters in another case or with other
/// separators, one the beginning of the other, or few single-letter changes apart.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.len() > 40 {
        return None;
    }
    let plain = simplified(word);
    if let Some(same) = known
        .iter()
        .find(|candidate| simplified(candidate) == plain)
    {
        return Some(same);
    }
    let allowed = match plain.len() {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    known
        .iter()
        .map(|candidate| (simplified(candidate), *candidate))
        .filter(|(letters, _)| letters.len().abs_diff(plain.len()) <= allowed)
        .map(|(letters, candidate)| (distance(&plain, &letters), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn simplified(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    // `cache` and `caches`, `step` and `steps` are one word to the person who typed it.
    if letters.len() > 3 && letters.last() == Some(&'s') {
        letters.pop();
    }
    letters
}

/// Single-letter insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=other.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in other.iter().enumerate() {
            let replaced = previous[column] + usize::from(left != right);
            let mut best = replaced
                .min(previous[column + 1] + 1)
                .min(current[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *right && *left == other[column - 1] {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
    }
    previous[other.len()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::nearest;

    #[rstest]
    #[case("debth", Some("depth"))]
    #[case("Depth", Some("depth"))]
    #[case("max_time", Some("max-time"))]
    #[case("maxTime", Some("max-time"))]
    #[case("scripts", Some("script"))]
    #[case("afterscript", Some("after-script"))]
    #[case("nmae", Some("name"))]
    #[case("needs", None)]
    #[case("", None)]
    #[case("x", None)]
    fn a_misspelt_key_is_recognised(#[case] word: &str, #[case] expected: Option<&str>) {
        assert_eq!(
            nearest(
                word,
                &[
                    "name",
                    "script",
                    "after-script",
                    "max-time",
                    "depth",
                    "deployment"
                ]
            ),
            expected
        );
    }
}
