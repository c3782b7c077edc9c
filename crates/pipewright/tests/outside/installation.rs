//! B17: the installation has administrators, on the page and by commands on the machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use pipewright::story::{Person, Team};
use pipewright_simulator::{Simulator, SimulatorOptions};

use crate::server::Server;

/// The administrator that [`Team::set_up`] makes.
const ADMINISTRATOR: &str = "mara@harbor.example";

async fn started() -> (Server, Team) {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    let server = Server::start(&simulator);
    let team = Team::set_up(server.setup_link.as_deref().expect("a first run"))
        .await
        .expect("sets up");
    (server, team)
}

/// Runs a command of the built program on the server's data directory, while it runs.
fn command(server: &Server, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pipewright"))
        .args(words)
        .args([
            "--set",
            &format!("data.directory={}", server.data().display()),
        ])
        .args(["--set", &format!("server.public_url={}", server.url)])
        .env_remove("PIPEWRIGHT_CONFIG")
        .output()
        .expect("runs")
}

fn said(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A forgotten administrator's password is recovered by a command, and the last administrator cannot be lost.
#[tokio::test(flavor = "multi_thread")]
async fn b17_a_forgotten_password_is_recovered_on_the_machine() {
    let (server, mut team) = started().await;
    let listed = said(&command(&server, &["user", "list"]));
    assert!(
        listed.contains(ADMINISTRATOR) && listed.contains("administrator"),
        "{listed}"
    );
    for act in ["disable", "remove-administrator"] {
        let refused = command(&server, &["user", act, ADMINISTRATOR]);
        let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{act}");
        assert!(sentence.contains("the last administrator"), "{sentence}");
    }
    let unknown = command(&server, &["user", "disable", "nobody@example.com"]);
    assert_eq!(unknown.status.code(), Some(1));

    let link = said(&command(
        &server,
        &["user", "reset-password", ADMINISTRATOR],
    ));
    let mut fresh = Person::opens(&link).await.expect("opens");
    fresh
        .presses(
            "Change password",
            &[("New password", "four new words indeed")],
        )
        .await
        .expect("chooses a new password");
    let log = fresh
        .goes_to(&format!("{}/installation/audit-log", server.url))
        .await
        .expect("is signed in")
        .text();
    assert!(
        log.contains("System") && log.contains("made a one-time link for a new password"),
        "{log}"
    );
    let refused = team
        .person
        .goes_to(&format!("{}/installation", server.url))
        .await
        .expect("is led to sign in")
        .text();
    assert!(
        refused.contains("Sign in"),
        "signed out elsewhere: {refused}"
    );
    let gone = Person::opens(&link).await.err().expect("it works once");
    assert!(
        gone.to_string().contains("already used or withdrawn"),
        "{gone}"
    );
}

/// A user who is invited may nothing of the installation, is disabled from the machine and is out at once.
#[tokio::test(flavor = "multi_thread")]
async fn b17_a_user_is_invited_on_the_page_and_disabled_on_the_machine() {
    let (server, mut team) = started().await;
    let page = format!("{}/installation", server.url);
    team.person.goes_to(&page).await.expect("goes there");
    let shown = team
        .person
        .presses(
            "Make an invitation",
            &[("E-mail address", "noor@example.com")],
        )
        .await
        .expect("invites")
        .text();
    let link = shown
        .split_whitespace()
        .find(|word| word.contains("/links/"))
        .expect("a link")
        .to_owned();
    let mut noor = Person::opens(&link).await.expect("opens");
    noor.presses(
        "Join",
        &[
            ("Your name", "Noor Haddad"),
            ("Password", "some other four words"),
        ],
    )
    .await
    .expect("joins");
    let refused = noor
        .goes_to(&format!("{}/accounts/new", server.url))
        .await
        .expect_err("may not make accounts")
        .to_string();
    assert!(refused.contains("403"), "{refused}");
    let done = said(&command(&server, &["user", "disable", "noor@example.com"]));
    assert!(done.contains("sessions ended: 1"), "{done}");
    let out = noor
        .goes_to(&format!("{}/profile", server.url))
        .await
        .expect("is led to sign in")
        .text();
    assert!(out.contains("Sign in"), "{out}");
    let json = said(&command(&server, &["user", "list", "--json"]));
    let users: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(
        users
            .as_array()
            .expect("a list")
            .iter()
            .any(|user| user["email"] == "noor@example.com" && user["is_disabled"] == true),
        "{json}"
    );

    said(&command(
        &server,
        &[
            "account",
            "rename",
            "harbor",
            "Harbour",
            "--short-name",
            "port",
        ],
    ));
    team.person
        .goes_to(&format!("{}/port/settings/members", server.url))
        .await
        .expect("is there by its new name");
    let careful = command(&server, &["account", "delete", "port"]);
    assert_eq!(careful.status.code(), Some(1), "asks first");
    said(&command(&server, &["account", "delete", "port", "--yes"]));
    let accounts = said(&command(&server, &["account", "list"]));
    assert!(!accounts.contains("port "), "{accounts}");
}

/// S4: of 150 guesses at once, five are looked at.
#[tokio::test(flavor = "multi_thread")]
async fn s4_guesses_at_once_are_counted_before_they_are_looked_at() {
    let (server, _team) = started().await;
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client");
    let mut guesses = tokio::task::JoinSet::new();
    for number in 0..150 {
        let form = [
            ("email", ADMINISTRATOR.to_owned()),
            ("password", format!("guess number {number}")),
        ];
        guesses.spawn(
            http.post(format!("{}/sign-in", server.url))
                .form(&form)
                .send(),
        );
    }
    let looked_at = guesses
        .join_all()
        .await
        .into_iter()
        .filter(|answer| answer.as_ref().expect("answers").status() == 422)
        .count();
    assert!(looked_at <= 5, "{looked_at} passwords were looked at");
}

/// S7: a visitor chooses no address, neither directly nor through a proxy set up as the documentation says.
#[tokio::test(flavor = "multi_thread")]
async fn s7_proxies_as_documented_tell_the_visitors_address() {
    let simulator = Simulator::start(SimulatorOptions::default())
        .await
        .expect("the simulator starts");
    let server = Server::start_with(&simulator, &["server.trusted_proxies=127.0.0.1"]);
    let mut team = Team::set_up(server.setup_link.as_deref().expect("a first run"))
        .await
        .expect("sets up");
    let proxies = [Proxy::nginx(&server.url), Proxy::caddy(&server.url)];
    for proxy in proxies.into_iter().flatten() {
        assert_eq!(proxy.signs_in_claiming("198.51.100.7"), 422, "{proxy:?}");
        let log = team
            .person
            .goes_to(&format!(
                "{}/installation/audit-log?what=user.sign_in_refused",
                server.url
            ))
            .await
            .expect("reads")
            .text();
        assert!(
            log.contains("127.0.0.1") && !log.contains("198.51.100.7"),
            "{proxy:?}: {log}"
        );
    }
}

/// A real proxy with the documented lines.
#[derive(Debug)]
struct Proxy {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Proxy {
    /// nginx; nothing where it is not installed.
    fn nginx(upstream: &str) -> Option<Self> {
        let program = installed("nginx")?;
        let directory = tempfile::tempdir().expect("a directory");
        let port = crate::server::free_port();
        let location = documented("nginx").replace("http://127.0.0.1:8080", upstream);
        let place = directory.path().display();
        let config = format!(
            "daemon off; master_process off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{}}\nhttp {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
             fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
             server {{ listen 127.0.0.1:{port}; {location} }} }}\n"
        );
        let path = directory.path().join("nginx.conf");
        std::fs::write(&path, config).expect("is written");
        let mut command = Command::new(program);
        command.arg("-c").arg(&path).arg("-p").arg(directory.path());
        Some(Self::start(command, port, directory))
    }

    /// Caddy; nothing where it is not installed.
    fn caddy(upstream: &str) -> Option<Self> {
        let program = installed("caddy")?;
        let directory = tempfile::tempdir().expect("a directory");
        let port = crate::server::free_port();
        let site = documented("caddy")
            .replace("ci.example.com", &format!("http://127.0.0.1:{port}"))
            .replace("127.0.0.1:8080", upstream.trim_start_matches("http://"));
        let path = directory.path().join("Caddyfile");
        std::fs::write(&path, format!("{{\n    admin off\n}}\n{site}")).expect("is written");
        let mut command = Command::new(program);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&path)
            .env("HOME", directory.path())
            .env("XDG_DATA_HOME", directory.path())
            .env("XDG_CONFIG_HOME", directory.path());
        Some(Self::start(command, port, directory))
    }

    fn start(mut command: Command, port: u16, directory: tempfile::TempDir) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the proxy starts");
        Self {
            child,
            port,
            _directory: directory,
        }
    }

    /// Tries a wrong password with an invented `X-Forwarded-For`. Gives the status.
    fn signs_in_claiming(&self, address: &str) -> u16 {
        let body = "email=stranger%40example.com&password=wrong";
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-Forwarded-For: {address}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let deadline = std::time::Instant::now() + crate::team::PATIENCE;
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.write_all(request.as_bytes()).expect("is sent");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).expect("answers");
                return answer
                    .split(' ')
                    .nth(1)
                    .and_then(|status| status.parse().ok())
                    .expect("a status");
            }
            assert!(
                std::time::Instant::now() < deadline,
                "the proxy does not listen"
            );
            std::thread::yield_now();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that the documentation gives for a proxy.
fn documented(proxy: &str) -> &'static str {
    include_str!("../../../../docs/install.md")
        .split(&format!("```{proxy}\n"))
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("lines for it")
}

fn installed(program: &str) -> Option<String> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .into_iter()
        .map(|directory| format!("{directory}/{program}"))
        .find(|path| std::path::Path::new(path).exists())
}
