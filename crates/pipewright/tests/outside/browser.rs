//! A real browser: Debian's Chromium driven by its ChromeDriver.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use thirtyfour::WindowHandle;
use thirtyfour::prelude::*;

/// How long anything in a page may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often something is done again that a page replaced in between.
const AGAIN: usize = 20;

/// A browser with one window; ends with the test.
pub(crate) struct Browser {
    driver: WebDriver,
    chromedriver: Child,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a browser; `None`, said on standard error, where there is no chromedriver and this is not CI.
    pub(crate) async fn open() -> Option<Self> {
        let mut tries = 0;
        let (chromedriver, port) = loop {
            match start_chromedriver() {
                Ok(started) => break started,
                Err(error)
                    if error.kind() == std::io::ErrorKind::NotFound
                        && std::env::var_os("CI").is_none() =>
                {
                    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
                    {
                        eprintln!("skipped: chromedriver does not start: {error}");
                    }
                    return None;
                }
                // Several start at the same time, and may choose the same port.
                Err(error) => assert!(tries < 5, "chromedriver does not start: {error}"),
            }
            tries += 1;
        };
        let profile = tempfile::tempdir().expect("a directory");
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
        ] {
            capabilities.add_arg(argument).expect("an argument");
        }
        capabilities
            .add_arg(&format!("--user-data-dir={}", profile.path().display()))
            .expect("an argument");
        let driver = WebDriver::new(&format!("http://127.0.0.1:{port}"), capabilities)
            .await
            .expect("the browser opens");
        Some(Self {
            driver,
            chromedriver,
            profile,
        })
    }

    /// Types an address.
    pub(crate) async fn goes_to(&self, url: &str) {
        self.driver.goto(url).await.expect("goes there");
    }

    /// Clicks the visible link or button with exactly these words. A page may be replaced between finding and clicking,
    /// by itself or by the click before; then it is found again.
    pub(crate) async fn clicks(&self, words: &str) {
        let mut refused = None;
        for _ in 0..AGAIN {
            match self.find_words(words).await.click().await {
                Ok(()) => return,
                Err(error) => refused = Some(error),
            }
        }
        panic!("“{words}” cannot be clicked: {refused:?}");
    }

    /// Finds the visible link, button or summary with exactly these words.
    pub(crate) async fn find_words(&self, words: &str) -> WebElement {
        let path = format!(
            "//*[self::a or self::button or self::summary][normalize-space(.)={} or @aria-label={0}]",
            quoted(words)
        );
        self.wait_for(By::XPath(path), words).await
    }

    /// Fills in the field with this label.
    pub(crate) async fn fills(&self, label: &str, value: &str) {
        let mut refused = None;
        for _ in 0..AGAIN {
            let field = self.field(label).await;
            match async { field.clear().await.and(field.send_keys(value).await) }.await {
                Ok(()) => return,
                Err(error) => refused = Some(error),
            }
        }
        panic!("“{label}” cannot be filled in: {refused:?}");
    }

    /// Chooses an option of the field with this label.
    pub(crate) async fn chooses(&self, label: &str, option: &str) {
        let path = format!(".//option[normalize-space(.)={}]", quoted(option));
        let found = self
            .field(label)
            .await
            .find(By::XPath(path))
            .await
            .expect("the option is there");
        found.click().await.expect("it is chosen");
    }

    /// Signs in as the one who set the server up.
    pub(crate) async fn signs_in(&self, server: &str) {
        self.goes_to(&format!("{server}/sign-in")).await;
        self.fills("E-mail address", pipewright::story::EMAIL).await;
        self.fills("Password", pipewright::story::PASSWORD).await;
        self.clicks("Sign in").await;
        self.sees("Applications").await;
    }

    /// The field with this label.
    pub(crate) async fn field(&self, label: &str) -> WebElement {
        let quoted = quoted(label);
        let around = format!(
            "//label[.//span[normalize-space(text()[1])={quoted}] or normalize-space(text())={quoted}]"
        );
        let path = format!(
            "{around}//*[self::input or self::select or self::textarea] | //*[@id=//label[normalize-space(.)={quoted}]/@for]"
        );
        self.wait_for(By::XPath(path), label).await
    }

    /// Waits until the page shows this text.
    pub(crate) async fn sees(&self, text: &str) {
        let path = format!("//*[contains(normalize-space(.), {})]", quoted(text));
        let found = self
            .driver
            .query(By::XPath(path))
            .wait(PATIENCE, Duration::from_millis(50))
            .exists()
            .await
            .expect("the browser answers");
        if !found {
            let body = self.text().await;
            let at = self
                .driver
                .current_url()
                .await
                .map(|url| url.to_string())
                .unwrap_or_default();
            panic!("“{text}” does not appear at {at}; the page shows:\n{body}");
        }
    }

    /// Waits until the page has nothing that this selector finds.
    pub(crate) async fn sees_no_more(&self, selector: &str) {
        let gone = self
            .driver
            .query(By::Css(selector))
            .wait(PATIENCE, Duration::from_millis(50))
            .not_exists()
            .await
            .expect("the browser answers");
        assert!(gone, "{selector} is still there");
    }

    /// Reloads until the page shows these words: what it shows is read in the background.
    pub(crate) async fn reloads_until(&self, words: &str) {
        let path = format!(
            "//*[self::a or self::button][contains(normalize-space(.), {})]",
            quoted(words)
        );
        for _ in 0..60 {
            let query = self
                .driver
                .query(By::XPath(path.as_str()))
                .wait(Duration::from_millis(500), Duration::from_millis(50))
                .and_displayed();
            if query.exists().await.expect("the browser answers") {
                return;
            }
            self.driver.refresh().await.expect("reloads");
        }
        panic!(
            "“{words}” does not appear; the page shows:\n{}",
            self.text().await
        );
    }

    /// Goes to the tab that was opened last; returns the one it came from.
    pub(crate) async fn switches_to_new_tab(&self) -> WindowHandle {
        let old = self.driver.window().await.expect("a window");
        // ChromeDriver knows the new tab as soon as the click is done.
        let windows = self.driver.windows().await.expect("windows");
        let new = windows
            .iter()
            .find(|window| **window != old)
            .expect("a new tab was opened and the old one stays");
        self.driver
            .switch_to_window(new.clone())
            .await
            .expect("switches");
        old
    }

    /// Opens one more tab at this address, and goes there.
    pub(crate) async fn opens_tab(&self, url: &str) {
        let tab = self.driver.new_tab().await.expect("a tab");
        self.driver.switch_to_window(tab).await.expect("switches");
        self.goes_to(url).await;
    }

    /// Closes this tab and goes back to another.
    pub(crate) async fn closes_tab_and_returns_to(&self, old: WindowHandle) {
        self.driver.close_window().await.expect("closes");
        self.driver.switch_to_window(old).await.expect("switches");
    }

    /// How many elements a CSS selector finds.
    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.driver
            .find_all(By::Css(selector))
            .await
            .expect("the browser answers")
            .len()
    }

    /// The text of the first element of a CSS selector.
    pub(crate) async fn text_of_css(&self, selector: &str) -> String {
        let mut refused = None;
        for _ in 0..AGAIN {
            match self
                .wait_for(By::Css(selector), selector)
                .await
                .text()
                .await
            {
                Ok(text) => return text,
                Err(error) => refused = Some(error),
            }
        }
        panic!("“{selector}” cannot be read: {refused:?}");
    }

    /// All visible text.
    pub(crate) async fn text(&self) -> String {
        match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        }
    }

    /// Moves the focus to the link or button with exactly these words, or of this name, and presses a key there.
    pub(crate) async fn presses_on(&self, words: &str, key: Key) {
        let mut refused = None;
        for _ in 0..AGAIN {
            let element = self.find_words(words).await;
            let pressed = async {
                element.focus().await?;
                element.send_keys(key.clone()).await
            };
            match pressed.await {
                Ok(()) => return,
                Err(error) => refused = Some(error),
            }
        }
        panic!("no key can be pressed on “{words}”: {refused:?}");
    }

    /// Presses a key where the focus is.
    pub(crate) async fn presses(&self, key: Key) {
        let focused = self
            .driver
            .active_element()
            .await
            .expect("something has the focus");
        focused.send_keys(key).await.expect("a key is pressed");
    }

    /// True where no visible link or button has exactly these words or this name.
    pub(crate) async fn is_absent(&self, words: &str) -> bool {
        let path = format!(
            "//*[self::a or self::button][normalize-space(.)={} or @aria-label={0}]",
            quoted(words)
        );
        self.driver
            .find_all(By::XPath(path))
            .await
            .expect("the browser answers")
            .is_empty()
    }

    /// What a script answers in the page.
    pub(crate) async fn evaluates(&self, script: &str) -> serde_json::Value {
        self.driver
            .execute(script, Vec::new())
            .await
            .expect("the script runs")
            .json()
            .clone()
    }

    /// What a script gives to `done` in its own time.
    pub(crate) async fn evaluates_later(&self, script: &str) -> serde_json::Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.driver
            .execute_async(&script, Vec::new())
            .await
            .expect("the script runs")
            .json()
            .clone()
    }

    /// Shows pages as a window of this width would, also one narrower than the browser allows its own to be.
    pub(crate) async fn is_as_wide_as(&self, width: u32) {
        let metrics = serde_json::json!({ "width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": false });
        self.driver
            .cdp()
            .send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await
            .expect("the browser pretends");
    }

    /// Shows pages as they are printed, or as on a screen.
    pub(crate) async fn shows_for(&self, medium: &str) {
        self.driver
            .cdp()
            .send_raw(
                "Emulation.setEmulatedMedia",
                serde_json::json!({ "media": medium }),
            )
            .await
            .expect("the browser pretends");
    }

    /// Gives the window this size, in pixels.
    pub(crate) async fn resizes(&self, width: u32, height: u32) {
        self.driver
            .set_window_rect(0, 0, width, height)
            .await
            .expect("the window is resized");
    }

    /// Chooses the colours in the account's menu: `Light` or `Dark`.
    pub(crate) async fn chooses_theme(&self, theme: &str) {
        let menu = self
            .wait_for(By::Css("summary.account"), "the account's menu")
            .await;
        menu.click().await.expect("the menu opens");
        self.clicks(theme).await;
        let chosen = format!("html[data-theme={}]", theme.to_lowercase());
        self.wait_for(By::Css(chosen.as_str()), theme).await;
    }

    /// Keeps a picture of the page where `PIPEWRIGHT_TEST_PICTURES` names a directory.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(directory) = std::env::var_os("PIPEWRIGHT_TEST_PICTURES") {
            self.driver
                .screenshot(&Path::new(&directory).join(format!("{name}.png")))
                .await
                .expect("a picture");
        }
    }

    /// Keeps pictures of the page as it stands: light, dark, and dark as on a phone.
    pub(crate) async fn pictures(&self, name: &str) {
        if std::env::var_os("PIPEWRIGHT_TEST_PICTURES").is_none() {
            return;
        }
        self.picture(name).await;
        self.evaluates("document.documentElement.dataset.theme = 'dark'; return null")
            .await;
        self.picture(&format!("{name}-dark")).await;
        self.resizes(500, 2000).await;
        self.picture(&format!("{name}-phone")).await;
        self.resizes(1280, 1000).await;
        self.evaluates("delete document.documentElement.dataset.theme; return null")
            .await;
    }

    async fn wait_for(&self, by: By, what: &str) -> WebElement {
        let mut refused = None;
        for _ in 0..AGAIN {
            match self
                .driver
                .query(by.clone())
                .wait(PATIENCE, Duration::from_millis(50))
                .and_displayed()
                .first()
                .await
            {
                Ok(element) => return element,
                // Where the page was replaced while it was looked at, look at the new one.
                Err(error) => {
                    let is_gone = format!("{error:?}").contains("NoSuchElement");
                    refused = Some(error);
                    if is_gone {
                        break;
                    }
                }
            }
        }
        let body = self.text().await;
        panic!("“{what}” is not there ({refused:?}); the page shows:\n{body}")
    }
}

/// Starts a chromedriver; the port it listens on is its own choice.
fn start_chromedriver() -> std::io::Result<(Child, u16)> {
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| std::io::Error::other("it has no output"))?;
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let port = lines.find_map(|line| {
        line.split("successfully on port ")
            .nth(1)?
            .trim_end_matches('.')
            .trim()
            .parse()
            .ok()
    });
    let Some(port) = port else {
        child.kill()?;
        child.wait()?;
        return Err(std::io::Error::other("it named no port"));
    };
    std::thread::spawn(move || lines.for_each(drop));
    Ok((child, port))
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
        // The browser itself does not end with its driver.
        let of_ours = browsers_of(self.profile.path());
        if !of_ours.is_empty() {
            let _ = Command::new("kill").arg("-KILL").args(of_ours).status();
        }
    }
}

/// Processes that were started for a profile.
fn browsers_of(profile: &Path) -> Vec<String> {
    let argument = format!("--user-data-dir={}", profile.display());
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter(|process| {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0)
                .any(|word| word == argument.as_bytes())
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

/// An XPath string literal, whatever quotes it holds.
fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}
