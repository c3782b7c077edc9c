//! From the one-time link to a connected account: what the first person of a team does, page by page.

use std::time::Duration;

use anyhow::{Context, ensure};
use pipewright_simulator::{SAMPLE_PASSWORD, Simulator};

use super::{Page, Person};

/// How long a page may take to show what is read in the background.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between two looks.
const RELOAD: Duration = Duration::from_millis(50);

/// Who sets the installation up.
pub const EMAIL: &str = "mara@harbor.example";

/// Their password in Pipewright; the sample team's in the simulated Bitbucket is [`SAMPLE_PASSWORD`].
pub const PASSWORD: &str = "correct horse battery";

/// The team's account, as its pages' addresses have it.
pub const ACCOUNT: &str = "harbor";

/// A team of the sample people on one installation, with the person who set it up.
pub struct Team {
    /// The person, signed in.
    pub person: Person,
    /// The installation's address, without a slash at its end.
    pub url: String,
}

impl Team {
    /// Opens the one-time link and makes the administrator and the team.
    pub async fn set_up(link: &str) -> anyhow::Result<Self> {
        let url = link.split("/setup/").next().unwrap_or(link).to_owned();
        let mut person = Person::opens(link).await?;
        person
            .presses(
                "Set up",
                &[
                    ("Your name", "Mara Lindqvist"),
                    ("E-mail address", EMAIL),
                    ("Password", PASSWORD),
                    ("Team", "Harbor"),
                ],
            )
            .await?;
        Ok(Self { person, url })
    }

    /// An address inside the team's account.
    pub fn page(&self, path: &str) -> String {
        format!("{}/{ACCOUNT}{path}", self.url)
    }

    /// Introduces the installation to the simulated Cloud as an OAuth consumer of the workspace `harbor`.
    pub async fn introduce(&mut self, simulator: &Simulator) -> anyhow::Result<()> {
        let page = self
            .person
            .goes_to(&format!("{}/administration/bitbucket-cloud", self.url))
            .await?;
        let callback = page
            .text_of_id("callback-url")
            .context("the page names the callback URL")?;
        let scopes = [
            "account",
            "account:write",
            "email",
            "pullrequest",
            "webhook",
            "repository:admin",
            "repository:write",
        ];
        let (key, secret) =
            simulator
                .cloud()
                .add_oauth_consumer("harbor", "Pipewright", &callback, &scopes)?;
        self.person
            .presses("Save", &[("Key", &key), ("Secret", &secret)])
            .await?;
        Ok(())
    }

    /// Connects the account to the simulated Cloud: consent there, and back.
    pub async fn connect_cloud(&mut self) -> anyhow::Result<()> {
        self.person
            .goes_to(&self.page("/settings/integrations"))
            .await?;
        self.person.presses("Connect Bitbucket", &[]).await?;
        if self.person.sees_button("Log in") {
            self.person
                .presses(
                    "Log in",
                    &[
                        ("User name or e-mail", "mara"),
                        ("Password", SAMPLE_PASSWORD),
                    ],
                )
                .await?;
        }
        self.person.presses("Grant access", &[]).await?;
        let shown = self
            .person
            .goes_to(&self.page("/settings/integrations"))
            .await?
            .text();
        ensure!(
            shown.contains("Connected"),
            "the account is not connected: {shown}"
        );
        Ok(())
    }

    /// Copies the SSH key of the Cloud connection into the person's account there, and checks it.
    pub async fn add_key_to_cloud(&mut self, simulator: &Simulator) -> anyhow::Result<()> {
        let page = self
            .person
            .goes_to(&self.page("/settings/integrations"))
            .await?;
        let key = page
            .text_of_id("ssh-key-")
            .context("the page shows an SSH key")?;
        simulator
            .cloud()
            .add_user_ssh_key("mara", &key, "Pipewright")?;
        self.person.presses("Check now", &[]).await?;
        Ok(())
    }

    /// Connects the account to the simulated Data Center by user name and password.
    pub async fn connect_datacenter(&mut self, simulator: &Simulator) -> anyhow::Result<()> {
        self.person
            .goes_to(&self.page("/settings/integrations"))
            .await?;
        self.person.presses("Bitbucket Server", &[]).await?;
        let port = simulator.datacenter_ssh().1.to_string();
        let fields = [
            ("Host", &*simulator.datacenter_url()),
            ("SSH Port", &port),
            ("Username", "mara"),
            ("Password", SAMPLE_PASSWORD),
        ];
        let shown = self
            .person
            .presses("Add Credentials", &fields)
            .await?
            .text();
        ensure!(
            shown.contains("version"),
            "the Data Center is not connected: {shown}"
        );
        Ok(())
    }

    /// Makes an application of a repository (`owner/name`) with the wizard, everything as it proposes.
    pub async fn make_application(&mut self, full_name: &str) -> anyhow::Result<()> {
        let (owner, name) = full_name
            .split_once('/')
            .with_context(|| format!("{full_name} is not owner/name"))?;
        let words = format!("{owner} / {name}");
        let search = self.page(&format!("/applications/new?q={name}"));
        self.comes_to(&search, |page| page.link(&words).is_some())
            .await
            .with_context(|| format!("{full_name} is not listed"))?;
        self.person.follows(&words).await?;
        let settings = self.person.at().to_string();
        self.comes_to(&settings, |page| page.form("Review").is_some())
            .await
            .with_context(|| format!("{full_name} cannot be looked into"))?;
        self.person.presses("Review", &[]).await?;
        self.person.presses("Create", &[]).await?;
        Ok(())
    }

    /// Reloads a page until it shows what is waited for; what it shows is read in the background.
    pub async fn comes_to(
        &mut self,
        address: &str,
        shows: impl Fn(&Page) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if shows(self.person.goes_to(address).await?) {
                return Ok(());
            }
            ensure!(
                tokio::time::Instant::now() < deadline,
                "{address} shows after {PATIENCE:?}: {}",
                self.person.page().text()
            );
            tokio::time::sleep(RELOAD).await;
        }
    }
}
