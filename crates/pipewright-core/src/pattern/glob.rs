//! The matcher behind [`super::RefPattern`]: a pattern becomes a small automaton that is walked once over the name.
//!
//! Our own, because a pipeline file may hold thousands of patterns: compiling each to a general regular expression costs
//! fifty times what all of them cost here, and general globs know `**` only between slashes. Walking costs at most the
//! length of the pattern times that of the name, whatever the pattern.

/// How deep braces may nest.
const MAX_NESTING: usize = 8;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    /// What every match begins with; compared first, because most names fail there.
    prefix: String,
    states: Vec<State>,
}

/// What is wrong with a pattern.
pub(super) type Reason = &'static str;

#[derive(Debug, Clone)]
enum State {
    /// This character.
    Char(char),
    /// One character but `/`.
    One,
    /// Characters but `/`, as many as fit.
    Star,
    /// Any characters.
    Any,
    /// Goes on at each of these states.
    Split(Vec<u16>),
    /// The same for `**/`, which may stand for nothing.
    Deep(Vec<u16>),
    /// The pattern is at its end.
    End,
}

impl Glob {
    pub(super) fn compile(pattern: &str) -> Result<Self, Reason> {
        let prefix: String = pattern
            .chars()
            .take_while(|character| !matches!(character, '*' | '?' | '{' | '}'))
            .collect();
        let mut compiler = Compiler {
            rest: pattern[prefix.len()..].chars().peekable(),
            states: Vec::new(),
        };
        let mut before = prefix.chars().next_back();
        compiler.sequence(0, &mut before)?;
        compiler.states.push(State::End);
        Ok(Self {
            prefix,
            states: compiler.states,
        })
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(self.prefix.as_str()) else {
            return false;
        };
        let mut walk = Walk {
            states: &self.states,
            marks: vec![0; self.states.len()],
            round: 0,
            open: Vec::new(),
        };
        let (mut current, mut next) = (Vec::new(), Vec::new());
        walk.enter([0].into_iter(), &mut current);
        for character in rest.chars() {
            if current.is_empty() {
                return false;
            }
            let moved = current
                .iter()
                .filter_map(|index| match &self.states[*index] {
                    State::Char(wanted) if *wanted == character => Some(index + 1),
                    State::One if character != '/' => Some(index + 1),
                    State::Star if character != '/' => Some(*index),
                    State::Any => Some(*index),
                    _ => None,
                });
            walk.enter(moved, &mut next);
            std::mem::swap(&mut current, &mut next);
        }
        current
            .iter()
            .any(|index| matches!(self.states[*index], State::End))
    }
}

/// How much of a pattern is what a name must be: what was written out, then how few of its wildcards take how much. Greater
/// is more specific; of two that match one name, what the greater matches is in general a part of what the other does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Score {
    literals: i32,
    /// `**`, each counted down; likewise the following.
    anys: i32,
    stars: i32,
    ones: i32,
}

impl Score {
    const fn plus(self, other: Self) -> Self {
        Self {
            literals: self.literals + other.literals,
            anys: self.anys + other.anys,
            stars: self.stars + other.stars,
            ones: self.ones + other.ones,
        }
    }
}

impl Glob {
    /// The score of the most specific way in which the pattern matches a name: of alternatives, the one that matched. None
    /// where it does not match.
    pub(super) fn score(&self, name: &str) -> Option<Score> {
        let rest = name.strip_prefix(self.prefix.as_str())?;
        let written = Score {
            literals: i32::try_from(self.prefix.chars().count()).unwrap_or(i32::MAX / 2),
            ..Score::default()
        };
        let mut current = vec![None; self.states.len()];
        self.reach(&mut current, 0, written);
        self.follow(&mut current);
        for character in rest.chars() {
            let mut next = vec![None; self.states.len()];
            for (index, score) in current.iter().enumerate() {
                let Some(score) = *score else { continue };
                match &self.states[index] {
                    State::Char(wanted) if *wanted == character => {
                        let more = Score {
                            literals: 1,
                            ..Score::default()
                        };
                        self.reach(&mut next, index + 1, score.plus(more));
                    }
                    State::One if character != '/' => {
                        let less = Score {
                            ones: -1,
                            ..Score::default()
                        };
                        self.reach(&mut next, index + 1, score.plus(less));
                    }
                    // They were counted when they were entered.
                    State::Star if character != '/' => keep_best(&mut next[index], score),
                    State::Any => keep_best(&mut next[index], score),
                    _ => {}
                }
            }
            self.follow(&mut next);
            current = next;
        }
        let end = self
            .states
            .iter()
            .position(|state| matches!(state, State::End))?;
        current[end]
    }

    /// Enters a state, which counts its wildcard.
    fn reach(&self, scores: &mut [Option<Score>], index: usize, score: Score) {
        let entered = match self.states[index] {
            State::Star => Score {
                stars: -1,
                ..Score::default()
            },
            State::Any | State::Deep(_) => Score {
                anys: -1,
                ..Score::default()
            },
            _ => Score::default(),
        };
        keep_best(&mut scores[index], score.plus(entered));
    }

    /// Follows the moves that take no character. All of them lead onwards, so one pass is enough.
    fn follow(&self, scores: &mut [Option<Score>]) {
        for index in 0..self.states.len() {
            let Some(score) = scores[index] else { continue };
            match &self.states[index] {
                State::Split(targets) | State::Deep(targets) => {
                    for target in targets {
                        self.reach(scores, usize::from(*target), score);
                    }
                }
                State::Star | State::Any => self.reach(scores, index + 1, score),
                State::Char(_) | State::One | State::End => {}
            }
        }
    }
}

fn keep_best(kept: &mut Option<Score>, score: Score) {
    *kept = (*kept).max(Some(score));
}

/// Follows the moves that take no character.
struct Walk<'g> {
    states: &'g [State],
    /// The round in which a state was last entered.
    marks: Vec<u32>,
    round: u32,
    /// States to enter yet.
    open: Vec<usize>,
}

impl Walk<'_> {
    /// Fills `entered` with the states that wait for a character, from these on.
    fn enter(&mut self, from: impl Iterator<Item = usize>, entered: &mut Vec<usize>) {
        self.round += 1;
        entered.clear();
        self.open.extend(from);
        while let Some(index) = self.open.pop() {
            if std::mem::replace(&mut self.marks[index], self.round) == self.round {
                continue;
            }
            match &self.states[index] {
                State::Split(targets) | State::Deep(targets) => self
                    .open
                    .extend(targets.iter().map(|target| usize::from(*target))),
                State::Star | State::Any => {
                    self.open.push(index + 1);
                    entered.push(index);
                }
                State::Char(_) | State::One | State::End => entered.push(index),
            }
        }
    }
}

struct Compiler<'p> {
    rest: std::iter::Peekable<std::str::Chars<'p>>,
    states: Vec<State>,
}

impl Compiler<'_> {
    /// Up to the end, or inside braces up to the next `,` or `}`, which is left. `before` is the character before.
    fn sequence(&mut self, depth: usize, before: &mut Option<char>) -> Result<(), Reason> {
        while let Some(character) = self.rest.peek().copied() {
            if depth > 0 && matches!(character, ',' | '}') {
                return Ok(());
            }
            self.rest.next();
            match character {
                // `**/` ends with the slash that it took along, so that another one may follow it.
                '*' if self.stars(*before) => {
                    *before = Some('/');
                    continue;
                }
                '*' => {}
                '?' => self.states.push(State::One),
                '{' => self.alternatives(depth + 1, *before)?,
                '}' => return Err("a } has no matching {"),
                other => self.states.push(State::Char(other)),
            }
            *before = Some(character);
        }
        if depth == 0 {
            Ok(())
        } else {
            Err("a { is not closed")
        }
    }

    /// `*`, `**`, or `**/` where a directory may begin: there it also stands for no directory at all, as people expect
    /// of `**/*.py`. True where the slash was taken along.
    fn stars(&mut self, before: Option<char>) -> bool {
        if self.rest.next_if_eq(&'*').is_none() {
            self.states.push(State::Star);
            return false;
        }
        while self.rest.next_if_eq(&'*').is_some() {}
        if before.is_none_or(|before| before == '/') && self.rest.next_if_eq(&'/').is_some() {
            let at = self.states.len() as u16;
            self.states.extend([
                State::Deep(vec![at + 1, at + 3]),
                State::Any,
                State::Char('/'),
            ]);
            return true;
        }
        self.states.push(State::Any);
        false
    }

    fn alternatives(&mut self, depth: usize, before: Option<char>) -> Result<(), Reason> {
        if depth > MAX_NESTING {
            return Err("braces nest too deep");
        }
        let split = self.states.len();
        self.states.push(State::Split(Vec::new()));
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        loop {
            starts.push(self.states.len() as u16);
            self.sequence(depth, &mut before.clone())?;
            ends.push(self.states.len());
            self.states.push(State::Split(Vec::new()));
            if self.rest.next() == Some('}') {
                break;
            }
        }
        let after = self.states.len() as u16;
        for end in ends {
            self.states[end] = State::Split(vec![after]);
        }
        self.states[split] = State::Split(starts);
        Ok(())
    }
}
