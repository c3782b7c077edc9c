//! What is done with what a step's scripts left: test reports read, caches saved, artifacts kept (bitbucket-pipelines-yml.md §9).

use pipewright_core::build::AttemptOutcome;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::archive::ArchiveLimits;
use crate::artifacts::{self, ArtifactPlace};
use crate::caches::{self, CacheStore, ReadyCache};
use crate::executor::{Control, RUNNER_STOPPED, StepEnd, StepRun, sterner, timing};
use crate::log::{LogWriter, Masker};
use crate::test_reports;

/// Where what a step leaves goes.
#[derive(Debug)]
pub struct Teardown<'a, P> {
    /// Where its artifacts go.
    pub artifacts: &'a P,
    /// Where its caches go, and whose they are; none where caches are not kept.
    pub caches: Option<(&'a CacheStore, &'a str)>,
    /// The caches that may be saved.
    pub ready: &'a [ReadyCache],
    /// Limits of one artifact or cache.
    pub limits: ArchiveLimits,
    /// What must not be read in what its tests printed.
    pub masker: &'a Masker,
}

impl<P: ArtifactPlace> Teardown<'_, P> {
    /// Reads, saves and keeps, unless the step is told to end meanwhile. Caches and artifacts are those of scripts that ended
    /// by themselves; what tests said is told of a stopped step as well. Answers how the step ended.
    pub async fn run(
        &self,
        run: StepRun<'_>,
        mut end: StepEnd,
        log: &mut LogWriter,
        control: &mut watch::Receiver<Control>,
    ) -> StepEnd {
        let (passed, keeps) = match end.outcome {
            AttemptOutcome::Passed => (true, true),
            AttemptOutcome::Failed | AttemptOutcome::TimedOut => (false, true),
            AttemptOutcome::Stopped => (false, false),
            _ => return end,
        };
        // A person who stops the step now waits no longer than one who has stopped it already.
        end.tests = tokio::select! {
            tests = test_reports::collect(run.plan, passed, run.directories, self.masker, log) => tests,
            _ = sterner(control, Control::Stop) => None,
        };
        if !keeps || (run.plan.artifacts.is_empty() && self.ready.is_empty()) {
            return end;
        }
        let begin = Instant::now();
        let work = async {
            if let Some((store, scope)) = self.caches.filter(|_| passed) {
                caches::save(store, scope, self.ready, self.limits, log).await;
            }
            artifacts::keep(
                self.artifacts,
                run.plan,
                passed,
                run.directories,
                self.limits,
                log,
            )
            .await;
        };
        tokio::select! {
            () = work => end.timings.push(timing("keep", begin)),
            word = sterner(control, Control::Run) => {
                let (outcome, message) = if word == Control::Stop {
                    (AttemptOutcome::Stopped, "Stopped while its files were kept.")
                } else {
                    (AttemptOutcome::Interrupted, RUNNER_STOPPED)
                };
                end.outcome = outcome;
                end.message = Some(message.to_owned());
            }
        }
        end
    }
}
