//! The way to a database, which can be cut.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes bytes on to the database until it is cut: then every connection goes, and new ones are taken and never answered, as by
/// a machine that hangs.
pub(crate) struct Cable {
    /// The URL of the database behind it.
    pub(crate) url: String,
    cut: Arc<watch::Sender<bool>>,
}

impl Cable {
    /// A cable to the database of this URL.
    pub(crate) async fn to(url: &str) -> Self {
        let parsed = url::Url::parse(url).expect("a URL");
        let host = parsed.host_str().expect("a host").to_owned();
        let port = parsed.port().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address");
        let mut through = parsed;
        through.set_host(Some("127.0.0.1")).expect("a host");
        through.set_port(Some(here.port())).expect("a port");
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((mut near, _)) = listener.accept().await {
                if *is_cut.borrow() {
                    held.push(near);
                    continue;
                }
                let mut is_cut = is_cut.clone();
                let host = host.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect((host.as_str(), port))
                        .await
                        .expect("the database");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self {
            url: through.to_string(),
            cut: Arc::new(cut),
        }
    }

    /// Cuts it, or mends it.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.cut.send_replace(is_cut);
    }
}
