//! Pages for everybody: no page has a finding of axe-core, none is wider than its window, whatever names come from outside,
//! in light and dark, on a desk and on a phone; tabs share one connection; and the log shows its end however long it is.

use std::path::PathBuf;

use pipewright_core::build::BuildState;

use crate::browser::Browser;
use crate::team::House;

/// A branch, a step and a message that are as long as git and Bitbucket let them be.
const LONG: &str = "feature/a-branch-name-without-any-place-to-break-it-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

const FILE: &str = "\
pipelines:
  default:
    - step: {name: Unit tests, script: [echo fine, 'printf \"see https://example.com/a?b=1\\n\"']}
    - step: {name: Deploy, trigger: manual, script: [echo deployed]}
";

/// The script of axe-core; none, said on standard error, where it is not installed and this is not CI. `test.sh` puts it
/// there.
fn axe() -> Option<String> {
    let directory = std::env::var_os("PIPEWRIGHT_TEST_AXE").map_or_else(
        || {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_default())
                .join(".cache/pipewright-test/node_modules/axe-core")
        },
        PathBuf::from,
    );
    match std::fs::read_to_string(directory.join("axe.min.js")) {
        Ok(script) => Some(script),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!(
                    "skipped: axe-core is not installed in {}: {error}",
                    directory.display()
                );
            }
            None
        }
    }
}

/// What is wrong with the page: its findings, and whether it is wider than its window.
async fn findings(browser: &Browser, axe: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    // What the bar at the top lies over when a line is shown is not what is judged.
    browser.evaluates("scrollTo(0, 0); return null").await;
    let wide = browser
        .evaluates(
            "const over = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
               && !one.closest('.flow, .lines, .scroll, .rail, .chips, .top nav, pre, .sr-only, .skip'));
             return document.documentElement.scrollWidth > innerWidth ? over.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)).join('\\n') || 'wider' : ''",
        )
        .await;
    if let Some(wide) = wide.as_str().filter(|wide| !wide.is_empty()) {
        found.push(format!("wider than its window: {wide}"));
    }
    if let Some(axe) = axe {
        browser.evaluates(&format!("{axe}; return null")).await;
        let told = browser
            .evaluates_later(
                "axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
                   rules: { 'label-content-name-mismatch': { enabled: true } } })
                 .then((result) => done(result.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)))",
            )
            .await;
        let told = told.as_array().cloned().unwrap_or_default();
        found.extend(
            told.iter()
                .filter_map(|one| one.as_str().map(str::to_owned)),
        );
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shuts_anybody_out_or_is_wider_than_its_window() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let axe = axe();
    let house = House::with_application(FILE).await;
    house
        .build(1, |build| build.state == BuildState::Paused)
        .await;
    house
        .simulator
        .cloud()
        .commit("harbor/subject", LONG, &[("a", "b")], LONG, "ivo")
        .await
        .expect("a push");
    house
        .build(2, |build| build.state == BuildState::Paused)
        .await;
    let deliveries = house.team.page("/deliveries");
    let mut wrong = Vec::new();
    let mut pages = vec![
        format!("{}/sign-in", house.team.url),
        format!("{}/invitations/used", house.team.url),
    ];
    for page in &pages {
        browser.goes_to(page).await;
        for one in findings(&browser, axe.as_deref()).await {
            wrong.push(format!("{page}: {one}"));
        }
    }
    browser.signs_in(&house.team.url).await;
    pages = [
        "/applications",
        "/applications/new",
        "/applications/subject",
        "/applications/subject/builds",
        "/applications/subject/builds/2",
        "/applications/subject/builds/2?step=1&find=fine",
        "/applications/subject/builds/2/artifacts",
        "/applications/subject/builds/2/timeline",
        "/applications/subject/builds/2/pipeline-file",
        "/applications/subject/run?ref=main",
        "/applications/subject/schedules",
        "/applications/subject/schedules/new",
        "/applications/subject/variables",
        "/applications/subject/why",
        "/builds",
        "/jump?q=feature",
        "/settings/integrations",
        "/settings/variables",
        "/settings/members",
        "/settings/audit-log",
    ]
    .iter()
    .map(|page| house.team.page(page))
    .collect();
    pages.push(deliveries);
    for own in [
        "/profile",
        "/accounts/new",
        "/administration/bitbucket-cloud",
        "/no/such/page",
    ] {
        pages.push(format!("{}{own}", house.team.url));
    }
    for theme in ["Light", "Dark"] {
        browser.resizes(1440, 1000).await;
        browser.goes_to(&house.team.page("/applications")).await;
        browser.chooses_theme(theme).await;
        for width in [1440, 390] {
            browser.is_as_wide_as(width).await;
            for page in &pages {
                browser.goes_to(page).await;
                for one in findings(&browser, axe.as_deref()).await {
                    wrong.push(format!("{page} ({theme}, {width}): {one}"));
                }
            }
        }
    }
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} findings:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tabs_follow_a_build_over_one_connection_and_the_end_of_a_long_log_is_seen() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house = House::with_application(
        "pipelines:\n  default:\n    - step: {name: Long log, script: ['seq 600000', 'while [ ! -e stop ]; do echo waiting; sleep 1; done']}\n",
    )
    .await;
    house
        .build(1, |build| {
            build.state == BuildState::Running && build.started_at.is_some()
        })
        .await;
    browser.signs_in(&house.team.url).await;
    let build = house.team.page("/applications/subject/builds/1");
    browser.goes_to(&build).await;
    for _ in 0..7 {
        browser.opens_tab(&build).await;
        browser.sees("waiting").await;
    }
    // Over HTTP/1.1 six connections that stay open would leave none for this.
    browser.goes_to(&house.team.page("/builds")).await;
    browser.sees("Running").await;
    browser.goes_to(&build).await;
    browser.sees("waiting").await;
    let seen = browser
        .evaluates(
            "const last = document.querySelector('.lines li:last-child'); return [document.querySelector('.lines').offsetHeight,
               Number(last.id.slice(1)) > 600000 && last.getBoundingClientRect().top < innerHeight]",
        )
        .await;
    assert!(
        seen[0].as_u64().is_some_and(|height| height < 10_000_000),
        "no element is as high as its content: {seen}"
    );
    assert_eq!(seen[1], true, "the newest line is in view: {seen}");
    let title = browser.evaluates("return document.title").await;
    assert!(
        title
            .as_str()
            .is_some_and(|title| title.starts_with("Running · #1")),
        "{title}"
    );
    // The page follows its newest line, and the button lies under the bar at the top: a person scrolls up.
    browser
        .evaluates(
            "[...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Stop').click(); return true",
        )
        .await;
    browser.sees("Stopped").await;
}
