//! Starting and stopping: ports, directories, and the two installations behind them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::SimClock;
use crate::cloud::{Cloud, CloudRules, CloudServer};
use crate::datacenter::{Datacenter, DatacenterOptions};
use crate::installation::{Addresses, Installation, Product};
use crate::record::{Recorder, record};
use crate::{control, faults, ssh};

/// How long [`Simulator::shutdown`] waits for what is under way.
const DRAIN: Duration = Duration::from_secs(5);

/// Fixed ports on 127.0.0.1; `None` takes a free one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimulatorPorts {
    /// Cloud's pages, OAuth and git over HTTP.
    pub cloud_web: Option<u16>,
    /// Cloud's API.
    pub cloud_api: Option<u16>,
    /// Cloud's SSH server.
    pub cloud_ssh: Option<u16>,
    /// Data Center: everything over HTTP.
    pub datacenter: Option<u16>,
    /// Data Center's SSH server.
    pub datacenter_ssh: Option<u16>,
    /// The control API.
    pub control: Option<u16>,
}

/// How a simulator is started.
#[derive(Debug, Clone, Default)]
pub struct SimulatorOptions {
    /// Where the git repositories lie; `None` makes a temporary directory that goes with the simulator.
    pub data_dir: Option<PathBuf>,
    /// The clock of both installations; the machine's by default.
    pub clock: SimClock,
    /// Ports, if they must be known beforehand.
    pub ports: SimulatorPorts,
    /// Context path and version of the Data Center.
    pub datacenter: DatacenterOptions,
}

/// The simulator could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// A port is taken.
    #[error("could not listen on 127.0.0.1:{port}: {source}; choose another port or none")]
    Bind {
        /// The port; 0 for any.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The data directory cannot be used.
    #[error("could not make the data directory: {0}; choose one that is writable")]
    Directory(#[source] std::io::Error),
}

/// A Bitbucket Cloud and a Bitbucket Data Center, running. Dropping it stops both.
#[derive(Debug)]
pub struct Simulator {
    cloud: Cloud,
    datacenter: Datacenter,
    cloud_record: Recorder,
    datacenter_record: Recorder,
    control_url: String,
    clock: SimClock,
    stop: CancellationToken,
    tasks: TaskTracker,
    // Last, so that it goes after everything that might still write into it.
    _directory: Option<TempDir>,
}

impl Simulator {
    /// Binds the ports and serves until [`Self::shutdown`] or drop.
    pub async fn start(options: SimulatorOptions) -> Result<Self, SimulatorError> {
        let (root, directory) = if let Some(directory) = options.data_dir {
            (directory, None)
        } else {
            let directory =
                TempDir::with_prefix("bitbucket-simulator-").map_err(SimulatorError::Directory)?;
            (directory.path().to_owned(), Some(directory))
        };
        let git_root = |product: Product| {
            let path = root.join(product.word());
            std::fs::create_dir_all(&path)
                .map(|()| path)
                .map_err(SimulatorError::Directory)
        };
        let (stop, tasks, clock, ports) = (
            CancellationToken::new(),
            TaskTracker::new(),
            options.clock,
            options.ports,
        );
        let cloud_installation = Arc::new(Installation::new(
            Product::Cloud,
            clock.clone(),
            git_root(Product::Cloud)?,
            Arc::new(CloudRules),
            tasks.clone(),
        ));
        let datacenter = Datacenter::new(
            &options.datacenter,
            clock.clone(),
            git_root(Product::Datacenter)?,
            tasks.clone(),
        );

        // Every port is bound before anything is served, so that the addresses are known to all.
        let cloud_web = bind(ports.cloud_web).await?;
        let cloud_api = bind(ports.cloud_api).await?;
        let cloud_ssh = bind(ports.cloud_ssh).await?;
        let datacenter_web = bind(ports.datacenter).await?;
        let datacenter_ssh = bind(ports.datacenter_ssh).await?;
        let control = bind(ports.control).await?;
        cloud_installation.set_addresses(Addresses {
            web_url: cloud_web.url(),
            api_url: format!("{}/2.0", cloud_api.url()),
            ssh_host: Ipv4Addr::LOCALHOST.to_string(),
            ssh_port: cloud_ssh.port,
        });
        let datacenter_url = format!("{}{}", datacenter_web.url(), datacenter.context_path());
        datacenter.installation().set_addresses(Addresses {
            web_url: datacenter_url.clone(),
            api_url: datacenter_url,
            ssh_host: Ipv4Addr::LOCALHOST.to_string(),
            ssh_port: datacenter_ssh.port,
        });
        let control_url = control.url();

        let server = Arc::new(CloudServer::new(Arc::clone(&cloud_installation)));
        let simulator = Self {
            cloud: Cloud::new(Arc::clone(&server)),
            cloud_record: Recorder::new(Product::Cloud),
            datacenter_record: Recorder::new(Product::Datacenter),
            datacenter,
            control_url,
            clock,
            stop,
            tasks,
            _directory: directory,
        };
        simulator.serve(cloud_web, &cloud_installation, server.web_router(), None);
        simulator.serve(
            cloud_api,
            &cloud_installation,
            server.api_router(),
            Some(&simulator.cloud_record),
        );
        let datacenter = simulator.datacenter.installation();
        simulator.serve(
            datacenter_web,
            datacenter,
            simulator.datacenter.router(),
            Some(&simulator.datacenter_record),
        );
        simulator.serve_ssh(cloud_ssh, &cloud_installation);
        simulator.serve_ssh(datacenter_ssh, datacenter);
        let world = control::World::new(
            simulator.cloud.clone(),
            simulator.datacenter.clone(),
            simulator.clock.clone(),
        );
        let (stop, router) = (simulator.stop.clone(), control::router(world));
        simulator.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ended = axum::serve(control.listener, router) => {}
            }
        });
        Ok(simulator)
    }

    fn serve(
        &self,
        port: Port,
        installation: &Arc<Installation>,
        router: Router,
        recorder: Option<&Recorder>,
    ) {
        let mut router = router.layer(from_fn_with_state(Arc::clone(installation), faults::inject));
        if let Some(recorder) = recorder {
            router = router.layer(from_fn_with_state(recorder.clone(), record));
        }
        let listener = installation.faults().gate().guard(port.listener);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ended = axum::serve(listener, router) => {}
            }
        });
    }

    fn serve_ssh(&self, port: Port, installation: &Arc<Installation>) {
        let listener = installation.faults().gate().guard(port.listener);
        self.tasks.spawn(ssh::serve(
            listener,
            Arc::clone(installation),
            self.stop.clone(),
        ));
    }

    /// Cloud's web address: pages, OAuth, git over HTTP. No slash at the end.
    pub fn cloud_web_url(&self) -> String {
        self.cloud.addresses().web_url.clone()
    }

    /// Cloud's API address; ends in `/2.0`.
    pub fn cloud_api_url(&self) -> String {
        self.cloud.addresses().api_url.clone()
    }

    /// Host and port of Cloud's SSH server.
    pub fn cloud_ssh(&self) -> (String, u16) {
        let addresses = self.cloud.addresses();
        (addresses.ssh_host.clone(), addresses.ssh_port)
    }

    /// Data Center's base address with its context path; no slash at the end.
    pub fn datacenter_url(&self) -> String {
        self.datacenter.addresses().web_url.clone()
    }

    /// Host and port of Data Center's SSH server.
    pub fn datacenter_ssh(&self) -> (String, u16) {
        let addresses = self.datacenter.addresses();
        (addresses.ssh_host.clone(), addresses.ssh_port)
    }

    /// The control API's address; no slash at the end.
    pub fn control_url(&self) -> String {
        self.control_url.clone()
    }

    /// The clock of both.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// Drives the Cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Drives the Data Center.
    pub fn datacenter(&self) -> &Datacenter {
        &self.datacenter
    }

    /// What was asked of Cloud's API and answered.
    pub fn cloud_record(&self) -> &Recorder {
        &self.cloud_record
    }

    /// What was asked of Data Center over HTTP and answered.
    pub fn datacenter_record(&self) -> &Recorder {
        &self.datacenter_record
    }

    /// Stops everything; deliveries under way are given up.
    pub async fn shutdown(self) {
        self.stop();
        // What does not end by itself in time ends with the runtime.
        let _ = tokio::time::timeout(DRAIN, self.tasks.wait()).await;
    }

    fn stop(&self) {
        self.stop.cancel();
        for installation in [&**self.cloud, self.datacenter.installation()] {
            installation.sender().stop.cancel();
            installation.faults().unreachable(true);
        }
        self.tasks.close();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A bound port.
struct Port {
    listener: TcpListener,
    port: u16,
}

impl Port {
    fn url(&self) -> String {
        format!(
            "http://{}",
            SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
        )
    }
}

async fn bind(port: Option<u16>) -> Result<Port, SimulatorError> {
    let wanted = port.unwrap_or(0);
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await?;
        let port = listener.local_addr()?.port();
        Ok(Port { listener, port })
    };
    bound.await.map_err(|source| SimulatorError::Bind {
        port: wanted,
        source,
    })
}
