//! Plans for tests: what a file says that says nothing but names and scripts. A test changes what it is about:
//! `StepPlan { manual: true, ..a_step("deploy") }`.

use super::{ClonePlan, FailureStrategy, Group, GroupKind, Plan, ScriptItem, StepPlan};

/// A step of this name whose script is `true`.
pub fn a_step(name: &str) -> StepPlan {
    StepPlan {
        name: name.to_owned(),
        script: vec![ScriptItem::Command("true".to_owned())],
        after_script: Vec::new(),
        image: None,
        max_time_minutes: 120,
        clone: ClonePlan::default(),
        manual: false,
        deployment: None,
        environment: None,
        condition: None,
        on_failure: FailureStrategy::Fail,
        fail_fast: None,
        concurrency_group: None,
        runs_on: Vec::new(),
        size: 1,
        caches: Vec::new(),
        services: Vec::new(),
        artifacts: Vec::new(),
        artifact_downloads: None,
        output_variables: Vec::new(),
        oidc: false,
        oidc_audiences: Vec::new(),
        child: None,
        unmet: Vec::new(),
        unsupported: Vec::new(),
        line: 0,
    }
}

/// A group of these steps, without a name, a gate or a condition.
pub fn a_group(kind: GroupKind, steps: Vec<StepPlan>) -> Group {
    Group {
        kind,
        name: None,
        manual: false,
        deployment: None,
        condition: None,
        steps,
    }
}

/// The pipeline `default` of these groups.
pub fn a_plan(groups: Vec<Group>) -> Plan {
    Plan {
        pipeline: "default".to_owned(),
        groups,
        variables: Vec::new(),
        imported: None,
    }
}
