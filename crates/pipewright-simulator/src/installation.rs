//! One Bitbucket: its tables, its git repositories, its webhooks' sender, its faults and its clock.
//!
//! A simulator has two, one per product. Everything of one installation hangs on this value; nothing is global. The
//! tables stand behind a plain mutex that is held for a few lines and never across an await. What happens in words of
//! the domain (a push, a pull request) is in `crate::actions`, as further methods of this type.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::clock::SimClock;
use crate::faults::Faults;
use crate::git::GitStore;
use crate::hooks::{HookSender, WebhookRules};
use crate::ssh::HostKey;
use crate::state::Tables;

/// Which Bitbucket an installation plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// Bitbucket Cloud.
    Cloud,
    /// Bitbucket Data Center (and Server).
    Datacenter,
}

impl Product {
    /// The word used in directories and control addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Datacenter => "datacenter",
        }
    }
}

/// Where an installation can be reached; known once its ports are bound.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Address of pages and git over HTTP, without a slash at its end. Data Center's holds its context path.
    pub web_url: String,
    /// Address of the REST API, without a slash at its end. Cloud's ends in `/2.0`; Data Center's is its web address.
    pub api_url: String,
    /// Host of the SSH server.
    pub ssh_host: String,
    /// Port of the SSH server.
    pub ssh_port: u16,
}

/// One Bitbucket.
#[derive(Debug)]
pub struct Installation {
    product: Product,
    clock: SimClock,
    faults: Faults,
    git: GitStore,
    host_key: Mutex<HostKey>,
    sender: HookSender,
    rules: Arc<dyn WebhookRules>,
    addresses: OnceLock<Addresses>,
    tables: Mutex<Tables>,
    changes: watch::Sender<u64>,
    tasks: TaskTracker,
}

impl Installation {
    pub(crate) fn new(
        product: Product,
        clock: SimClock,
        git_root: PathBuf,
        rules: Arc<dyn WebhookRules>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            product,
            clock,
            faults: Faults::default(),
            git: GitStore::new(git_root),
            host_key: Mutex::new(HostKey::random()),
            sender: HookSender::default(),
            rules,
            addresses: OnceLock::new(),
            tables: Mutex::new(Tables::default()),
            changes: watch::Sender::new(0),
            tasks,
        }
    }

    /// Which Bitbucket this is.
    pub fn product(&self) -> Product {
        self.product
    }

    /// The clock.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// What goes wrong on purpose.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Where it can be reached.
    pub fn addresses(&self) -> &Addresses {
        self.addresses
            .get()
            .expect("cannot fail because ports are bound before anything is served")
    }

    pub(crate) fn set_addresses(&self, addresses: Addresses) {
        // A second call would be a bug of `Simulator::start`; the first address stays.
        let _ = self.addresses.set(addresses);
    }

    pub(crate) fn git(&self) -> &GitStore {
        &self.git
    }

    pub(crate) fn sender(&self) -> &HookSender {
        &self.sender
    }

    pub(crate) fn rules(&self) -> &Arc<dyn WebhookRules> {
        &self.rules
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// The SSH server's host key now.
    pub fn ssh_host_key(&self) -> HostKey {
        self.host_key
            .lock()
            .expect("cannot fail because no holder panics")
            .clone()
    }

    /// Replaces the SSH server's host key. New connections meet the new one; open ones go on.
    pub fn change_ssh_host_key(&self) -> HostKey {
        let key = HostKey::random();
        *self
            .host_key
            .lock()
            .expect("cannot fail because no holder panics") = key.clone();
        key
    }

    /// Looks at the tables. `look` must not wait for anything.
    pub fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(
            &self
                .tables
                .lock()
                .expect("cannot fail because no holder panics"),
        )
    }

    /// Changes the tables and wakes everybody who waits in [`Self::wait_until`]. `change` must not wait for anything.
    pub fn write<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        let result = change(
            &mut self
                .tables
                .lock()
                .expect("cannot fail because no holder panics"),
        );
        self.changes.send_modify(|version| *version += 1);
        result
    }

    /// Waits until `look` finds what it looks for in the tables; `None` when `timeout` (of the machine's clock) is over.
    pub async fn wait_until<T>(
        &self,
        timeout: Duration,
        mut look: impl FnMut(&Tables) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes.subscribe();
        let found = async {
            loop {
                changes.borrow_and_update();
                if let Some(found) = self.read(&mut look) {
                    return Some(found);
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        };
        tokio::time::timeout(timeout, found).await.ok().flatten()
    }
}
