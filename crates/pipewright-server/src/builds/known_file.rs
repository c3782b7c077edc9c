//! The pipeline file of a branch or tag, as far as it is known on this machine, for pages that offer what can be run.
//!
//! Nothing here asks Bitbucket: the file comes from the repository's mirror at the commit where the ref was last known to
//! stand, else from what the last look into the repository kept, else from the last build of the ref; where nothing is
//! known of the ref, from the default branch, which the answer then names. What really runs is planned from the commit
//! that the ref stands at when the build is made.

use pipewright_core::ids::RepositoryId;
use pipewright_core::{CommitHash, RefName, Timestamp};
use pipewright_spec::limits::MAX_FILE_BYTES;
use pipewright_store::applications::Application;
use pipewright_store::builds::{self, BuildFilter};
use pipewright_store::{StoreError, inspections, refs, repositories};

use super::plan::FILE_NAME;
use crate::app::App;
use crate::repositories::{Findings, KeptFile};

/// How many of a ref's last builds are looked through for a stored file.
const BUILDS_LOOKED_AT: i64 = 5;

/// A pipeline file, and of what.
#[derive(Debug, Clone)]
pub(crate) struct KnownFile {
    /// Whose file it is: the default branch where nothing is known of the ref that was asked for.
    pub(crate) ref_name: RefName,
    /// The commit that it is of.
    pub(crate) commit: CommitHash,
    /// When the ref was known to stand there.
    pub(crate) at: Timestamp,
    /// False where the ref is known to have moved on since, and the newer file is not here.
    pub(crate) is_tip: bool,
    /// The file; none where the commit has none.
    pub(crate) text: Option<Vec<u8>>,
}

/// What was last found in the repository, with the moment.
type Found = Option<(Findings, Timestamp)>;

/// The file of a ref of the application; none where nothing is known here.
pub(crate) async fn known_file(
    app: &App,
    application: &Application,
    ref_name: &RefName,
) -> Result<Option<KnownFile>, StoreError> {
    let found = inspections::get::<Findings>(&app.db, application.repository).await?;
    let found: Found = found.and_then(|found| found.findings.zip(found.finished_at));
    if let Some(known) = of_ref(app, application, ref_name, &found).await? {
        return Ok(Some(known));
    }
    let repository = repositories::get(&app.db, application.repository).await?;
    let default =
        repository.and_then(|repository| RefName::branch(&repository.default_branch?).ok());
    match default {
        Some(default) if default != *ref_name => of_ref(app, application, &default, &found).await,
        _ => Ok(None),
    }
}

async fn of_ref(
    app: &App,
    application: &Application,
    ref_name: &RefName,
    found: &Found,
) -> Result<Option<KnownFile>, StoreError> {
    let known = |commit: CommitHash, at, is_tip, text| {
        Some(KnownFile {
            ref_name: ref_name.clone(),
            commit,
            at,
            is_tip,
            text,
        })
    };
    let tip = tip(app, application, ref_name, found).await?;
    if let Some((commit, at)) = &tip
        && let Some(text) = read_here(app, application.repository, commit).await
    {
        return Ok(known(commit.clone(), *at, true, text));
    }
    let is_tip = |commit: &CommitHash| tip.as_ref().is_none_or(|(tip, _)| tip == commit);
    let kept = kept_of(ref_name, found);
    if let Some((KeptFile { commit, text }, at)) = &kept
        && is_tip(commit)
    {
        return Ok(known(
            commit.clone(),
            *at,
            true,
            Some(text.clone().into_bytes()),
        ));
    }
    let filter = BuildFilter {
        application: Some(application.id),
        ref_name: Some(ref_name.clone()),
        ..BuildFilter::default()
    };
    for build in builds::list(&app.db, application.account, &filter, BUILDS_LOOKED_AT).await? {
        if let Some(text) = builds::pipeline_file(&app.db, application.account, build.id).await? {
            let is_tip = is_tip(&build.commit);
            return Ok(known(build.commit, build.created_at, is_tip, Some(text)));
        }
    }
    Ok(kept.and_then(|(kept, at)| known(kept.commit, at, false, Some(kept.text.into_bytes()))))
}

/// Where the ref was last known to stand: as decided, or as the last look into the repository found it.
async fn tip(
    app: &App,
    application: &Application,
    ref_name: &RefName,
    found: &Found,
) -> Result<Option<(CommitHash, Timestamp)>, StoreError> {
    let decided = refs::known(&app.db, application.id, ref_name).await?;
    // A comparison that found nothing new says that the ref stood there at that moment too.
    let decided = decided.map(|(commit, at)| {
        (
            commit,
            application
                .refs_compared_at
                .map_or(at, |compared| compared.max(at)),
        )
    });
    let seen = found.as_ref().and_then(|(findings, at)| {
        let list = if ref_name.is_branch() {
            &findings.branches
        } else {
            &findings.tags
        };
        list.iter()
            .find(|one| one.name == ref_name.short())
            .map(|one| (one.commit.clone(), *at))
    });
    Ok(match (decided, seen) {
        (Some(decided), Some(seen)) => Some(if seen.1 > decided.1 { seen } else { decided }),
        (decided, seen) => decided.or(seen),
    })
}

/// What the last look kept, where it is of this ref.
fn kept_of(ref_name: &RefName, found: &Found) -> Option<(KeptFile, Timestamp)> {
    let (findings, at) = found.as_ref()?;
    let is_default =
        ref_name.is_branch() && findings.default_branch.as_deref() == Some(ref_name.short());
    findings
        .kept
        .clone()
        .filter(|_| is_default)
        .map(|kept| (kept, *at))
}

/// The file at a commit, if that is on this machine: `Some(None)` where the commit has no such file.
async fn read_here(
    app: &App,
    repository: RepositoryId,
    commit: &CommitHash,
) -> Option<Option<Vec<u8>>> {
    if let Some(read) = app.live().files.get(repository, commit) {
        return Some(read.file.clone());
    }
    match app
        .mirrors
        .show_file(repository, commit, FILE_NAME, MAX_FILE_BYTES)
        .await
    {
        Ok(text) => Some(text),
        Err(error) => {
            tracing::debug!(%repository, commit = commit.short(), %error, "the pipeline file is not in the mirror");
            None
        }
    }
}
