//! A container engine for tests: `PIPEWRIGHT_TEST_ENGINE` is the path of its socket.
//!
//! Nothing is pulled: images are made here from a static busybox.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// An image of busybox, whose user and entrypoint are of no use to a step.
pub const IMAGE: &str = "pipewright-test/busybox:1";

/// The engine.
#[derive(Debug, Clone)]
pub struct TestEngine(PathBuf);

impl TestEngine {
    /// The engine with [`IMAGE`], made once; `None`, which it says, where there is none to test with.
    pub fn find() -> Option<Self> {
        static READY: OnceLock<Option<TestEngine>> = OnceLock::new();
        READY
            .get_or_init(|| {
                let Some(socket) = std::env::var_os("PIPEWRIGHT_TEST_ENGINE") else {
                    #[expect(clippy::print_stderr, reason = "the test's output")]
                    {
                        eprintln!("skipped: PIPEWRIGHT_TEST_ENGINE names no container engine");
                    }
                    return None;
                };
                let engine = Self(socket.into());
                engine.make_busybox();
                Some(engine)
            })
            .clone()
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.0
    }

    /// Makes an image `NAME:1` of busybox with other settings, in the words of a Dockerfile.
    pub fn make_image(&self, name: &str, changes: &str) {
        let body =
            serde_json::json!({ "Image": IMAGE, "Entrypoint": ["/bin/true"], "User": "root" });
        let made = self.call(&[
            "-X",
            "POST",
            "-H",
            "Content-Type: application/json",
            "-d",
            &body.to_string(),
            "http://engine/v1.40/containers/create",
        ]);
        let made: serde_json::Value = serde_json::from_str(&made).expect("a container");
        let id = made["Id"].as_str().expect("an id");
        self.call(&[
            "-X",
            "POST",
            "-G",
            "--data-urlencode",
            &format!("changes={changes}"),
            &format!("http://engine/v1.40/commit?container={id}&repo={name}&tag=1"),
        ]);
        self.call(&[
            "-X",
            "DELETE",
            &format!("http://engine/v1.40/containers/{id}"),
        ]);
    }

    /// Makes an image `NAME:1` that holds nothing to run a script with.
    pub fn make_empty_image(&self, name: &str) {
        self.import(name, Path::new("/usr/bin"), "true", &[]);
    }

    /// What the engine says of every container with this label.
    pub fn containers(&self, label: &str) -> Vec<String> {
        let filters = serde_json::json!({ "label": [label] }).to_string();
        let listed = self.call(&[
            "-G",
            "--data-urlencode",
            &format!("filters={filters}"),
            "http://engine/v1.40/containers/json?all=true",
        ]);
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("a list");
        listed
            .iter()
            .map(|container| {
                let id = container["Id"].as_str().expect("an id");
                // One that is gone meanwhile says nothing.
                self.try_call(&[&format!("http://engine/v1.40/containers/{id}/json")])
                    .unwrap_or_default()
            })
            .filter(|said| !said.is_empty())
            .collect()
    }

    /// A root file system of one static program and its names.
    fn make_busybox(&self) {
        let root = tempfile::tempdir().expect("a directory");
        for name in ["bin", "tmp", "root", "etc"] {
            std::fs::create_dir(root.path().join(name)).expect("a directory");
        }
        let bin = root.path().join("bin");
        std::fs::copy("/usr/bin/busybox", bin.join("busybox"))
            .expect("a static busybox is installed");
        let listed = Command::new("/usr/bin/busybox")
            .arg("--list")
            .output()
            .expect("busybox runs");
        for name in String::from_utf8_lossy(&listed.stdout).lines() {
            if name != "busybox" {
                std::os::unix::fs::symlink("busybox", bin.join(name)).expect("a link");
            }
        }
        let users = "root:x:0:0:root:/root:/bin/sh\n";
        std::fs::write(root.path().join("etc/passwd"), users).expect("a file");
        self.import(
            "pipewright-test/busybox",
            root.path(),
            ".",
            &[
                "ENV PATH=/bin",
                "ENTRYPOINT [\"/bin/false\"]",
                "USER nobody",
            ],
        );
    }

    fn import(&self, name: &str, directory: &Path, what: &str, changes: &[&str]) {
        let mut tar = Command::new("tar")
            .arg("-C")
            .arg(directory)
            .args(["-c", what])
            .stdout(Stdio::piped())
            .spawn()
            .expect("tar runs");
        let mut url = format!("http://engine/v1.40/images/create?fromSrc=-&repo={name}&tag=1");
        for change in changes {
            url.push_str("&changes=");
            url.extend(percent_encoding::utf8_percent_encode(
                change,
                percent_encoding::NON_ALPHANUMERIC,
            ));
        }
        let done = Command::new("curl")
            .args(["-sfg", "--unix-socket"])
            .arg(&self.0)
            .args([
                "-X",
                "POST",
                "-H",
                "Content-Type: application/x-tar",
                "-T",
                "-",
            ])
            .arg(url)
            .stdin(tar.stdout.take().expect("its output"))
            .output()
            .expect("curl runs");
        assert!(done.status.success(), "the image {name} is made: {done:?}");
        tar.wait().expect("tar ended");
    }

    fn call(&self, arguments: &[&str]) -> String {
        self.try_call(arguments)
            .unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    fn try_call(&self, arguments: &[&str]) -> Result<String, String> {
        let done = Command::new("curl")
            .args(["-sfg", "--unix-socket"])
            .arg(&self.0)
            .args(arguments)
            .output()
            .expect("curl runs");
        if done.status.success() {
            Ok(String::from_utf8_lossy(&done.stdout).into_owned())
        } else {
            Err(format!("{done:?}"))
        }
    }
}
