//! U3: a log of 1,000,000 lines in Firefox, which caps the height of elements lower than Chromium does: its end is there,
//! painted, while it grows; any line can be gone to; matches are found.

use pipewright_core::build::BuildState;
use serde_json::json;

use crate::firefox::Firefox;
use crate::team::House;

const LINES: u64 = 1_000_000;

/// Where the last line is, if it is in view and nothing lies over it: left, top, width, height.
const LAST: &str = "const last = document.querySelector('.lines li:last-child'), { left, top, bottom } = last.getBoundingClientRect();
    const seen = document.elementFromPoint(left + 90, (top + bottom) / 2);
    return top >= 0 && bottom <= innerHeight && last.contains(seen) ? [left + 72, top, 120, bottom - top] : null";

#[tokio::test(flavor = "multi_thread")]
async fn u3_any_line_of_a_long_log_is_painted_in_firefox() {
    let Some(mut firefox) = Firefox::open().await else {
        return;
    };
    let house = House::with_application(&format!(
        "pipelines:\n  default:\n    - step: {{name: Long log, script: ['seq {LINES}', 'while [ ! -e stop ]; do echo waiting; sleep 1; done']}}\n"
    ))
    .await;
    house
        .build(1, |build| {
            build.state == BuildState::Running && build.started_at.is_some()
        })
        .await;
    firefox.signs_in(&house.team.url).await;
    let build = house.team.page("/applications/subject/builds/1");
    firefox.goes_to(&build).await;
    // The page follows the log to its end, through the connection that tabs share.
    let at_end = format!(
        "const last = document.querySelector('.lines li:last-child'); return Number(last.id.slice(1)) > {LINES} && last.innerText.includes('waiting')"
    );
    firefox.comes_to(&at_end).await;
    let height = "return document.querySelector('.lines').offsetHeight";
    let height = firefox.evaluates(height, json!([])).await;
    assert!(
        height.as_u64().is_some_and(|height| height < 10_000_000),
        "no element is as high as its content: {height}"
    );
    firefox
        .comes_to(&format!("return (() => {{ {LAST} }})() !== null"))
        .await;
    // Stopped, so that nothing moves while it is looked at.
    let stop = "document.querySelector('form[action$=\"/stop\"]').requestSubmit(); return true";
    firefox.evaluates(stop, json!([])).await;
    house.build(1, |build| build.state.is_finished()).await;

    firefox.goes_to(&format!("{build}?step=1")).await;
    let down = "scrollTo(0, document.documentElement.scrollHeight)";
    firefox
        .comes_to(&format!("{down}; return (() => {{ {LAST} }})() !== null"))
        .await;
    let part = firefox.evaluates(LAST, json!([])).await;
    let part: [f64; 4] = serde_json::from_value(part).expect("where it is");
    let light = firefox.light_pixels(part).await;
    assert!(light > 20, "the last line is painted: {light} light pixels");

    // Line 1 tells of the clone, and line 2 is the command.
    let middle = LINES / 2;
    firefox
        .goes_to(&format!("{build}?step=1&line={middle}#L{middle}"))
        .await;
    firefox
        .comes_to(&format!(
            "const line = document.getElementById('L{middle}'); if (!line) return false;
             const {{ top, bottom }} = line.getBoundingClientRect();
             return top > 0 && bottom < innerHeight && line.innerText.includes('{}')",
            middle - 2
        ))
        .await;
    firefox.goes_to(&format!("{build}?step=1&find=99999")).await;
    firefox
        .comes_to("return document.querySelector('[data-count]').innerText === '1 of 19'")
        .await;
}
