//! Pages for everybody: no page has a finding of axe-core, none is wider than its window, whatever names come from outside,
//! in light and dark, on a desk and on a phone; tabs share one connection; and the log shows its end however long it is.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pipewright_core::build::BuildState;

use crate::browser::Browser;
use crate::server::Server;
use crate::team::House;

/// A branch, a step and a message that are as long as git and Bitbucket let them be.
const LONG: &str = "feature/a-branch-name-without-any-place-to-break-it-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

const FILE: &str = "\
pipelines:
  default:
    - step:
        name: Unit tests
        script:
          - echo fine
          - 'printf \"see https://example.com/a?b=1\\n\"'
          - mkdir test-results
          - |
            cat > test-results/junit.xml <<END
            <testsuite name='shop::cart'>
              <testcase name='adds' time='2.5' file='tests/cart.rs' line='7'/><testcase name='clears'><skipped/></testcase>
              <testcase name='removes_an_article_whose_name_is_longer_than_any_window_is_wide_and_has_no_place_to_break_it_$(seq -s _ 90)' time='0.04'>
                <failure message='expected 1, got 2'>left: 1 $(seq -s - 90)</failure></testcase>
              <testcase name='settles'><flakyFailure message='connection reset by peer'>os error 104</flakyFailure></testcase>
            </testsuite>
            END
          - echo '<testsuite>' > test-results/cut.xml
    - step: {name: Deploy, trigger: manual, script: [echo deployed]}
";

const INVALID: &str = "pipelines:\n  default:\n    - stepp: {script: [make]}\n";

const FAILS: &str =
    "image: node:22\npipelines:\n  default:\n    - step: {name: Unit tests, script: [exit 3]}\n";

/// What has not the room it needs: words that are cut or run out of their button or pill, cards that touch each other, the
/// entry of a rail that is out of sight, numbers on a phone whose heading is not there.
const SQUEEZED: &str = r#"
const told = [], seen = (one) => one.offsetParent !== null && one.offsetWidth > 0, say = (what, one) => told.push(`${what}: ${one.outerHTML.slice(0, 140)}`);
for (const one of document.querySelectorAll(".btn, .pill, .chips a, .tabs a")) if (seen(one) && one.scrollWidth > one.clientWidth + 1) say("cut", one);
const cards = [...document.querySelectorAll(".card")].filter(seen), tops = cards.map((one) => one.getBoundingClientRect());
cards.forEach((one, at) => {
  const above = tops.find((other) => Math.abs(other.bottom - tops[at].top) < 3 && other.left === tops[at].left);
  if (above) say("touches the card above it", one);
});
const entry = document.querySelector(".rail [aria-current]")?.getBoundingClientRect();
if (entry && (entry.left < 0 || entry.right > innerWidth + 1)) told.push("the current entry of the rail is out of sight");
if (innerWidth < 500) for (const cell of document.querySelectorAll("table.stacked td.num:not([data-l])")) {
  if (seen(cell) && /^\d+$/.test(cell.innerText.trim())) say("a number without its heading", cell);
}
return told;
"#;

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

/// Every page that links lead to from these, and these: each is looked at once, whatever it is about.
struct Walk<'a> {
    browser: &'a Browser,
    axe: Option<&'a str>,
    /// The shapes of the addresses that were looked at: what names one build, file or user is left out.
    seen: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Walk<'_> {
    /// Looks at a page, and then at every page of a new shape that links lead to from there.
    async fn from(&mut self, start: &str) {
        let mut to_see = vec![start.to_owned()];
        while let Some(address) = to_see.pop() {
            if self.seen.insert(shape(&address)) {
                self.opens(&address).await;
                self.judges(&address).await;
                to_see.extend(links(self.browser).await);
            }
        }
    }

    /// Looks at these pages, and follows no link.
    async fn at(&mut self, addresses: &[String]) {
        for address in addresses {
            self.opens(address).await;
            self.judges(address).await;
        }
    }

    /// Opens a page. One that waits for the server loads itself anew, and is judged when it no longer does.
    async fn opens(&self, address: &str) {
        self.browser.goes_to(address).await;
        self.browser.sees_no_more("[data-awaits]").await;
    }

    /// What is wrong with the page that is open: light and dark, on a desk and on a phone.
    async fn judges(&mut self, address: &str) {
        for theme in ["light", "dark"] {
            let dress = format!("document.documentElement.dataset.theme = '{theme}'; return null");
            self.browser.evaluates(&dress).await;
            for width in [1440, 390] {
                self.browser.is_as_wide_as(width).await;
                for one in findings(self.browser, self.axe).await {
                    self.wrong
                        .push(format!("{address} ({theme}, {width}): {one}"));
                }
            }
        }
    }
}

/// The addresses of ours that the page links to, without files and parts of them.
async fn links(browser: &Browser) -> Vec<String> {
    let found = browser
        .evaluates(
            "return [...document.querySelectorAll('a[href]:not([download])')].map((link) => new URL(link.href))
               .filter((to) => to.origin === location.origin && !/\\/(raw|body)$|\\.jsonl?$|\\/\\.well-known\\/|\\/artifacts\\/./.test(to.pathname))
               .map((to) => to.origin + to.pathname + to.search)",
        )
        .await;
    serde_json::from_value(found).expect("addresses")
}

/// An address without its query, and without what names one thing of many.
fn shape(address: &str) -> String {
    let path = address.split('?').next().unwrap_or_default();
    let part = |part: &str| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let names = is_number || is_id || ["harbor", "mara"].contains(&part);
        if names {
            "*".to_owned()
        } else {
            part.to_owned()
        }
    };
    let parts: Vec<String> = path.split('/').map(part).collect();
    parts.join("/")
}

/// What is wrong with the page: its findings, and whether it is wider than its window.
async fn findings(browser: &Browser, axe: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    // What the bar at the top lies over when a line is shown is not what is judged.
    browser
        .evaluates_later(
            "scrollTo(0, 0); requestAnimationFrame(() => requestAnimationFrame(() => done(null)))",
        )
        .await;
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
    let squeezed = browser.evaluates(SQUEEZED).await;
    for one in squeezed.as_array().into_iter().flatten() {
        found.push(format!("has no room: {one}"));
    }
    // What opens when it is pressed has its place too.
    let opened = browser
        .evaluates(
            "return [...document.querySelectorAll('details:not([open])')].filter((one) => {
               one.open = true;
               const isWide = document.documentElement.scrollWidth > innerWidth;
               one.open = false;
               return isWide;
             }).map((one) => one.outerHTML.slice(0, 120)).join('\\n')",
        )
        .await;
    if let Some(opened) = opened.as_str().filter(|opened| !opened.is_empty()) {
        found.push(format!("wider than its window when opened: {opened}"));
    }
    if let Some(axe) = axe {
        let there = browser.evaluates("return 'axe' in window").await;
        if there == false {
            browser.evaluates(&format!("{axe}; return null")).await;
        }
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

/// A house in which every page has something to show: a build that waits, one that failed, one whose file is invalid, names
/// as long as they may be, a schedule, variables, an open invitation, a Data Center form.
async fn furnished() -> House {
    let mut house = House::with_application(FILE).await;
    house
        .build(1, |build| build.state == BuildState::Paused)
        .await;
    let cloud = house.simulator.cloud();
    for (branch, file) in [
        (LONG, ("a", "b")),
        ("invalid", ("bitbucket-pipelines.yml", INVALID)),
        ("fails", ("bitbucket-pipelines.yml", FAILS)),
    ] {
        cloud
            .commit("harbor/subject", branch, &[file], LONG, "ivo")
            .await
            .expect("a push");
    }
    for number in [2, 3, 4] {
        house
            .build(number, |build| {
                build.state == BuildState::Paused || build.state.is_finished()
            })
            .await;
    }
    let pages = ["/applications/subject/schedules/new", "/settings/variables"];
    let pages = pages.map(|page| house.team.page(page));
    let forms = [
        ("Save", &[][..]),
        ("Set variable", &[("Name", "TOKEN"), ("Value", LONG)]),
    ];
    for (page, (button, fields)) in pages.iter().zip(forms) {
        let person = &mut house.team.person;
        person.goes_to(page).await.expect("goes there");
        person.presses(button, fields).await.expect("is taken");
    }
    house
}

/// Links that are handed out: an invitation of the team, and one to a new password.
async fn handed(house: &mut House) -> [String; 2] {
    let (members, installation) = (
        house.team.page("/settings/members"),
        format!("{}/installation", house.team.url),
    );
    let invited = [("E-mail address", "noa@harbor.example")];
    let mut links = Vec::new();
    for (page, button, fields, kind) in [
        (members, "Make an invitation", &invited[..], "/invitations/"),
        (installation, "Reset password…", &[], "/links/"),
    ] {
        let person = &mut house.team.person;
        person.goes_to(&page).await.expect("goes there");
        let shown = person.presses(button, fields).await.expect("makes").text();
        let link = shown.split_whitespace().find(|word| word.contains(kind));
        links.push(link.expect("a link").to_owned());
    }
    links.try_into().expect("two")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shuts_anybody_out_or_is_wider_than_its_window() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let axe = axe();
    let mut house = furnished().await;
    let handed = handed(&mut house).await;
    let fresh = Server::start(&house.simulator);
    let mut walk = Walk {
        browser: &browser,
        axe: axe.as_deref(),
        seen: BTreeSet::new(),
        wrong: Vec::new(),
    };
    let url = &house.team.url;
    let [invitation, reset] = &handed;
    // What strangers see.
    let setup = fresh.setup_link.clone().expect("a first run prints it");
    walk.at(&[
        format!("{}/", fresh.url),
        setup,
        format!("{url}/sign-in"),
        format!("{url}/invitations/used"),
        format!("{url}/links/used"),
        format!("{url}/setup/used"),
        invitation.clone(),
        reset.clone(),
    ])
    .await;
    browser.signs_in(url).await;
    // Somebody else's invitation, and what is shown once when a link is made.
    walk.at(std::slice::from_ref(invitation)).await;
    browser.is_as_wide_as(1440).await;
    browser.goes_to(&house.team.page("/settings/members")).await;
    browser.fills("E-mail address", "ada@harbor.example").await;
    browser.clicks("Make an invitation").await;
    browser.sees("Copy link").await;
    walk.judges("the members with an invitation").await;
    browser.is_as_wide_as(1440).await;
    browser.goes_to(&format!("{url}/installation")).await;
    browser.clicks("Reset password…").await;
    browser.sees("Copy link").await;
    walk.judges("the installation with a link").await;

    walk.from(&house.team.page("/applications")).await;
    for must in ["/installation", "/harbor/settings/storage", "/profile"] {
        assert!(
            walk.seen.contains(&shape(&format!("{url}{must}"))),
            "no link leads to {must}: {:#?}",
            walk.seen
        );
    }
    let more: Vec<String> = [
        "/applications/subject/builds/2?step=1&find=fine",
        "/applications/subject/builds/3",
        "/applications/subject/builds/3/pipeline-file",
        "/applications/subject/builds/3/timeline",
        "/applications/subject/builds/4",
        "/applications/subject/builds?q=nothing-like-this",
        "/applications/subject/why?about=main",
        "/applications/subject/run?ref=nowhere",
        "/jump?q=feature",
        "/settings/integrations?server=1",
    ]
    .iter()
    .map(|page| house.team.page(page))
    .chain([format!("{url}/no/such/page")])
    .collect();
    walk.at(&more).await;
    // Paper is light, whatever the screen is, and nothing on it is there to be pressed.
    browser
        .goes_to(&house.team.page("/applications/subject/builds/4"))
        .await;
    browser
        .evaluates("document.documentElement.dataset.theme = 'dark'; return null")
        .await;
    browser.shows_for("print").await;
    let printed = browser
        .evaluates(
            "const look = (one) => getComputedStyle(document.querySelector(one));
             return [look('.card').backgroundColor, look('.logs li').backgroundColor, look('.logs li > span').color, look('.logbar .btn').display, look('.top').display]",
        )
        .await;
    let (white, black) = ("rgb(255, 255, 255)", "rgb(0, 0, 0)");
    if printed != serde_json::json!([white, white, black, "none", "none"]) {
        walk.wrong.push(format!("as it is printed: {printed}"));
    }
    browser.shows_for("").await;
    // What only forms lead to.
    browser.is_as_wide_as(1440).await;
    browser
        .goes_to(&house.team.page("/settings/integrations?server=1"))
        .await;
    browser.clicks("Add Credentials").await;
    browser.sees("Enter the password").await;
    walk.judges("a form in which everything is wrong").await;
    browser.is_as_wide_as(1440).await;
    browser.goes_to(&house.team.page("/applications/new")).await;
    browser.clicks("Choose harbor/checkout-api").await;
    browser.reloads_until("Review").await;
    browser.clicks("Review").await;
    browser.sees("First build").await;
    walk.judges("the review of a new application").await;
    browser.is_as_wide_as(1440).await;
    browser
        .goes_to(&house.team.page("/settings/integrations"))
        .await;
    browser.clicks("Disconnect…").await;
    browser.clicks("Disconnect").await;
    browser.sees("is disconnected").await;
    walk.judges("a disconnection").await;
    let mut wrong = walk.wrong;
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
