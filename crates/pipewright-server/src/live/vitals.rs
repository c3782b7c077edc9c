//! How each part of the server is: what every loop last said of itself.
//!
//! A part says that it is well each time it has looked at its work, or what keeps it from doing it. A part that is silent
//! for longer than its work can take is not well either. Nothing here decides: `background::supervise` starts parts again,
//! health and pages show what is said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

macro_rules! parts {
    ($($variant:ident = ($name:literal, $silence:expr, $about:literal)),+ $(,)?) => {
        /// A part of the server that can fail by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Part {
            $(#[doc = $about] $variant),+
        }

        impl Part {
            /// The name in health and in the log.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it does, for people: goes on from "Trouble with …".
            pub(crate) const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about),+ }
            }

            /// How long it may be silent: longer than one of its looks ever takes.
            const fn silence(self) -> Duration {
                match self { $(Self::$variant => $silence),+ }
            }
        }
    };
}

/// A look that asks the database alone.
const QUICK: Duration = Duration::from_mins(2);

/// A look that asks Bitbucket or git, for many things one after another.
const SLOW: Duration = Duration::from_mins(30);

parts! {
    Database = ("database", QUICK, "reading and writing the database"),
    Listener = ("listener", Duration::MAX, "accepting connections"),
    Intake = ("intake", Duration::MAX, "storing webhook deliveries"),
    Deciding = ("deciding", QUICK, "deciding what deliveries build"),
    Planning = ("planning", QUICK, "planning builds"),
    Statuses = ("statuses", QUICK, "reporting builds to Bitbucket"),
    Runner = ("runner", Duration::MAX, "running steps"),
    Room = ("room", Duration::MAX, "room for steps"),
    Leases = ("leases", QUICK, "looking for lost runners"),
    Comparison = ("comparison", SLOW, "comparing refs with Bitbucket"),
    Listings = ("listings", SLOW, "listing repositories"),
    Inspections = ("inspections", SLOW, "looking into repositories"),
    Keys = ("keys", SLOW, "checking SSH keys"),
    Webhooks = ("webhooks", SLOW, "keeping webhooks"),
    Schedules = ("schedules", SLOW, "firing schedules"),
    Tasks = ("tasks", SLOW, "doing tasks"),
    Notify = ("notify", QUICK, "telling the service manager"),
    Retention = ("retention", Duration::MAX, "removing what was kept long enough"),
    Artifacts = ("artifacts", SLOW, "removing old artifacts"),
}

/// What a part said last.
#[derive(Debug)]
struct Said {
    /// When it began or last said anything.
    heard: Instant,
    /// When it was last well; none before the first time.
    well: Option<Instant>,
    /// Why it is not well, and since when.
    trouble: Option<(String, Instant)>,
    /// How often it was started again.
    restarts: u32,
}

/// A part that is not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// Which.
    pub(crate) part: Part,
    /// Why: a fragment.
    pub(crate) why: String,
    /// For how long.
    pub(crate) lasts: Duration,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Vitals {
    parts: Mutex<BTreeMap<Part, Said>>,
    /// True once the server was asked to stop.
    stopping: watch::Sender<bool>,
    /// Somebody could not use the database.
    doubt: Notify,
}

impl Default for Vitals {
    fn default() -> Self {
        Self {
            parts: Mutex::default(),
            stopping: watch::channel(false).0,
            doubt: Notify::new(),
        }
    }
}

impl Vitals {
    /// A part begins to work, for the first time or again.
    pub(crate) fn begins(&self, part: Part) {
        let mut parts = self.lock();
        let now = Instant::now();
        parts
            .entry(part)
            .and_modify(|said| {
                said.heard = now;
                said.restarts += 1;
            })
            .or_insert(Said {
                heard: now,
                well: None,
                trouble: None,
                restarts: 0,
            });
    }

    /// A part has done a look at its work. One that was never begun, as in a test, is not noted.
    pub(crate) fn well(&self, part: Part) {
        if let Some(said) = self.lock().get_mut(&part) {
            let now = Instant::now();
            said.heard = now;
            said.well = Some(now);
            if let Some((why, _)) = said.trouble.take() {
                tracing::info!(part = part.name(), was = why, "is well again");
            }
        }
    }

    /// A part cannot do its work, and tries again. `why` is a fragment.
    pub(crate) fn unwell(&self, part: Part, why: impl Into<String>) {
        if let Some(said) = self.lock().get_mut(&part) {
            let now = Instant::now();
            said.heard = now;
            let since = said.trouble.as_ref().map_or(now, |(_, since)| *since);
            said.trouble = Some((why.into(), since));
        }
    }

    /// Somebody could not read or write the database: it is in trouble from now on, and looked at at once. `why` is a fragment.
    pub(crate) fn doubt_database(&self, why: impl Into<String>) {
        self.unwell(Part::Database, why);
        self.doubt.notify_one();
    }

    /// Waits until somebody doubts the database.
    pub(crate) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// Whether a part said that it cannot do its work.
    pub(crate) fn is_unwell(&self, part: Part) -> bool {
        self.lock()
            .get(&part)
            .is_some_and(|said| said.trouble.is_some())
    }

    /// A part is no longer wanted: what it said is forgotten.
    pub(crate) fn ends(&self, part: Part) {
        self.lock().remove(&part);
    }

    /// The parts that are not well, as of `now`.
    pub(crate) fn troubles(&self, now: Instant) -> Vec<Trouble> {
        let parts = self.lock();
        parts
            .iter()
            .filter_map(|(part, said)| {
                let silent = now.saturating_duration_since(said.heard);
                if let Some((why, since)) = &said.trouble {
                    return Some(Trouble {
                        part: *part,
                        why: why.clone(),
                        lasts: now.saturating_duration_since(*since),
                    });
                }
                (silent > part.silence()).then(|| Trouble {
                    part: *part,
                    why: format!("it has not reported for {} s", silent.as_secs()),
                    lasts: silent,
                })
            })
            .collect()
    }

    /// Every part: when it was last well, and how often it was started again.
    pub(crate) fn parts(&self) -> Vec<(Part, Option<Instant>, u32)> {
        self.lock()
            .iter()
            .map(|(part, said)| (*part, said.well, said.restarts))
            .collect()
    }

    /// The server was asked to stop.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether it was.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Part, Said>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Part, Vitals};

    #[test]
    fn trouble_lasts_until_the_part_is_well() {
        let vitals = Vitals::default();
        vitals.begins(Part::Deciding);
        assert_eq!(vitals.troubles(Instant::now()), []);
        vitals.unwell(Part::Deciding, "the database is locked");
        vitals.unwell(Part::Deciding, "the disk is full");
        let troubles = vitals.troubles(Instant::now());
        assert_eq!(troubles.len(), 1);
        assert_eq!(troubles[0].why, "the disk is full");
        vitals.well(Part::Deciding);
        assert_eq!(vitals.troubles(Instant::now()), []);
    }

    #[tokio::test]
    async fn a_doubt_is_trouble_at_once_and_has_the_database_looked_at() {
        let vitals = Vitals::default();
        vitals.begins(Part::Database);
        vitals.well(Part::Database);
        vitals.doubt_database("the disk is full");
        assert_eq!(vitals.troubles(Instant::now())[0].why, "the disk is full");
        // Also where nobody waited for it at that moment.
        vitals.doubted().await;
        vitals.well(Part::Database);
        assert_eq!(vitals.troubles(Instant::now()), []);
    }

    #[test]
    fn a_silent_part_is_not_well() {
        let vitals = Vitals::default();
        vitals.begins(Part::Deciding);
        vitals.begins(Part::Intake);
        vitals.well(Part::Deciding);
        let later = Instant::now() + Duration::from_mins(3);
        let troubles = vitals.troubles(later);
        assert_eq!(
            troubles.len(),
            1,
            "the intake may wait for ever: {troubles:?}"
        );
        assert_eq!(troubles[0].part, Part::Deciding);
    }
}
