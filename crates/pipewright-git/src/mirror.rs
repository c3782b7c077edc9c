//! One bare mirror per repository, shared by everything that reads the repository.
//!
//! A mirror holds what was fetched by name: `refs/tags/*` as they are on the remote, and for each ref that a build
//! asked for one ref under `refs/pipewright/`, named by a hash so that no two remote names can collide as directory
//! and file. Packs appear whole and are never pruned, so an object that is there is there with all it needs, and stays
//! (an old build can be run again after its branch was deleted, as long as the mirror lives). Mirrors are a cache: one
//! that turns out to be damaged is deleted and fetched anew.
//!
//! One process works on a root directory at a time; the runner's lock on its data directory sees to that.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipewright_core::ids::RepositoryId;
use pipewright_core::wire::Checkout;
use pipewright_core::{CommitHash, RefName};

use super::command::Git;
use super::error::GitError;
use super::maintain::Maintenance;
use super::network::Network;
use super::remote::RemoteUrl;

/// How many present commits of one mirror are remembered before the memory starts over.
const KNOWN_LIMIT: usize = 10_000;

/// For how long tags are left out after git refused one: whoever pushed it may have taken it back by then.
const NO_TAGS: Duration = Duration::from_mins(10);

/// The mirrors under one directory. Cheap to clone; clones share locks and memory.
#[derive(Debug, Clone)]
pub struct MirrorStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    git: Git,
    mirrors: Mutex<HashMap<RepositoryId, Arc<Mirror>>>,
}

/// One mirror's place and what is known of it.
#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) path: PathBuf,
    /// Held while the mirror is made, fetched into, or made anew.
    fetching: tokio::sync::Mutex<()>,
    memory: Mutex<Memory>,
    maintenance: Maintenance,
}

#[derive(Debug, Default)]
struct Memory {
    /// Made, and free of the locks of a fetch that was ended half-way.
    opened: bool,
    /// To be made anew.
    damaged: bool,
    /// Objects that are there for certain.
    known: HashSet<CommitHash>,
    /// The tags as `packed-refs` lines, until the next fetch.
    tags: Option<Arc<str>>,
    /// Until when the remote's tags are left out of fetches: git refused an object that one of them leads to.
    no_tags_until: Option<Instant>,
}

/// What [`MirrorStore::ensure`] had to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ensured {
    /// False where the mirror was made now.
    pub warm: bool,
    /// True where the network was used.
    pub fetched: bool,
    /// Objects that came over the network.
    pub new_objects: u64,
    /// How long it took, waiting for another fetch of the same mirror included.
    pub elapsed: Duration,
}

impl MirrorStore {
    /// The mirrors under `root`, which is made where it is missing.
    pub fn open(root: PathBuf, git: Git) -> Result<Self, GitError> {
        std::fs::create_dir_all(&root)
            .map_err(|source| GitError::file(format!("make {}", root.display()), source))?;
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                git,
                mirrors: Mutex::default(),
            }),
        })
    }

    /// The git program it works with.
    pub fn git(&self) -> &Git {
        &self.inner.git
    }

    /// Makes sure that `checkout.commit` is in the mirror. Needs no network if it is; else fetches `checkout.ref_name`
    /// and the tags. `commit` may be any object, an annotated tag for one.
    pub async fn ensure(&self, checkout: &Checkout) -> Result<Ensured, GitError> {
        let begin = Instant::now();
        let mirror = self.mirror(checkout.repository);
        let done = |warm, fetched, new_objects| Ensured {
            warm,
            fetched,
            new_objects,
            elapsed: begin.elapsed(),
        };
        if mirror.knows(&checkout.commit) {
            return Ok(done(true, false, 0));
        }
        let url: RemoteUrl = checkout.url.parse()?;
        let _fetching = mirror.fetching.lock().await;
        if mirror.knows(&checkout.commit) {
            return Ok(done(true, false, 0));
        }
        let mut warm = mirror.open(checkout.commit.as_str().len())?;
        if warm && self.contains(&mirror, &checkout.commit).await? {
            mirror.remember(&checkout.commit);
            return Ok(done(true, false, 0));
        }
        let fetched = match self.fetch(&mirror, &url, checkout).await {
            Err(GitError::Damaged { detail }) => {
                tracing::warn!(repository = %checkout.repository, detail, "the mirror is damaged and is rebuilt");
                mirror.damage();
                warm = mirror.open(checkout.commit.as_str().len())?;
                self.fetch(&mirror, &url, checkout).await
            }
            other => other,
        };
        mirror.forget_tags();
        let new_objects = fetched?;
        let at_tip = std::fs::read_to_string(mirror.path.join(own_ref(&checkout.ref_name)))
            .is_ok_and(|tip| tip.trim() == checkout.commit.as_str());
        if !at_tip && !self.contains(&mirror, &checkout.commit).await? {
            return Err(GitError::CommitNotFound {
                commit: checkout.commit.clone(),
                ref_name: checkout.ref_name.clone(),
            });
        }
        mirror.remember(&checkout.commit);
        mirror.maintenance.start_if_due(self.git(), &mirror.path);
        Ok(done(warm, true, new_objects))
    }

    /// The commit that another ref of the checkout's remote leads to now: the ref is fetched.
    pub async fn tip(&self, checkout: &Checkout, of: &RefName) -> Result<CommitHash, GitError> {
        let wanted = Checkout {
            ref_name: of.clone(),
            ..checkout.clone()
        };
        let mirror = self.mirror(checkout.repository);
        let url: RemoteUrl = checkout.url.parse()?;
        let _fetching = mirror.fetching.lock().await;
        mirror.open(checkout.commit.as_str().len())?;
        let fetched = self.fetch(&mirror, &url, &wanted).await;
        mirror.forget_tags();
        fetched?;
        let name = format!("{}^{{commit}}", own_ref(of));
        let arguments = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &name,
        ];
        let answer = self
            .read(checkout.repository, "rev-parse", &[], 4096, &arguments)
            .await?;
        let missing = || GitError::CommitNotFound {
            commit: checkout.commit.clone(),
            ref_name: of.clone(),
        };
        String::from_utf8_lossy(&answer.stdout)
            .trim()
            .parse()
            .map_err(|_| missing())
    }

    /// Deletes a repository's mirror, once nobody fetches into it. What still reads it fails.
    pub async fn remove(&self, repository: RepositoryId) -> Result<(), GitError> {
        let mirror = self.mirror(repository);
        let _fetching = mirror.fetching.lock().await;
        mirror.forget_all();
        self.inner
            .mirrors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&repository);
        let path = mirror.path.clone();
        let removed = tokio::task::spawn_blocking(move || remove_directory(&path)).await;
        removed.unwrap_or_else(|_| {
            Err(GitError::file(
                "remove a mirror".to_owned(),
                io::Error::other("the task was ended"),
            ))
        })
    }

    /// The directory of a repository's mirror, whether it exists or not.
    pub fn path(&self, repository: RepositoryId) -> PathBuf {
        self.inner.root.join(format!("{repository}.git"))
    }

    pub(super) fn mirror(&self, repository: RepositoryId) -> Arc<Mirror> {
        let path = self.path(repository);
        let mut mirrors = self
            .inner
            .mirrors
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(mirrors.entry(repository).or_insert_with(|| {
            Arc::new(Mirror {
                path,
                fetching: tokio::sync::Mutex::default(),
                memory: Mutex::default(),
                maintenance: Maintenance::default(),
            })
        }))
    }

    /// Whether an object is in the mirror; a damaged mirror holds nothing.
    async fn contains(&self, mirror: &Mirror, object: &CommitHash) -> Result<bool, GitError> {
        let found = self
            .git()
            .local("cat-file", &[], 1024, |command| {
                command
                    .env("GIT_DIR", &mirror.path)
                    .args(["cat-file", "-e", object.as_str()]);
            })
            .await?;
        Ok(found.status.success())
    }

    /// Fetches the ref and the tags; returns how many objects came. Where git refuses an object, it may be one that another
    /// ref leads to: the wanted ref is then fetched by itself, so that nobody's tag stands in the way of the builds.
    async fn fetch(
        &self,
        mirror: &Mirror,
        url: &RemoteUrl,
        checkout: &Checkout,
    ) -> Result<u64, GitError> {
        if !mirror.takes_tags() {
            return self.fetch_refs(mirror, url, checkout, false).await;
        }
        match self.fetch_refs(mirror, url, checkout, true).await {
            Err(GitError::BadObject { detail }) => {
                tracing::warn!(repository = %checkout.repository, detail, "git refuses an object of a fetch; the wanted ref is fetched without the tags");
                mirror.refuse_tags();
                self.fetch_refs(mirror, url, checkout, false).await
            }
            other => other,
        }
    }

    async fn fetch_refs(
        &self,
        mirror: &Mirror,
        url: &RemoteUrl,
        checkout: &Checkout,
        with_tags: bool,
    ) -> Result<u64, GitError> {
        let spec = format!(
            "+{}:{}",
            checkout.ref_name.full(),
            own_ref(&checkout.ref_name)
        );
        let options = self.git().options();
        let network = Network {
            url,
            credential: &checkout.credential,
        };
        // Should this future be dropped or git be killed, its locks stay: the next fetch then begins by removing them.
        mirror.memory().opened = false;
        let fetched = self
            .git()
            .over_network(
                "fetch",
                &network,
                options.fetch_timeout,
                "git.fetch_seconds",
                1 << 20,
                |command| {
                    command.env("GIT_DIR", &mirror.path);
                    command.args([
                        "fetch",
                        "--no-tags",
                        "--prune",
                        "--force",
                        "--no-write-fetch-head",
                        "--progress",
                        "--",
                    ]);
                    command.args([url.as_str(), &spec]);
                    if with_tags {
                        command.arg("+refs/tags/*:refs/tags/*");
                    }
                },
            )
            .await;
        mirror.memory().opened = !matches!(fetched, Err(GitError::Timeout { .. }));
        match fetched {
            Ok(finished) => Ok(received(&String::from_utf8_lossy(&finished.stderr))),
            Err(GitError::Other { detail, .. }) if detail.contains("couldn't find remote ref") => {
                Err(GitError::CommitNotFound {
                    commit: checkout.commit.clone(),
                    ref_name: checkout.ref_name.clone(),
                })
            }
            Err(error) => Err(error),
        }
    }
}

impl Mirror {
    /// Makes the mirror where it is missing or damaged, and clears what a crashed process left locked. True where it
    /// was there before. Only called while fetching is locked.
    fn open(&self, hash_length: usize) -> Result<bool, GitError> {
        let (opened, damaged) = {
            let memory = self.memory();
            (memory.opened, memory.damaged)
        };
        if damaged {
            remove_directory(&self.path)?;
        } else if opened {
            return Ok(true);
        }
        let there = self.path.join("HEAD").is_file();
        let made = match (there, self.maintenance.is_running()) {
            (false, _) => make(&self.path, hash_length),
            (true, false) => unlock(&self.path),
            // Locks and temporary files may be the repack's own; the next time will do.
            (true, true) => Ok(()),
        };
        made.map_err(|source| {
            GitError::file(
                format!("prepare the mirror {}", self.path.display()),
                source,
            )
        })?;
        let mut memory = self.memory();
        if !there {
            *memory = Memory::default();
        }
        memory.opened = true;
        Ok(there)
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn knows(&self, commit: &CommitHash) -> bool {
        let memory = self.memory();
        !memory.damaged && memory.known.contains(commit)
    }

    fn remember(&self, commit: &CommitHash) {
        let mut memory = self.memory();
        if memory.known.len() >= KNOWN_LIMIT {
            memory.known.clear();
        }
        memory.known.insert(commit.clone());
    }

    /// Marks the mirror to be made anew by the next fetch.
    pub(super) fn damage(&self) {
        let mut memory = self.memory();
        memory.damaged = true;
        memory.known.clear();
        memory.tags = None;
    }

    fn forget_all(&self) {
        *self.memory() = Memory::default();
    }

    fn takes_tags(&self) -> bool {
        let until = self.memory().no_tags_until;
        until.is_none_or(|until| until <= Instant::now())
    }

    fn refuse_tags(&self) {
        self.memory().no_tags_until = Some(Instant::now() + NO_TAGS);
    }

    fn forget_tags(&self) {
        self.memory().tags = None;
    }

    pub(super) fn tags(&self) -> Option<Arc<str>> {
        self.memory().tags.clone()
    }

    pub(super) fn remember_tags(&self, tags: Arc<str>) {
        self.memory().tags = Some(tags);
    }
}

/// The mirror's own ref for a remote's ref, by FNV-1a. Should two names ever share one, a fetch would only begin with
/// a less helpful idea of what is there already.
fn own_ref(name: &RefName) -> String {
    let hash = name
        .full()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("refs/pipewright/{hash:016x}")
}

/// Writes what `git init --bare` would, without templates or a process.
fn make(path: &Path, hash_length: usize) -> io::Result<()> {
    for directory in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(path.join(directory))?;
    }
    let format = if hash_length == 64 {
        "\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "\trepositoryformatversion = 0\n\tbare = true\n"
    };
    std::fs::write(path.join("config"), format!("[core]\n{format}"))?;
    std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n")
}

/// Removes lock files and half-received packs of a process that was killed.
fn unlock(path: &Path) -> io::Result<()> {
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry.file_type()?;
            // Loose objects are never half-written under their own names; only the pack directory is of interest.
            let two_digits = name.len() == 2 && directory.ends_with("objects");
            if kind.is_dir() && !two_digits {
                directories.push(entry.path());
            } else if kind.is_file()
                && (name.ends_with(".lock")
                    || name.starts_with("tmp_")
                    || name.starts_with(".tmp-"))
            {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn remove_directory(path: &Path) -> Result<(), GitError> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(GitError::file(format!("remove {}", path.display()), source))
        }
        _ => Ok(()),
    }
}

/// Reads `Receiving objects: 100% (3/3)` of git's progress.
fn received(progress: &str) -> u64 {
    let number = || {
        let (_, rest) = progress.rsplit_once("Receiving objects: 100% (")?;
        rest.split_once('/')?.0.trim().parse().ok()
    };
    number().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::received;

    #[test]
    fn the_number_of_new_objects_is_read_from_progress() {
        assert_eq!(
            received(
                "Receiving objects:  33% (1/3)\rReceiving objects: 100% (3/3)\rReceiving objects: 100% (3/3), 240 bytes, done.\n"
            ),
            3
        );
        assert_eq!(received(""), 0);
    }
}
