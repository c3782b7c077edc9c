//! Connecting: what the check finds out, and the sentence of each failure.

use crate::lab::{Lab, REPOSITORY, address};
use crate::support::{http, judge_requests};
use pipewright_bitbucket::datacenter::{ConnectionError, sign_in};
use pipewright_bitbucket::{Bitbucket, Credential, DataCenterClient};
use pipewright_core::Secret;
use pipewright_simulator::state::Permission as SimulatedPermission;
use pipewright_simulator::{SAMPLE_PASSWORD, TokenLevel, Version};
use rstest::rstest;
use url::Url;

#[rstest]
#[case(Version::new(7, 21, 23))]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn a9_a_connection_finds_out_what_it_needs(#[case] version: Version) {
    let lab = Lab::start(version).await;
    let signed_in = sign_in(&http(), &lab.base(), "mara", &Secret::new(SAMPLE_PASSWORD))
        .await
        .expect("connected");
    let found = signed_in.connection;
    assert_eq!(found.version.text, version.to_string());
    assert_eq!(
        (found.user.name.as_str(), found.user.display_name.as_str()),
        ("mara", "Mara Lindqvist")
    );
    let (_, port) = lab.simulator.datacenter_ssh();
    let ssh = found.ssh.expect("the settings");
    assert_eq!(
        (ssh.port, ssh.enabled, ssh.access_keys_enabled),
        (Some(port), true, true)
    );
    assert_eq!(
        ssh.fingerprint,
        Some(lab.simulator.datacenter().ssh_host_key().fingerprint())
    );
    assert!(
        found.capabilities.rich_build_status
            && found.administered.names.contains(&REPOSITORY.to_owned())
    );
    assert!(matches!(signed_in.credential, Credential::Basic { .. }));
    judge_requests(
        pipewright_simulator::Product::Datacenter,
        lab.simulator.datacenter_record(),
    );
}

#[tokio::test]
async fn a9_each_failure_has_its_own_sentence() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    let attempt = async |base: Url, user: &str, password: &str| {
        sign_in(&http(), &base, user, &Secret::new(password))
            .await
            .map(|_| ())
    };

    assert_eq!(
        attempt(lab.base(), "mara", "wrong").await,
        Err(ConnectionError::WrongPassword)
    );
    assert_eq!(
        attempt(lab.base(), "", "no-such-token").await,
        Err(ConnectionError::TokenRefused)
    );
    datacenter.require_captcha("mara").expect("a user");
    match attempt(lab.base(), "mara", SAMPLE_PASSWORD).await {
        Err(ConnectionError::CaptchaRequired { login_url }) => {
            assert_eq!(
                login_url.expect("on the same host").host_str(),
                Some("127.0.0.1")
            );
        }
        other => panic!("{other:?}"),
    }
    datacenter.clear_captcha("mara").expect("a user");
    datacenter.disable_basic();
    assert_eq!(
        attempt(lab.base(), "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::PasswordsRefused)
    );
    datacenter.allow_basic();
    let mut wrong_path = lab.base();
    wrong_path.set_path("/git");
    assert_eq!(
        attempt(wrong_path, "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::WrongContextPath { found: lab.base() })
    );
    let cloud: Url = lab.simulator.cloud_web_url().parse().expect("an address");
    assert!(matches!(
        attempt(cloud, "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::NotBitbucket { .. })
    ));
    let mut tls = lab.base();
    tls.set_scheme("https").expect("a scheme");
    assert!(matches!(
        attempt(tls, "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::NotTls { .. })
    ));
    let unknown: Url = "https://bitbucket.invalid/".parse().expect("an address");
    assert!(matches!(
        attempt(unknown, "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::UnknownHost { .. })
    ));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed: Url = format!("http://{}", listener.local_addr().expect("an address"))
        .parse()
        .expect("an address");
    drop(listener);
    assert!(matches!(
        attempt(closed, "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::PortClosed { .. })
    ));
    datacenter.faults().rate_limit_next(1, Some(5));
    assert_eq!(
        attempt(lab.base(), "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::RateLimited)
    );
    datacenter.faults().fail_next(1, 503);
    assert!(matches!(
        attempt(lab.base(), "mara", SAMPLE_PASSWORD).await,
        Err(ConnectionError::ServerFailed { status: 503, .. })
    ));
    assert_eq!(attempt(lab.base(), "mara", SAMPLE_PASSWORD).await, Ok(()));
}

#[tokio::test]
async fn a9_wrong_passwords_never_run_into_the_captcha_by_themselves() {
    let lab = Lab::start(Version::default()).await;
    lab.simulator.datacenter().set_captcha_after(2);
    assert!(
        sign_in(&http(), &lab.base(), "mara", &Secret::new("wrong"))
            .await
            .is_err()
    );
    sign_in(&http(), &lab.base(), "mara", &Secret::new(SAMPLE_PASSWORD))
        .await
        .expect("one attempt counted once");
}

#[rstest]
#[case(Version::new(9, 4, 24))]
#[case(Version::new(10, 2, 6))]
#[tokio::test]
async fn a9_a_token_works_in_place_of_the_password(#[case] version: Version) {
    let lab = Lab::start(version).await;
    lab.simulator.datacenter().disable_basic();
    let levels = [
        TokenLevel::Project(SimulatedPermission::Read),
        TokenLevel::Repository(SimulatedPermission::Admin),
    ];
    let token = lab
        .simulator
        .datacenter()
        .create_token("mara", "Pipewright", &levels)
        .expect("a token");
    let signed_in = sign_in(&http(), &lab.base(), "mara", &Secret::new(token.clone()))
        .await
        .expect("connected");
    assert_eq!(
        signed_in.credential,
        Credential::HttpAccessToken(Secret::new(token.clone()))
    );
    assert_eq!(signed_in.connection.user.name, "mara");
    let bitbucket = Bitbucket::DataCenter(DataCenterClient::new(
        http(),
        lab.base(),
        signed_in.credential,
    ));
    assert!(
        !bitbucket
            .branches(&address(&bitbucket).await)
            .await
            .expect("branches")
            .refs
            .is_empty()
    );
    assert!(lab.simulator.datacenter().revoke_token(&token));
    assert!(
        bitbucket
            .current_user()
            .await
            .expect_err("revoked")
            .is_unauthorized()
    );
}

#[tokio::test]
async fn a_repositorys_token_signs_in_as_its_synthetic_user() {
    let lab = Lab::start(Version::default()).await;
    let token = lab
        .simulator
        .datacenter()
        .create_repository_token(REPOSITORY, "Pipewright", SimulatedPermission::Admin)
        .expect("a token");
    let signed_in = sign_in(&http(), &lab.base(), "", &Secret::new(token))
        .await
        .expect("connected");
    assert!(signed_in.connection.user.service);
    assert_eq!(signed_in.connection.administered.names, [REPOSITORY]);
}

#[rstest]
#[case(Version::new(8, 19, 0), false)]
#[case(Version::new(9, 4, 24), true)]
#[case(Version::new(10, 2, 6), true)]
#[tokio::test]
async fn a9_a_token_beside_a_user_name_is_kept_as_a_token(
    #[case] version: Version,
    #[case] has_prefix: bool,
) {
    let lab = Lab::start(version).await;
    let token = lab
        .simulator
        .datacenter()
        .create_token(
            "mara",
            "ci",
            &[TokenLevel::Repository(SimulatedPermission::Admin)],
        )
        .expect("a token");
    assert_eq!(token.starts_with("BBDC-"), has_prefix, "old and new forms");
    let signed_in = sign_in(&http(), &lab.base(), "mara", &Secret::new(token.clone()))
        .await
        .expect("connected");
    assert_eq!(
        signed_in.credential,
        Credential::HttpAccessToken(Secret::new(token))
    );
}

#[tokio::test]
async fn a9_sign_in_needs_no_header_that_names_the_user_and_says_no_more_than_it_learnt() {
    let lab = Lab::start(Version::default()).await;
    let datacenter = lab.simulator.datacenter();
    datacenter.set_names_users(false);
    let attempt = async |user: &str, secret: &str| {
        sign_in(&http(), &lab.base(), user, &Secret::new(secret))
            .await
            .map(|signed_in| signed_in.connection.user.name)
    };
    assert_eq!(
        attempt("mara", SAMPLE_PASSWORD).await,
        Ok("mara".to_owned())
    );
    assert_eq!(
        attempt("mara", "wrong").await,
        Err(ConnectionError::WrongPassword)
    );
    assert_eq!(
        attempt("", "no-such-token").await,
        Err(ConnectionError::TokenRefused)
    );
    let level = [TokenLevel::Repository(SimulatedPermission::Admin)];
    let personal = datacenter
        .create_token("mara", "ci", &level)
        .expect("a token");
    assert_eq!(attempt("mara", &personal).await, Ok("mara".to_owned()));
    assert_eq!(
        attempt("", &personal).await,
        Ok(String::new()),
        "a token whose owner nobody names works all the same"
    );
    let of_project = datacenter
        .create_project_token("FIN", "ci", &level)
        .expect("a token");
    let told = attempt("", &of_project)
        .await
        .expect_err("nothing was learnt");
    assert!(
        matches!(told, ConnectionError::NotNamed { .. }) && told.to_string().contains("not known"),
        "{told}"
    );
}
