//! A pipeline of the model → the groups of a plan: defaults filled in, names of caches and services resolved.

use pipewright_core::plan::{
    ArtifactPlan, CachePlan, CaptureOn, ChangesetCondition, ChildPlan, CloneDepth, ClonePlan,
    ConditionPlan, FailureStrategy, Group, GroupKind, ImagePlan, PipePlan, ScriptItem, ServicePlan,
    StepPlan,
};

use crate::model::{
    Artifacts, At, Body, Child, CloneSettings, Condition, Depth, Downloads, Image, Item, OnFail,
    PREDEFINED_CACHES, PipeValue, Pipeline, PipelineFile, SERVICE_MEMORY_MB, ScriptEntry, Service,
    Step, UploadKind,
};

/// Bitbucket's limit on a step where the file gives none.
const DEFAULT_MAX_TIME_MINUTES: u32 = 120;

/// When an artifact is kept where the file does not say; Bitbucket's own default is not documented, but artifacts of
/// failed steps are there to be looked at.
const DEFAULT_CAPTURE: CaptureOn = CaptureOn::Always;

/// The groups of a pipeline; none for one that is imported.
pub(super) fn groups(file: &PipelineFile, pipeline: &Pipeline) -> Vec<Group> {
    let Body::Items(items) = &pipeline.body else {
        return Vec::new();
    };
    let mut compiler = Compiler { file, number: 0 };
    items.iter().map(|item| compiler.group(item)).collect()
}

struct Compiler<'f> {
    file: &'f PipelineFile,
    /// Steps so far.
    number: usize,
}

impl Compiler<'_> {
    fn group(&mut self, item: &Item) -> Group {
        let plain = |kind, steps| Group {
            kind,
            name: None,
            manual: false,
            deployment: None,
            condition: None,
            steps,
        };
        match item {
            Item::Step(step) => plain(GroupKind::Step, vec![self.step(step, None)]),
            Item::Final(step) => plain(GroupKind::Final, vec![self.step(step, None)]),
            Item::Parallel(parallel) => {
                let steps = parallel
                    .steps
                    .iter()
                    .map(|step| self.step(step, parallel.on_fail))
                    .collect();
                plain(
                    GroupKind::Parallel {
                        fail_fast: parallel.fail_fast,
                    },
                    steps,
                )
            }
            Item::Stage(stage) => {
                let mut steps: Vec<StepPlan> = stage
                    .steps
                    .iter()
                    .map(|step| self.step(step, stage.on_fail))
                    .collect();
                for step in &mut steps {
                    // The stage deploys once; its steps are given the environment's variables.
                    step.environment = step
                        .environment
                        .take()
                        .or_else(|| stage.environment.clone())
                        .or_else(|| name_of(stage.deployment.as_ref()));
                }
                Group {
                    kind: GroupKind::Stage,
                    name: Some(stage.name.clone().unwrap_or_else(|| {
                        format!("Stage at line {}", self.file.source.line(stage.place.start))
                    })),
                    manual: stage.manual,
                    deployment: name_of(stage.deployment.as_ref()),
                    condition: stage.condition.as_ref().and_then(condition),
                    steps,
                }
            }
        }
    }

    fn step(&mut self, step: &Step, group_on_fail: Option<OnFail>) -> StepPlan {
        self.number += 1;
        let file = self.file;
        let options = &file.options;
        StepPlan {
            name: step
                .name
                .clone()
                .unwrap_or_else(|| format!("Step {}", self.number)),
            script: script(&step.script),
            after_script: script(&step.after_script),
            image: step.image.as_ref().or(file.image.as_ref()).map(image),
            max_time_minutes: step
                .max_time
                .or(options.max_time)
                .unwrap_or(DEFAULT_MAX_TIME_MINUTES),
            clone: clone(step.clone.over(file.clone)),
            manual: step.manual,
            deployment: name_of(step.deployment.as_ref()),
            environment: step.environment.clone(),
            condition: step.condition.as_ref().and_then(condition),
            on_failure: match step.on_fail.or(group_on_fail) {
                None | Some(OnFail::Fail) => FailureStrategy::Fail,
                Some(OnFail::Ignore) => FailureStrategy::Ignore,
                Some(OnFail::Retry(times)) => FailureStrategy::Retry { times },
            },
            fail_fast: step.fail_fast,
            concurrency_group: step.concurrency_group.clone(),
            runs_on: step
                .runs_on
                .clone()
                .unwrap_or_else(|| options.runs_on.clone()),
            size: step.size.or(options.size).unwrap_or(1),
            caches: self.caches(&step.caches),
            services: self.services(step),
            artifacts: artifacts(&step.artifacts),
            artifact_downloads: match &step.artifacts.downloads {
                Downloads::All => None,
                Downloads::None => Some(Vec::new()),
                Downloads::Named(names) => Some(names.clone()),
            },
            output_variables: step.output_variables.clone(),
            oidc: step.oidc.wanted,
            oidc_audiences: step.oidc.audiences.clone(),
            child: step
                .child
                .as_ref()
                .map(|child| child_plan(child, &step.artifacts)),
            // What an executor does without is known where one is named: see `needs`.
            unmet: Vec::new(),
            unsupported: Vec::new(),
            line: file.source.line(step.place.start),
        }
    }

    fn caches(&self, names: &[String]) -> Vec<CachePlan> {
        let mut caches: Vec<CachePlan> = Vec::new();
        for name in names {
            if caches.iter().any(|cache| cache.name == *name) {
                continue;
            }
            let own = self
                .file
                .definitions
                .caches
                .iter()
                .find(|cache| cache.name == *name);
            let predefined = PREDEFINED_CACHES
                .iter()
                .find(|(predefined, _)| predefined == name);
            let (path, key_files) = match (own, predefined) {
                (Some(cache), _) => (cache.path.clone(), cache.key_files.clone()),
                (None, Some((_, path))) => ((*path).to_owned(), Vec::new()),
                // A name that is a template without a value; the check has warned of it.
                (None, None) => continue,
            };
            caches.push(CachePlan {
                name: name.clone(),
                path,
                key_files,
            });
        }
        caches
    }

    /// The step's services; pipes and the `docker` option bring the Docker engine with them.
    fn services(&self, step: &Step) -> Vec<ServicePlan> {
        step.service_names(self.file.options.docker)
            .into_iter()
            .map(|name| self.service(name))
            .collect()
    }

    fn service(&self, name: &str) -> ServicePlan {
        match self
            .file
            .definitions
            .services
            .iter()
            .find(|service| service.name == name)
        {
            Some(Service {
                image: service_image,
                memory,
                variables,
                docker,
                ..
            }) => ServicePlan {
                name: name.to_owned(),
                image: service_image.as_ref().map(image),
                memory_mb: memory.unwrap_or(SERVICE_MEMORY_MB),
                variables: variables.clone(),
                docker: *docker,
            },
            None => ServicePlan {
                name: name.to_owned(),
                image: None,
                memory_mb: SERVICE_MEMORY_MB,
                variables: Vec::new(),
                docker: name == "docker",
            },
        }
    }
}

fn name_of(environment: Option<&At<String>>) -> Option<String> {
    environment.map(|environment| environment.value.clone())
}

fn script(entries: &[ScriptEntry]) -> Vec<ScriptItem> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            ScriptEntry::Command(text) => Some(ScriptItem::Command(text.clone())),
            ScriptEntry::Pipe(pipe) => Some(ScriptItem::Pipe(PipePlan {
                pipe: pipe.image.value.clone(),
                name: pipe.name.clone(),
                variables: pipe
                    .variables
                    .iter()
                    .flat_map(|(name, value)| pipe_variable(name, value))
                    .collect(),
            })),
            // Such a pipeline is refused before it comes here.
            ScriptEntry::Hosted(_) => None,
        })
        .collect()
}

/// A list arrives as `NAME_0 … NAME_COUNT`.
fn pipe_variable(name: &str, value: &PipeValue) -> Vec<(String, String)> {
    match value {
        PipeValue::One(text) => vec![(name.to_owned(), text.clone())],
        PipeValue::Many(texts) => {
            let items = texts
                .iter()
                .enumerate()
                .map(|(index, text)| (format!("{name}_{index}"), text.clone()));
            items
                .chain([(format!("{name}_COUNT"), texts.len().to_string())])
                .collect()
        }
    }
}

fn image(image: &Image) -> ImagePlan {
    ImagePlan {
        name: image.name.value.clone(),
        username: image.username.clone(),
        password: image.password.clone(),
        run_as_user: image.run_as_user,
        aws: image.aws.clone(),
    }
}

fn clone(settings: CloneSettings) -> ClonePlan {
    let default = ClonePlan::default();
    ClonePlan {
        enabled: settings.enabled.unwrap_or(default.enabled),
        depth: match settings.depth {
            Some(Depth::Commits(commits)) => CloneDepth::Commits(commits),
            Some(Depth::Full) => CloneDepth::Full,
            None => default.depth,
        },
        lfs: settings.lfs.unwrap_or(default.lfs),
    }
}

fn condition(condition: &Condition) -> Option<ConditionPlan> {
    let changesets = condition.changesets.then(|| ChangesetCondition {
        include_paths: condition.include_paths.clone(),
        exclude_paths: condition.exclude_paths.clone(),
    });
    (changesets.is_some() || condition.state.is_some()).then(|| ConditionPlan {
        changesets,
        state: condition.state.clone(),
    })
}

fn artifacts(artifacts: &Artifacts) -> Vec<ArtifactPlan> {
    let unnamed = (!artifacts.paths.is_empty()).then(|| ArtifactPlan {
        name: String::new(),
        paths: artifacts.paths.clone(),
        ignore_paths: Vec::new(),
        shared: true,
        test_reports: false,
        depth: None,
        capture_on: DEFAULT_CAPTURE,
    });
    let named = artifacts.uploads.iter().map(|upload| ArtifactPlan {
        name: upload.name.clone(),
        paths: upload.paths.clone(),
        ignore_paths: upload.ignore_paths.clone(),
        shared: upload.kind == UploadKind::Shared,
        test_reports: upload.kind == UploadKind::TestReports,
        depth: upload.depth,
        capture_on: match upload.capture_on {
            Some(0) => CaptureOn::Success,
            Some(1) => CaptureOn::Failed,
            Some(_) => CaptureOn::Always,
            None => DEFAULT_CAPTURE,
        },
    });
    unnamed.into_iter().chain(named).collect()
}

fn child_plan(child: &Child, artifacts: &Artifacts) -> ChildPlan {
    ChildPlan {
        custom: child.custom.value.clone(),
        input_variables: child.input_variables.clone(),
        input_artifacts: artifacts.input.clone(),
        output_artifacts: artifacts.output.clone(),
    }
}
