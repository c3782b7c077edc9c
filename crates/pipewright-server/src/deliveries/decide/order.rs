//! Which push is which, and which came last: a ref's order, not that of arrival.
//!
//! What is told of a ref is a set of moves, each from one place to the next. Deliveries bring them late, twice, in any
//! order or never, and comparing refs sees where the ref stands and nothing of the way there. Judged are, in this order:
//!
//! 1. the event's id: what is told again by the same id was decided;
//! 2. what a comparison found first: the delivery that comes afterwards tells of the same move;
//! 3. Bitbucket's own time of the move, where it says (Data Center);
//! 4. the chain: a move into a place that a known one left lies before it, a move out of where the ref stands lies after.
//!
//! Where all that says nothing, the move is built and replaces nothing, and the refs are compared: Bitbucket knows. No clock
//! of ours is asked. Pure, so that any order can be tried.

use pipewright_core::{CommitHash, Timestamp};
use pipewright_store::ref_moves::RefMoveRow;
use pipewright_store::refs::Standing;

/// A place that a ref can be at: a commit, or nowhere.
type Spot = Option<CommitHash>;

/// What is known of a ref.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    /// Where it stands; none where it does not exist, or was never decided.
    pub(crate) stands: Option<Standing>,
    /// Its newest moves, newest decided first.
    pub(crate) moves: Vec<RefMoveRow>,
}

/// A move as a delivery tells it.
#[derive(Debug, Clone)]
pub(crate) struct Told<'a> {
    /// Which event it is.
    pub(crate) event: &'a str,
    /// Where the ref stood; on Data Center possibly a tag object.
    pub(crate) old: &'a Spot,
    /// Where it went.
    pub(crate) new: &'a Spot,
    /// Bitbucket's own time of it.
    pub(crate) happened_at: Option<Timestamp>,
    /// True where Bitbucket or a person says that it was told before, though under another id.
    pub(crate) is_repeated: bool,
}

/// Where a told move belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It was decided: this row.
    Known {
        /// Its position among the moves.
        index: usize,
        /// True where only a comparison can tell whether it is not one more.
        in_doubt: bool,
    },
    /// Comparing refs had found it: this row.
    Found {
        /// Its position among the moves.
        index: usize,
        /// True where another move is missing before it.
        is_gap: bool,
        /// True where only a comparison can tell whether it is not one more.
        in_doubt: bool,
    },
    /// It is the newest.
    Next {
        /// True where another move is missing before it.
        is_gap: bool,
    },
    /// A newer one was decided.
    Earlier {
        /// The move that it lies right before.
        fills: Option<usize>,
        /// True where another move is missing before it.
        is_gap: bool,
    },
    /// Nothing that is known says.
    Unknown {
        /// The move that it may lie right before.
        fills: Option<usize>,
        /// True where another move is missing before it.
        is_gap: bool,
    },
}

/// How a move's time compares with that of the move to where the ref stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dated {
    Newer,
    Older,
    Nothing,
}

impl Past {
    /// Finds a told move's place.
    pub(crate) fn place(&self, told: &Told<'_>) -> Place {
        if let Some(index) = self.position(|row| row.event == told.event) {
            return Place::Known {
                index,
                in_doubt: false,
            };
        }
        if told.is_repeated
            && let Some(known) = self.told_before(told)
        {
            return known;
        }
        let dated = self.dated(told.happened_at);
        let goes_on = self.goes_on_from(told.old);
        if let Some(index) = self.found_before(told) {
            // From where the ref stands, back to where a comparison saw it: one more move, or the one that was seen, told late.
            // Without a time that says so it is not built again: if it is one more, comparing finds the ref there.
            let comes_back = goes_on && !self.stands_at(told.new);
            if !(comes_back && dated == Dated::Newer && !told.is_repeated) {
                let row = &self.moves[index];
                return Place::Found {
                    index,
                    is_gap: row.old != *told.old && !self.was_at(told.old, Some(index)),
                    in_doubt: comes_back,
                };
            }
        }
        if let Some(known) = self.told_before(told) {
            return known;
        }
        let is_gap = !goes_on && !self.was_at(told.old, None);
        let fills = self.position(|row| row.is_gap && row.old == *told.new);
        match dated {
            Dated::Older if !goes_on => return Place::Earlier { fills, is_gap },
            Dated::Newer => return Place::Next { is_gap },
            Dated::Older | Dated::Nothing => {}
        }
        if fills.is_some() && !goes_on {
            return Place::Earlier { fills, is_gap };
        }
        // A comparison has passed over moves from here: this may be the first of them.
        let may_be_late = self
            .position(|row| row.is_compared && row.old == *told.old)
            .is_some();
        if goes_on && dated == Dated::Nothing && fills.is_none() && !may_be_late {
            // Of a ref that was never decided, what moved it there is missing.
            let is_gap = self.stands.is_none() && told.old.is_some();
            Place::Next { is_gap }
        } else {
            Place::Unknown { fills, is_gap }
        }
    }

    /// The move whose place is not known that a comparison now explains: it leads to where the ref was seen.
    pub(crate) fn accounts_for(&self, seen: &Spot) -> Option<usize> {
        self.position(|row| !row.is_settled && row.new == *seen)
    }

    /// The same move, told under another id.
    fn told_before(&self, told: &Told<'_>) -> Option<Place> {
        let same =
            |row: &RefMoveRow| !row.is_compared && row.old == *told.old && row.new == *told.new;
        let known = |index, in_doubt| Some(Place::Known { index, in_doubt });
        if told.is_repeated {
            // Where the ref has moved on since, it may have come back here by a push whose first telling was lost.
            return self
                .position(same)
                .and_then(|index| known(index, !self.stands_at(told.new)));
        }
        // Another time is another move. The same one proves nothing, because it is told in whole seconds.
        let may_be = |row: &RefMoveRow| {
            let differs = row
                .happened_at
                .zip(told.happened_at)
                .is_some_and(|(one, other)| one != other);
            same(row) && !differs
        };
        // Again to where the ref stands, the same way: either it went back and forth and the way back is still to be told, or
        // somebody told it twice. Only Bitbucket knows.
        let index = self.position(may_be)?;
        if self.stands_at(told.new) {
            known(index, true)
        } else {
            None
        }
    }

    /// A move that comparing refs found, and that no delivery has told yet, to the same place.
    fn found_before(&self, told: &Told<'_>) -> Option<usize> {
        let fits = |row: &RefMoveRow| row.is_compared && row.new == *told.new;
        self.position(|row| fits(row) && row.old == *told.old)
            .or_else(|| self.moves.iter().rposition(fits))
    }

    fn position(&self, is_it: impl Fn(&RefMoveRow) -> bool) -> Option<usize> {
        self.moves.iter().position(is_it)
    }

    fn stands_at(&self, spot: &Spot) -> bool {
        self.stands.as_ref().map(|stands| &stands.commit) == spot.as_ref()
    }

    /// True where a move from `old` goes on from where the ref stands, or the ref is not known at all.
    fn goes_on_from(&self, old: &Spot) -> bool {
        match (&self.stands, old) {
            (Some(stands), Some(old)) => {
                stands.commit == *old || stands.object.as_ref() == Some(old)
            }
            (None, None) => true,
            (None, Some(_)) => self.moves.is_empty(),
            (Some(_), None) => false,
        }
    }

    /// True where something that was decided had moved the ref to this place, or it stands there.
    fn was_at(&self, spot: &Spot, but: Option<usize>) -> bool {
        self.stands_at(spot)
            || self.goes_on_from(spot)
            || self
                .moves
                .iter()
                .enumerate()
                .any(|(index, row)| Some(index) != but && row.new == *spot)
    }

    /// Against the move to where the ref stands, and against the newest that is known: comparing refs learns no time.
    fn dated(&self, happened_at: Option<Timestamp>) -> Dated {
        let Some(told) = happened_at else {
            return Dated::Nothing;
        };
        let stands = match &self.stands {
            Some(stands) => stands.happened_at,
            None => self
                .position(|row| row.is_settled && row.new.is_none())
                .and_then(|index| self.moves[index].happened_at),
        };
        let newest = self
            .moves
            .iter()
            .filter(|row| row.is_settled)
            .filter_map(|row| row.happened_at)
            .max();
        if stands.is_some_and(|stands| told > stands) {
            Dated::Newer
        } else if newest.is_some_and(|newest| told < newest) {
            Dated::Older
        } else {
            Dated::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use pipewright_core::Timestamp;
    use pipewright_store::ref_moves::RefMoveRow;
    use pipewright_store::refs::Standing;

    use super::{Past, Place, Spot, Told};

    fn spot(digit: char) -> Spot {
        (digit != '-').then(|| digit.to_string().repeat(40).parse().expect("a commit"))
    }

    /// A settled move, told by a delivery at this second.
    fn row(event: &str, way: &str, second: Option<i64>) -> RefMoveRow {
        let mut ends = way.chars();
        RefMoveRow {
            id: 0,
            event: event.to_owned(),
            old: spot(ends.next().expect("from")),
            new: spot(ends.next().expect("to")),
            is_compared: false,
            is_gap: false,
            is_settled: true,
            happened_at: second.map(Timestamp::from_seconds),
            build: None,
            build_number: None,
        }
    }

    fn past(stands: char, moves: Vec<RefMoveRow>) -> Past {
        let happened_at = moves.first().and_then(|row| row.happened_at);
        Past {
            stands: spot(stands).map(|commit| Standing {
                commit,
                object: None,
                happened_at,
            }),
            moves,
        }
    }

    fn place(past: &Past, event: &str, way: &str, second: Option<i64>) -> Place {
        told(past, event, way, second, false)
    }

    fn told(past: &Past, event: &str, way: &str, second: Option<i64>, is_repeated: bool) -> Place {
        let mut ends = way.chars();
        past.place(&Told {
            event,
            old: &spot(ends.next().expect("from")),
            new: &spot(ends.next().expect("to")),
            happened_at: second.map(Timestamp::from_seconds),
            is_repeated,
        })
    }

    const NEXT: Place = Place::Next { is_gap: false };

    fn known(index: usize) -> Place {
        Place::Known {
            index,
            in_doubt: false,
        }
    }

    #[test]
    fn a_move_back_is_one_more_and_the_same_id_is_not() {
        let forth = past('b', vec![row("2", "ab", None), row("1", "-a", None)]);
        assert_eq!(place(&forth, "3", "ba", None), NEXT);
        assert_eq!(place(&forth, "2", "ab", None), known(0));
        let back = past('a', vec![row("3", "ba", None), row("2", "ab", None)]);
        assert_eq!(place(&back, "4", "ab", None), NEXT, "and forth again");
        assert_eq!(
            told(&back, "4", "ab", None, true),
            Place::Known {
                index: 1,
                in_doubt: true
            }
        );
        let gone = past('-', vec![row("2", "a-", None), row("1", "-a", None)]);
        assert_eq!(place(&gone, "3", "-a", None), NEXT, "made again");
    }

    #[test]
    fn the_same_way_to_where_it_stands_is_one_more_only_if_bitbuckets_time_says_so() {
        let without = past('b', vec![row("1", "ab", None)]);
        assert_eq!(
            place(&without, "2", "ab", None),
            Place::Known {
                index: 0,
                in_doubt: true
            }
        );
        let with = past('b', vec![row("1", "ab", Some(5))]);
        assert_eq!(
            place(&with, "2", "ab", Some(5)),
            Place::Known {
                index: 0,
                in_doubt: true
            },
            "times are told in whole seconds"
        );
        assert_eq!(
            place(&with, "2", "ab", Some(7)),
            Place::Next { is_gap: true }
        );
        assert_eq!(
            place(&with, "2", "ab", Some(3)),
            Place::Earlier {
                fills: None,
                is_gap: true
            }
        );
    }

    #[test]
    fn three_pushes_told_last_first_keep_their_order() {
        let before = past('a', vec![]);
        assert_eq!(
            place(&before, "3", "cd", None),
            Place::Unknown {
                fills: None,
                is_gap: true
            }
        );
        let mut open = row("3", "cd", None);
        (open.is_gap, open.is_settled) = (true, false);
        let after = past('a', vec![open]);
        assert_eq!(
            place(&after, "2", "bc", None),
            Place::Earlier {
                fills: Some(0),
                is_gap: true
            }
        );
        let mut filled = row("3", "cd", None);
        filled.is_settled = false;
        let mut gap = row("2", "bc", None);
        gap.is_gap = true;
        let last = past('a', vec![gap, filled]);
        assert_eq!(
            place(&last, "1", "ab", None),
            Place::Unknown {
                fills: Some(0),
                is_gap: false
            },
            "it goes on from where the ref stands, and may lie before what is known: Bitbucket says"
        );
    }

    #[test]
    fn what_a_comparison_found_is_told_once_afterwards() {
        let mut found = row("comparison", "ac", None);
        found.is_compared = true;
        let seen = past('c', vec![found.clone()]);
        let was_found = |index, is_gap, in_doubt| Place::Found {
            index,
            is_gap,
            in_doubt,
        };
        assert_eq!(place(&seen, "2", "bc", None), was_found(0, true, false));
        assert_eq!(place(&seen, "2", "ac", None), was_found(0, false, false));
        let moved_on = past('d', vec![row("3", "cd", Some(3)), found]);
        assert_eq!(place(&moved_on, "2", "bc", None), was_found(1, true, false));
        assert_eq!(
            place(&moved_on, "4", "dc", None),
            was_found(1, false, true),
            "back to it may be one more"
        );
        assert_eq!(place(&moved_on, "4", "dc", Some(5)), NEXT, "and is, later");
        assert!(matches!(
            told(&moved_on, "4", "dc", Some(5), true),
            Place::Found { .. }
        ));
    }

    #[test]
    fn an_annotated_tag_goes_on_from_its_object() {
        let mut tag = past('c', vec![row("1", "-c", None)]);
        if let Some(stands) = &mut tag.stands {
            stands.object = spot('f');
        }
        assert_eq!(place(&tag, "2", "fd", None), NEXT);
        assert_eq!(
            place(&tag, "2", "ed", None),
            Place::Unknown {
                fills: None,
                is_gap: true
            }
        );
    }
}
