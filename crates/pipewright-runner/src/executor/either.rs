//! The executor of a machine: containers where it has an engine, and the host's own programs for the rest.

use std::collections::HashSet;

use pipewright_core::plan::StepPlan;

use super::begun::{Begun, Images};
use super::contract::{
    BeginStart, Boundary, Doing, Executor, NotReady, Room, RoomStart, SeenAs, StartError,
};
use super::directories::StepDirectories;
use super::engine::{EngineExecutor, EngineOptions};
use super::host::HostExecutor;
use super::script::Shell;
use crate::log::LogWriter;

/// Both.
#[derive(Debug, Clone)]
pub struct EitherExecutor {
    host: HostExecutor,
    engine: Option<EngineExecutor>,
}

impl EitherExecutor {
    /// Without an engine everything runs on the host.
    pub const fn new(host: HostExecutor, engine: Option<EngineExecutor>) -> Self {
        Self { host, engine }
    }

    /// How steps run in containers, where there are any.
    pub fn engine(&self) -> Option<&EngineOptions> {
        self.engine.as_ref().map(EngineExecutor::options)
    }

    fn of(&self, plan: &StepPlan) -> &dyn Executor {
        match &self.engine {
            Some(engine) if !plan.is_for_host() => engine,
            _ => &self.host,
        }
    }
}

impl From<HostExecutor> for EitherExecutor {
    fn from(host: HostExecutor) -> Self {
        Self::new(host, None)
    }
}

impl Executor for EitherExecutor {
    fn boundary(&self, plan: &StepPlan) -> Boundary {
        self.of(plan).boundary(plan)
    }

    /// With an engine, what the host lacks is said to the steps that ask for the host.
    fn ready(&self) -> Doing<'_, Result<(), NotReady>> {
        match &self.engine {
            Some(engine) => engine.ready(),
            None => self.host.ready(),
        }
    }

    fn must_be_asked(&self) -> bool {
        self.engine.is_some()
    }

    fn notices(&self, plan: &StepPlan) -> Vec<String> {
        self.of(plan).notices(plan)
    }

    fn qualification(&self, plan: &StepPlan) -> Option<String> {
        self.of(plan).qualification(plan)
    }

    fn shell(&self, plan: &StepPlan) -> Shell {
        self.of(plan).shell(plan)
    }

    fn seen_as(&self, plan: &StepPlan, directories: &StepDirectories) -> SeenAs {
        self.of(plan).seen_as(plan, directories)
    }

    fn is_of_machine(&self, plan: &StepPlan) -> bool {
        self.of(plan).is_of_machine(plan)
    }

    fn bring<'a>(
        &'a self,
        plan: &'a StepPlan,
        environment: &'a [(String, String)],
        log: &'a mut LogWriter,
    ) -> Doing<'a, Result<Option<Images>, StartError>> {
        self.of(plan).bring(plan, environment, log)
    }

    fn begin<'a>(&'a self, start: BeginStart<'a>) -> Doing<'a, Result<Option<Begun>, StartError>> {
        self.of(start.plan).begin(start)
    }

    fn open<'a>(&'a self, start: RoomStart<'a>) -> Doing<'a, Result<Box<dyn Room>, StartError>> {
        self.of(start.plan).open(start)
    }

    fn end_escaped<'a>(&'a self, mark: &'a str) -> Doing<'a, ()> {
        Box::pin(async move {
            self.host.end_escaped(mark).await;
            if let Some(engine) = &self.engine {
                engine.end_escaped(mark).await;
            }
        })
    }

    fn adopt(&self, mark: &str, begun: &Begun) {
        if let Some(engine) = &self.engine {
            engine.adopt(mark, begun);
        }
    }

    fn reap<'a>(&'a self, living: &'a HashSet<String>) -> Doing<'a, ()> {
        match &self.engine {
            Some(engine) => engine.reap(living),
            None => self.host.reap(living),
        }
    }

    fn leave(&self) -> Doing<'_, ()> {
        match &self.engine {
            Some(engine) => engine.leave(),
            None => self.host.leave(),
        }
    }
}
