//! A small team to look at: three people, a few workspaces and projects, repositories with pipeline files that run.
//!
//! | who | user name | Cloud | Data Center |
//! |---|---|---|---|
//! | Mara Lindqvist | `mara` | owns `harbor`, `harbor-labs` and her own `mara` | administers FIN, OPS and her own `~mara` |
//! | Ivo Tanaka | `ivo` | writes in `harbor` | writes in FIN |
//! | Noor Haddad | `noor` | reads `harbor`, owns her own `noor` | reads FIN and OPS |
//!
//! Everybody's password is [`SAMPLE_PASSWORD`]. Repositories: `checkout-api` and `ledger` pass in a few steps,
//! `web-shop` has a test that fails, `infra-terraform` has steps for branches and tags.

mod files;

use crate::actions::ActionError;
use crate::cloud::Cloud;
use crate::datacenter::Datacenter;
use crate::installation::Installation;
use crate::simulator::Simulator;
use crate::state::Permission;

/// The password of everybody in the sample team.
pub const SAMPLE_PASSWORD: &str = "harbour-light";

const PEOPLE: [(&str, &str, &str); 3] = [
    ("mara", "Mara Lindqvist", "mara@harbor.example"),
    ("ivo", "Ivo Tanaka", "ivo@harbor.example"),
    ("noor", "Noor Haddad", "noor@harbor.example"),
];

impl Simulator {
    /// Makes the sample team on both products.
    pub async fn sample_team(&self) -> Result<(), ActionError> {
        cloud(self.cloud()).await?;
        datacenter(self.datacenter()).await
    }
}

fn people(installation: &Installation) -> Result<(), ActionError> {
    for (name, display, email) in PEOPLE {
        installation.add_user(name, display, email, SAMPLE_PASSWORD)?;
    }
    Ok(())
}

/// The team on Cloud.
pub(crate) async fn cloud(cloud: &Cloud) -> Result<(), ActionError> {
    people(cloud)?;
    cloud.add_workspace("harbor", "Harbor")?;
    cloud.add_workspace("harbor-labs", "Harbor Labs")?;
    cloud.add_personal_workspace("mara", "mara")?;
    cloud.add_personal_workspace("noor", "noor")?;
    for (workspace, user, permission) in [
        ("harbor", "mara", Permission::Admin),
        ("harbor", "ivo", Permission::Write),
        ("harbor", "noor", Permission::Read),
        ("harbor-labs", "mara", Permission::Admin),
    ] {
        cloud.add_member(workspace, user, permission)?;
    }
    for (workspace, slug, private) in [
        ("harbor", "checkout-api", true),
        ("harbor", "web-shop", true),
        ("harbor", "infra-terraform", true),
        ("harbor-labs", "sandbox", true),
        ("mara", "notes", false),
    ] {
        cloud.add_repository(workspace, slug, private)?;
    }
    fill(cloud, "harbor/checkout-api", &files::CHECKOUT_API).await?;
    fill(cloud, "harbor/web-shop", &files::WEB_SHOP).await?;
    fill(cloud, "harbor/infra-terraform", &files::INFRA_TERRAFORM).await?;
    cloud
        .create_branch("harbor/checkout-api", "feature/gift-cards", "main", "ivo")
        .await
}

/// The team on Data Center.
pub(crate) async fn datacenter(datacenter: &Datacenter) -> Result<(), ActionError> {
    people(datacenter)?;
    datacenter.add_project("FIN", "Finance")?;
    datacenter.add_project("OPS", "Operations")?;
    datacenter.add_personal_project("mara")?;
    for (project, user, permission) in [
        ("FIN", "mara", Permission::Admin),
        ("FIN", "ivo", Permission::Write),
        ("FIN", "noor", Permission::Read),
        ("OPS", "mara", Permission::Admin),
        ("OPS", "noor", Permission::Read),
    ] {
        datacenter.add_member(project, user, permission)?;
    }
    datacenter.add_repository("FIN", "ledger", true)?;
    datacenter.add_repository("OPS", "infra-terraform", true)?;
    datacenter.add_repository("~mara", "notes", true)?;
    fill(datacenter, "FIN/ledger", &files::LEDGER).await?;
    fill(datacenter, "OPS/infra-terraform", &files::INFRA_TERRAFORM).await
}

/// Pushes the commits of a repository one by one.
async fn fill(
    installation: &std::sync::Arc<Installation>,
    repository: &str,
    commits: &[files::Commit],
) -> Result<(), ActionError> {
    for commit in commits {
        installation
            .commit(
                repository,
                "main",
                commit.files,
                commit.message,
                commit.author,
            )
            .await?;
    }
    Ok(())
}
