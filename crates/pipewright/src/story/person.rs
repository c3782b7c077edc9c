//! A person with a browser, for the demonstration: goes to addresses, presses buttons, keeps cookies, follows redirects.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use url::Url;

use super::page::{Form, Page};

/// Redirects that are followed for one click.
const REDIRECTS: usize = 10;

/// A browser with its cookies and the page it shows.
pub struct Person {
    http: reqwest::Client,
    cookies: BTreeMap<(String, u16), BTreeMap<String, String>>,
    at: Url,
    page: Page,
}

impl Person {
    /// Opens a browser at this address.
    pub async fn opens(address: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let at = Url::parse(address)?;
        let mut person = Self {
            http,
            cookies: BTreeMap::new(),
            at: at.clone(),
            page: Page::read(""),
        };
        person.goes_to(at.as_str()).await?;
        Ok(person)
    }

    /// Types an address, whole or relative to the page.
    pub async fn goes_to(&mut self, address: &str) -> anyhow::Result<&Page> {
        let url = self.at.join(address)?;
        self.request(reqwest::Method::GET, url, None).await
    }

    /// Follows the link with these words.
    pub async fn follows(&mut self, words: &str) -> anyhow::Result<&Page> {
        let target = self
            .page
            .link(words)
            .with_context(|| format!("{} has no link “{words}”", self.at))?;
        self.goes_to(&target).await
    }

    /// Fills in fields by their labels and presses the button with these words.
    pub async fn presses(
        &mut self,
        button: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<&Page> {
        let mut form = self.page.form(button).with_context(|| {
            format!("{} has no button “{button}”: {}", self.at, self.page.text())
        })?;
        for (label, value) in fields {
            ensure!(
                form.fill(label, value),
                "{} has no field “{label}” beside “{button}”",
                self.at
            );
        }
        self.sends(form).await
    }

    /// The page shown now.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The address shown now.
    pub fn at(&self) -> &Url {
        &self.at
    }

    /// True if the page has a button with these words.
    pub fn sees_button(&self, words: &str) -> bool {
        self.page.form(words).is_some()
    }

    async fn sends(&mut self, form: Form) -> anyhow::Result<&Page> {
        let mut url = self.at.join(&form.action)?;
        if form.post {
            return self
                .request(reqwest::Method::POST, url, Some(form.fields))
                .await;
        }
        url.query_pairs_mut().clear().extend_pairs(form.fields);
        self.request(reqwest::Method::GET, url, None).await
    }

    async fn request(
        &mut self,
        mut method: reqwest::Method,
        mut url: Url,
        mut fields: Option<Vec<(String, String)>>,
    ) -> anyhow::Result<&Page> {
        for _ in 0..REDIRECTS {
            let origin = (
                url.host_str().unwrap_or_default().to_owned(),
                url.port_or_known_default().unwrap_or(0),
            );
            let cookies = self.cookies.entry(origin.clone()).or_default();
            let header = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("; ");
            let mut request = self
                .http
                .request(method.clone(), url.clone())
                .header(COOKIE, header);
            if let Some(fields) = &fields {
                request = request.form(fields);
            }
            let answer = request
                .send()
                .await
                .with_context(|| format!("{url} does not respond"))?;
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie
                    .to_str()
                    .unwrap_or_default()
                    .split(';')
                    .next()
                    .unwrap_or_default();
                if let Some((name, value)) = pair.split_once('=') {
                    cookies.insert(name.trim().to_owned(), value.trim().to_owned());
                }
            }
            if answer.status().is_redirection() {
                let location = answer
                    .headers()
                    .get(LOCATION)
                    .and_then(|value| value.to_str().ok())
                    .context("a redirect without an address")?;
                url = url.join(location)?;
                method = reqwest::Method::GET;
                fields = None;
                continue;
            }
            let status = answer.status();
            let text = answer.text().await?;
            self.page = Page::read(&text);
            self.at = url;
            ensure!(
                status.is_success(),
                "{} answered {status}: {}",
                self.at,
                self.page.text()
            );
            return Ok(&self.page);
        }
        bail!("{url} redirects in a circle")
    }
}
