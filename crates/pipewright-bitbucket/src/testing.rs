//! For the tests of this crate: a server that answers with what it is told, and the directory of shared captures.
//!
//! Behaviour is tested against the simulator in `tests/`; this one is for answers that no well-behaved Bitbucket gives.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::http::{Http, HttpOptions, Proxy};

/// A client that reaches loopback whatever the environment says, with short limits.
pub(crate) fn http() -> Http {
    Http::new(options()).expect("the client is set up")
}

/// The options of [`http`].
pub(crate) fn options() -> HttpOptions {
    HttpOptions {
        proxy: Proxy::Direct,
        max_answer_bytes: 64 * 1024,
        ..HttpOptions::default()
    }
}

/// A server on loopback that answers each request with the text that a function makes of it.
pub(crate) struct ScriptedServer {
    /// Its address.
    pub(crate) url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ScriptedServer {
    /// Starts it; it lives as long as the test's runtime. The function gets the request's head and body as text.
    pub(crate) async fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = Url::parse(&format!(
            "http://{}",
            listener.local_addr().expect("an address")
        ))
        .expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    let text = answer(&request);
                    seen.lock()
                        .expect("no test panics while it holds this")
                        .push(request);
                    // A client that hung up already is part of some tests.
                    let _ = stream.write_all(text.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { url, requests }
    }

    /// The requests so far, each with head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .expect("no test panics while it holds this")
            .clone()
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> String {
    with_headers(status, "content-type: application/json", body)
}

/// An answer with these header lines.
pub(crate) fn with_headers(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Any\r\n{headers}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return text,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

/// A directory of the shared captures; none (and a printed line) where they are not at hand.
pub(crate) fn shared(directory: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("PIPEWRIGHT_SHARED") else {
        skip(directory);
        return None;
    };
    Some(PathBuf::from(root).join(directory))
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(directory: &str) {
    eprintln!(
        "skipped: PIPEWRIGHT_SHARED is not set, so the captures of {directory} are not at hand"
    );
}

/// The files of a directory whose names end so, with their contents.
pub(crate) fn files(directory: PathBuf, ending: &str) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the directory of captures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| {
            (
                path.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                std::fs::read(&path).expect("a file"),
            )
        })
        .collect();
    files.sort();
    files
}
