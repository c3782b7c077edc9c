//! A dispatcher, and the pieces that tests put together from them.

pub(crate) mod dispatcher;

use std::time::Duration;

use pipewright_core::plan::StepPlan;

/// Nothing in these tests takes this long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A step with these script lines; everything else as where the pipeline file says nothing.
pub(crate) fn step(script: &[&str], after: &[&str]) -> StepPlan {
    let items = |lines: &[&str]| {
        lines
            .iter()
            .map(|line| serde_json::json!({ "command": line }))
            .collect::<Vec<_>>()
    };
    let text = serde_json::json!({
        "name": "Step 1",
        "script": items(script),
        "after_script": items(after),
        "max_time_minutes": 120,
        "clone": { "enabled": true, "depth": { "commits": 50 } },
        "size": 1,
    });
    serde_json::from_value(text).expect("the plan's form")
}
