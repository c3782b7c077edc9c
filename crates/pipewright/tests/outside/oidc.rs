//! B19 of `oidc`: a step's token, judged as a cloud judges it: by the discovery document, the published keys, and another
//! program's cryptography.

use std::path::Path;
use std::process::Command;

use pipewright_core::build::{BuildOutcome, BuildState};
use serde_json::Value;

use crate::browser::Browser;
use crate::team::House;

fn pipeline(place: &Path) -> String {
    let to = place.display();
    format!(
        "pipelines:
  default:
    - step:
        oidc: true
        max-time: 7
        deployment: Production
        script:
          - printf %s \"$BITBUCKET_STEP_OIDC_TOKEN\" > {to}/usual-$BITBUCKET_BUILD_NUMBER
          - echo the token is $BITBUCKET_STEP_OIDC_TOKEN.
          - printf %s $BITBUCKET_STEP_UUID > {to}/step
    - step:
        oidc: {{audiences: [api://AzureADTokenExchange, other]}}
        script:
          - printf %s \"$BITBUCKET_STEP_OIDC_TOKEN\" > {to}/azure
    - step:
        script:
          - echo without there is \"[$BITBUCKET_STEP_OIDC_TOKEN]\"
"
    )
}

/// Reads base64 as tokens write it (RFC 4648, 5), without padding.
fn base64url(text: &str) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for character in text.bytes() {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            other => panic!("{other} is no digit of it"),
        };
        held = (held << 6) | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

/// A token in its parts.
struct Token {
    signed: String,
    signature: Vec<u8>,
    header: Value,
    claims: Value,
}

impl Token {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the step wrote it");
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("{text}");
        };
        let decode = |part: &str| base64url(part);
        let json = |part: &str| serde_json::from_slice(&decode(part)).expect("JSON");
        Self {
            signed: format!("{header}.{claims}"),
            signature: decode(signature),
            header: json(header),
            claims: json(claims),
        }
    }

    /// What openssl says of the signature under one of these keys: the one that the token names.
    fn is_signed_by(&self, keys: &Value) -> Option<bool> {
        let all = keys["keys"].as_array().expect("a list of keys");
        let key = all.iter().find(|key| key["kid"] == self.header["kid"])?;
        assert_eq!(key["alg"], self.header["alg"]);
        let directory = tempfile::tempdir().expect("a directory");
        let number = |name: &str| {
            let text = key[name].as_str().expect("a number");
            hex(&base64url(text))
        };
        let (public, signature) = if key["kty"] == "RSA" {
            let text = format!(
                "asn1=SEQUENCE:k\n[k]\na=SEQUENCE:a\nb=BITWRAP,SEQUENCE:b\n[a]\no=OID:rsaEncryption\np=NULL\n[b]\nn=INTEGER:0x{}\ne=INTEGER:0x{}\n",
                number("n"),
                number("e")
            );
            (der(directory.path(), "key", &text), self.signature.clone())
        } else {
            let text = format!(
                "asn1=SEQUENCE:k\n[k]\na=SEQUENCE:a\nb=FORMAT:HEX,BITSTRING:04{}{}\n[a]\no=OID:id-ecPublicKey\np=OID:prime256v1\n",
                number("x"),
                number("y")
            );
            let (r, s) = self.signature.split_at(32);
            let pair = format!(
                "asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x{}\ns=INTEGER:0x{}\n",
                hex(r),
                hex(s)
            );
            let key = der(directory.path(), "key", &text);
            (key, der(directory.path(), "pair", &pair))
        };
        let file = |name: &str, content: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, content).expect("a file");
            path
        };
        let (public, signature, signed) = (
            file("public.der", &public),
            file("signature", &signature),
            file("signed", self.signed.as_bytes()),
        );
        let judged = Command::new("openssl")
            .args(["dgst", "-sha256", "-keyform", "DER", "-verify"])
            .arg(public)
            .arg("-signature")
            .arg(signature)
            .arg(signed)
            .output()
            .expect("openssl runs");
        Some(String::from_utf8_lossy(&judged.stdout).contains("Verified OK"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What openssl makes of a description (`ASN1_generate_nconf(3)`).
fn der(directory: &Path, name: &str, description: &str) -> Vec<u8> {
    let (from, to) = (
        directory.join(format!("{name}.conf")),
        directory.join(format!("{name}.der")),
    );
    std::fs::write(&from, description).expect("a file");
    let made = Command::new("openssl")
        .args(["asn1parse", "-noout", "-genconf"])
        .arg(&from)
        .arg("-out")
        .arg(&to)
        .output()
        .expect("openssl runs");
    assert!(
        made.status.success(),
        "{description}: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    std::fs::read(to).expect("a file")
}

/// A document that anybody may read.
async fn document(url: &str) -> Value {
    let answer = reqwest::get(url).await.expect("responds");
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.json().await.expect("JSON")
}

async fn passed(house: &House, number: i64) -> pipewright_store::builds::Build {
    let passed = BuildState::Finished(BuildOutcome::Passed);
    house
        .build(number, |build| {
            assert!(
                build.state == passed || !matches!(build.state, BuildState::Finished(_)),
                "{build:?}"
            );
            build.state == passed
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_a_steps_token_is_what_clouds_verify() {
    if Command::new("openssl").arg("version").output().is_err() {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: there is no openssl here");
        }
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let mut house = House::without_sandboxes(&pipeline(place.path())).await;
    let build = passed(&house, 1).await;
    let log = house.log_of(&build).await;
    assert!(log.contains("without there is []"), "{log}");

    let token = Token::read(&place.path().join("usual-1"));
    let issuer = token.claims["iss"].as_str().expect("an issuer").to_owned();
    assert!(
        issuer.starts_with(&format!("{}/oidc/", house.server.url)),
        "{issuer}"
    );
    let found = document(&format!("{issuer}/.well-known/openid-configuration")).await;
    assert_eq!(found["issuer"], issuer.as_str());
    let keys_url = found["jwks_uri"].as_str().expect("an address").to_owned();
    let keys = document(&keys_url).await;
    assert_eq!(token.header["alg"], "RS256");
    assert_eq!(token.is_signed_by(&keys), Some(true), "{keys}");
    let mut forged = Token::read(&place.path().join("usual-1"));
    forged.signed = forged.signed.replacen('.', ".e", 1);
    assert_eq!(forged.is_signed_by(&keys), Some(false), "another text");

    let text = |token: &Token, name: &str| token.claims[name].as_str().expect(name).to_owned();
    let step = std::fs::read_to_string(place.path().join("step")).expect("the step wrote it");
    assert_eq!(text(&token, "stepUuid"), step);
    let (repository, environment) = (
        text(&token, "repositoryUuid"),
        text(&token, "deploymentEnvironmentUuid"),
    );
    assert_eq!(
        text(&token, "sub"),
        format!("{repository}:{environment}:{step}")
    );
    let workspace = text(&token, "workspaceUuid");
    assert_eq!(
        text(&token, "aud"),
        format!(
            "ari:cloud:bitbucket::workspace/{}",
            workspace.trim_matches(['{', '}'])
        )
    );
    assert_eq!(text(&token, "branchName"), "main");
    assert_eq!(text(&token, "commit"), build.commit.as_str());
    let at = |name: &str| token.claims[name].as_i64().expect(name);
    assert_eq!(
        at("exp") - at("iat"),
        7 * 60,
        "no longer than the script may run"
    );

    // Azure compares the whole subject.
    let azure = Token::read(&place.path().join("azure"));
    assert_eq!(azure.is_signed_by(&keys), Some(true));
    assert_eq!(text(&azure, "sub"), repository);
    assert_eq!(
        azure.claims["aud"],
        serde_json::json!(["api://AzureADTokenExchange", "other"])
    );

    // Nothing of a token is shown or stored.
    let signature = std::fs::read_to_string(place.path().join("usual-1")).expect("reads");
    let signature = signature
        .rsplit('.')
        .next()
        .expect("a signature")
        .to_owned();
    assert!(!log.contains(&signature), "masked: {log}");
    for name in ["pipewright.db", "pipewright.db-wal"] {
        let bytes = std::fs::read(house.server.data().join(name)).unwrap_or_default();
        let is_there = bytes
            .windows(signature.len())
            .any(|window| window == signature.as_bytes());
        assert!(!is_there, "in {name}");
    }

    // New keys follow; the old one is published on, and still verifies what it signed.
    let page = house.team.page("/settings/oidc");
    house.team.person.goes_to(&page).await.expect("goes there");
    house
        .team
        .person
        .presses("Rotate", &[])
        .await
        .expect("rotates");
    let keys = document(&keys_url).await;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(4), "{keys}");
    assert_eq!(token.is_signed_by(&keys), Some(true));

    // With the other algorithm, in the next build.
    house
        .team
        .person
        .presses("Save", &[("Algorithm", "ES256")])
        .await
        .expect("chooses");
    house
        .simulator
        .cloud()
        .commit("harbor/subject", "main", &[("a.txt", "a")], "Again", "ivo")
        .await
        .expect("a push");
    passed(&house, 2).await;
    let other = Token::read(&place.path().join("usual-2"));
    assert_eq!(other.header["alg"], "ES256");
    assert_eq!(other.is_signed_by(&keys), Some(true), "{keys}");

    // Where a key may be known to others, what it signed is worth nothing at once.
    house
        .team
        .person
        .presses("Rotate", &[("At once", "on")])
        .await
        .expect("replaces");
    let keys = document(&keys_url).await;
    assert_eq!(token.is_signed_by(&keys), None, "{keys}");
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2), "{keys}");

    // Nobody else's issuer.
    let stranger = format!(
        "{}/oidc/01900000-0000-7000-8000-000000000000/.well-known/jwks.json",
        house.server.url
    );
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let answer = http.get(&stranger).send().await.expect("responds");
    assert!(!answer.status().is_success(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn b19_the_page_tells_what_to_have_clouds_trust() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let house =
        House::with_application("pipelines:\n  default:\n    - step: {script: [echo hello]}\n")
            .await;
    browser.signs_in(&house.team.url).await;
    browser
        .goes_to(&house.team.page("/applications/subject"))
        .await;
    browser.clicks("OpenID Connect").await;
    for words in [
        "What tokens say",
        "AWS",
        "Google Cloud",
        "Azure",
        "HashiCorp Vault",
    ] {
        browser.sees(words).await;
    }
    let policy = browser.text_of_css("#aws-policy").await;
    let policy: Value = serde_json::from_str(&policy).expect("JSON");
    assert_eq!(
        policy["Statement"][0]["Action"],
        "sts:AssumeRoleWithWebIdentity"
    );
    browser.fills("Environment", "Production").await;
    browser.clicks("Show").await;
    browser.sees("deploymentEnvironmentUuid").await;
    browser.pictures("oidc-application").await;
    browser.clicks("Issuer and keys").await;
    browser.sees("Issuer").await;
    browser.sees("signs").await;
    browser.pictures("oidc-account").await;
}
