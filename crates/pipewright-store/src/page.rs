//! Pages of long lists: cut by the id of a row, so that each costs the same however long the list is.

/// Which of the rows that fit are on the page. Lists are newest first; ids grow with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageStart<Id> {
    /// The newest.
    #[default]
    Newest,
    /// Those next older than this one.
    OlderThan(Id),
    /// Those next newer than this one.
    NewerThan(Id),
}

impl<Id: Copy> PageStart<Id> {
    /// The row at whose side the page lies.
    pub(crate) const fn edge(&self) -> Option<Id> {
        match self {
            Self::Newest => None,
            Self::OlderThan(id) | Self::NewerThan(id) => Some(*id),
        }
    }

    /// Rows that were read away from the edge, as every page shows them: newest first.
    pub(crate) fn newest_first<T>(&self, mut rows: Vec<T>) -> Vec<T> {
        if matches!(self, Self::NewerThan(_)) {
            rows.reverse();
        }
        rows
    }
}
