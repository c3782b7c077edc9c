//! The table: which parts of the language an executor may not have, and whether a build without them is still right.

/// What ignoring a part of the file does to a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignoring {
    /// The build is right without it: it is ignored with a warning.
    Harmless,
    /// The step runs, and its result may be another one: it is warned of, marked on the step, and said beside its result.
    Qualified,
    /// The build would be wrong: the pipeline is refused.
    Wrong,
}

macro_rules! features {
    ($($(#[doc = $doc:literal])+ $variant:ident, $key:literal, $ignoring:ident, $reason:literal;)+) => {
        /// A part of the language that not every executor has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $($(#[doc = $doc])+ $variant),+
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// How the file writes it.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }

            /// What a build is without it.
            pub const fn ignoring(self) -> Ignoring {
                match self { $(Self::$variant => Ignoring::$ignoring),+ }
            }

            /// Why: follows "because" or stands alone.
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason),+ }
            }
        }
    };
}

features! {
    /// A container image for the step.
    Image, "image", Qualified, "its script runs directly on the runner's machine, with the tools that are there";
    /// A larger machine.
    Size, "size", Harmless, "the step has the whole machine";
    /// Containers beside the step.
    Services, "services", Wrong, "the script would not reach the service";
    /// A Docker engine beside the step.
    DockerService, "services.docker", Wrong, "scripts would find no Docker engine";
    /// The Docker engine for every step.
    DockerOption, "options.docker", Wrong, "scripts would find no Docker engine";
    /// Containers run in the middle of a script.
    Pipes, "pipe", Wrong, "a part of the script would not run";
    /// Directories kept between builds.
    Caches, "caches", Harmless, "the step only takes longer";
    /// Layers of images kept between builds.
    DockerCache, "docker", Harmless, "it holds layers of images, and no engine keeps any here";
    /// A cache whose directory is none of the step's own.
    OutsideCache, "path", Harmless, "its directory is shared by all that runs on the machine, so it is neither restored nor saved";
    /// Files handed from step to step and kept.
    Artifacts, "artifacts", Wrong, "later steps would not find the files";
    /// Deployments with their variables and lock.
    Deployment, "deployment", Wrong, "the step would lack the environment's variables and lock";
    /// An environment's variables without a deployment.
    Environment, "environment", Wrong, "the step would lack the environment's variables";
    /// A condition over changed files.
    ConditionChangesets, "condition.changesets", Wrong, "steps would run that must not";
    /// A condition over variables.
    ConditionState, "condition.state", Wrong, "steps would run that must not";
    /// One step of a group at a time.
    ConcurrencyGroup, "concurrency-group", Wrong, "steps that exclude one another would run together";
    /// Labels of runners that this installation does not have.
    RunsOn, "runs-on", Wrong, "no runner has the label";
    /// A machine with another operating system, by the label that Bitbucket's own runners have there.
    Platform, "runs-on.<platform>", Wrong, "runners here are Linux, and no shell of theirs runs its script";
    /// Another processor or operating system.
    Architecture, "runtime.cloud", Wrong, "runners are Linux on x86";
    /// The rest of `runtime`: versions of Atlassian's machines, limits of its runners.
    Runtime, "runtime", Harmless, "it describes Atlassian's machines";
    /// An OpenID Connect token for the step.
    Oidc, "oidc", Wrong, "the script would find no token";
    /// Variables handed to later steps.
    OutputVariables, "output-variables", Wrong, "later steps would lack the variables";
    /// A step that runs another pipeline.
    ChildPipelines, "type: pipeline", Wrong, "the other pipeline would not run";
    /// Pipelines of other files.
    Imports, "import", Wrong, "the pipeline is in another file";
    /// Rules that start custom pipelines for pushes and pull requests.
    Triggers, "triggers", Harmless, "other start conditions work without them; the rules start nothing";
    /// Rules for events that come without a new commit.
    OtherTriggers, "triggers.<event>", Harmless, "nothing reports this event yet, so its rules start nothing";
    /// Large files.
    Lfs, "clone.lfs", Wrong, "the workspace would hold pointers instead of the files";
    /// Clones from servers whose certificate is not trusted.
    SkipSslVerify, "clone.skip-ssl-verify", Harmless, "certificates are the installation's setting, and stay checked";
    /// More permissions for the step's own token.
    TokenScopes, "auth", Wrong, "the step's token would lack the scopes";
    /// Tasks for Atlassian's hosted assistants.
    HostedAssistant, "agent", Wrong, "it runs only at Atlassian";
}

impl Feature {
    /// What somebody can do whose pipeline needs it and whose installation lacks it: a sentence's fragment.
    pub(crate) const fn way_out(self) -> &'static str {
        match self {
            Self::Services => {
                "start what the script needs in the script itself, where the runner's machine has it"
            }
            Self::DockerService => {
                "ask the installation's administrator to choose an engine for steps (setting engine.docker_service)"
            }
            Self::DockerOption => "leave it out where no script of the file uses Docker",
            Self::Pipes => {
                "call in the script what the pipe wraps; its repository says which program that is"
            }
            Self::Architecture => "leave it out where the step may run on Linux on x86",
            Self::Oidc => "give the step credentials in secured variables instead",
            Self::ChildPipelines => {
                "write the steps of the other pipeline in its place, or start that one by hand or by a rule of `triggers`"
            }
            Self::Lfs => "fetch the files in the script, with credentials in secured variables",
            Self::TokenScopes => "use an access token in a secured variable instead",
            Self::HostedAssistant => "remove it: it runs only at Atlassian",
            _ => "leave it out where the step is right without it",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Feature;

    #[test]
    fn every_feature_has_its_own_key() {
        let keys: BTreeSet<_> = Feature::ALL.iter().map(|feature| feature.key()).collect();
        assert_eq!(keys.len(), Feature::ALL.len());
    }
}
