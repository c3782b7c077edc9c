//! A real Firefox, driven by Marionette: the protocol that Firefox speaks itself, so that no driver is needed beside it.
//! Messages are JSON with their length before them: `27:[0,1,"WebDriver:Navigate",{…}]`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names of the program: Debian's, and everybody else's.
const NAMES: [&str; 2] = ["firefox-esr", "firefox"];

/// A browser that asks nobody anything, reports nothing home, and listens where it likes. As root, and in containers, its
/// own sandbox cannot be had.
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("security.sandbox.content.level", 0);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.startup.max_resumed_crashes", -1);
user_pref("toolkit.telemetry.enabled", false);
"#;

/// A Firefox with one window; ends with the test.
pub(crate) struct Firefox {
    child: Child,
    stream: TcpStream,
    number: u64,
    _profile: tempfile::TempDir,
}

impl Firefox {
    /// Opens one; `None`, said on standard error, where none is installed.
    pub(crate) async fn open() -> Option<Self> {
        let profile = tempfile::tempdir().expect("a directory");
        std::fs::write(profile.path().join("user.js"), PREFERENCES).expect("preferences");
        let Some(child) = NAMES.iter().find_map(|name| start(name, profile.path())) else {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("skipped: Firefox is not installed (Debian's package is firefox-esr)");
            }
            return None;
        };
        let port = listens_on(profile.path()).await;
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("Firefox listens");
        let mut firefox = Self {
            child,
            stream,
            number: 0,
            _profile: profile,
        };
        let greeting = firefox.hears().await;
        assert_eq!(greeting["marionetteProtocol"], 3, "{greeting}");
        firefox.asks("WebDriver:NewSession", json!({})).await;
        firefox
            .asks(
                "WebDriver:SetWindowRect",
                json!({ "width": 1280, "height": 1000 }),
            )
            .await;
        Some(firefox)
    }

    /// Types an address, and waits until its page is loaded.
    pub(crate) async fn goes_to(&mut self, url: &str) {
        self.asks("WebDriver:Navigate", json!({ "url": url })).await;
    }

    /// What a script returns in the page, given these values as `arguments`.
    pub(crate) async fn evaluates(&mut self, script: &str, given: Value) -> Value {
        let answer = self
            .asks(
                "WebDriver:ExecuteScript",
                json!({ "script": script, "args": given }),
            )
            .await;
        answer["value"].clone()
    }

    /// Waits until a script returns something true.
    pub(crate) async fn comes_to(&mut self, script: &str) {
        // No command is left without its answer: the next one would be given it.
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let seen = self.evaluates(script, json!([])).await;
            if seen == true {
                return;
            }
            if tokio::time::Instant::now() > until {
                let text = "return location.href + '\\n' + document.body.innerText.slice(0, 2000)";
                let page = self.evaluates(text, json!([])).await;
                panic!("“{script}” does not come true ({seen}); the page shows:\n{page}");
            }
        }
    }

    /// Signs in as the one who set the server up.
    pub(crate) async fn signs_in(&mut self, server: &str) {
        self.goes_to(&format!("{server}/sign-in")).await;
        let fill = "const [email, password] = arguments, form = document.querySelector('form[action$=\"/sign-in\"]');
            form.elements.email.value = email; form.elements.password.value = password; form.requestSubmit(); return true";
        let (email, password) = (pipewright::story::EMAIL, pipewright::story::PASSWORD);
        self.evaluates(fill, json!([email, password])).await;
        self.comes_to("return location.pathname.endsWith('/applications') && document.readyState === 'complete'")
            .await;
    }

    /// How many pixels of a part of the window are light, as text in a log is: what the browser really painted. Leads away
    /// from the page.
    pub(crate) async fn light_pixels(&mut self, part: [f64; 4]) -> u64 {
        let picture = self
            .asks("WebDriver:TakeScreenshot", json!({ "full": false }))
            .await;
        self.goes_to("about:blank").await;
        let count = "const [picture, [left, top, width, height]] = arguments, done = arguments[arguments.length - 1];
            const image = new Image();
            image.onload = () => {
              const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
              [canvas.width, canvas.height] = [image.width, image.height];
              pen.drawImage(image, 0, 0);
              const { data } = pen.getImageData(left, top, width, height);
              let light = 0;
              for (let at = 0; at < data.length; at += 4) if (data[at] > 128 && data[at + 1] > 128) light++;
              done(light);
            };
            image.src = 'data:image/png;base64,' + picture";
        let answer = self
            .asks(
                "WebDriver:ExecuteAsyncScript",
                json!({ "script": count, "args": [picture["value"], part] }),
            )
            .await;
        answer["value"].as_u64().expect("a number")
    }

    /// Sends a command, and returns what it led to.
    async fn asks(&mut self, command: &str, given: Value) -> Value {
        self.number += 1;
        let message = json!([0, self.number, command, given]).to_string();
        let framed = format!("{}:{message}", message.len());
        self.stream
            .write_all(framed.as_bytes())
            .await
            .expect("Firefox takes the command");
        let mut answer = self.hears().await;
        assert_eq!(answer[1], self.number, "{answer}");
        assert!(answer[2].is_null(), "{command}: {}", answer[2]);
        answer[3].take()
    }

    /// The next message.
    async fn hears(&mut self) -> Value {
        let read = async {
            let mut length = 0;
            loop {
                match self.stream.read_u8().await.expect("Firefox answers") {
                    b':' => break,
                    digit => length = length * 10 + usize::from(digit - b'0'),
                }
            }
            let mut message = vec![0; length];
            self.stream
                .read_exact(&mut message)
                .await
                .expect("Firefox answers");
            serde_json::from_slice(&message).expect("JSON")
        };
        timeout(PATIENCE, read)
            .await
            .expect("Firefox answers in time")
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program of this name; none where there is none.
fn start(name: &str, profile: &Path) -> Option<Child> {
    let started = Command::new(name)
        .args(["--headless", "--marionette", "--no-remote", "--profile"])
        .arg(profile)
        .env("HOME", profile)
        .env("MOZ_HEADLESS", "1")
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Some(child),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{name} does not start: {error}"),
    }
}

/// The port that a starting Firefox chose, which it leaves in its profile.
async fn listens_on(profile: &Path) -> u16 {
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    let found = async {
        loop {
            looks.tick().await;
            let told = std::fs::read_to_string(profile.join("MarionetteActivePort"));
            if let Some(port) = told.ok().and_then(|text| text.trim().parse().ok()) {
                return port;
            }
        }
    };
    timeout(PATIENCE, found)
        .await
        .expect("Firefox says where it listens")
}
