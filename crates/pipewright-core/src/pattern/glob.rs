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
                State::Split(targets) => self
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
                '}' => return Err("a } closes no {"),
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
                State::Split(vec![at + 1, at + 3]),
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
