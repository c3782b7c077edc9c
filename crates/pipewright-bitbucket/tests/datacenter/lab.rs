//! A simulated Data Center with its sample team.

use crate::support::http;
use pipewright_bitbucket::datacenter::parse_base_url;
use pipewright_bitbucket::{
    Bitbucket, Credential, DataCenterClient, RemoteRepository, RepositoryAddress,
};
use pipewright_core::Secret;
use pipewright_simulator::{
    DatacenterOptions, SAMPLE_PASSWORD, Simulator, SimulatorOptions, Version,
};
use url::Url;

pub(crate) const REPOSITORY: &str = "FIN/ledger";

/// A simulated Data Center with the sample team.
pub(crate) struct Lab {
    pub(crate) simulator: Simulator,
}

impl Lab {
    pub(crate) async fn start(version: Version) -> Self {
        let datacenter = DatacenterOptions {
            version,
            ..DatacenterOptions::default()
        };
        let simulator = Simulator::start(SimulatorOptions {
            datacenter,
            ..SimulatorOptions::default()
        })
        .await
        .expect("the simulator starts");
        simulator.sample_team().await.expect("the sample team");
        simulator.datacenter().allow_basic();
        Self { simulator }
    }

    pub(crate) fn base(&self) -> Url {
        parse_base_url(&self.simulator.datacenter_url()).expect("an address")
    }

    pub(crate) fn client(&self, user: &str) -> DataCenterClient {
        let password = Secret::new(SAMPLE_PASSWORD);
        DataCenterClient::new(
            http(),
            self.base(),
            Credential::Basic {
                user: user.to_owned(),
                password,
            },
        )
    }

    pub(crate) fn connected(&self, user: &str) -> Bitbucket {
        Bitbucket::DataCenter(self.client(user))
    }
}

pub(crate) async fn all_repositories(bitbucket: &Bitbucket) -> Vec<RemoteRepository> {
    let mut pages = bitbucket.list_repositories();
    let mut all = Vec::new();
    while let Some(page) = pages.next().await.expect("a page") {
        all.extend(page);
    }
    all
}

pub(crate) async fn address(bitbucket: &Bitbucket) -> RepositoryAddress {
    let all = all_repositories(bitbucket).await;
    all.iter()
        .find(|repository| repository.full_name == REPOSITORY)
        .unwrap_or_else(|| panic!("{REPOSITORY} in {all:?}"))
        .address()
}
