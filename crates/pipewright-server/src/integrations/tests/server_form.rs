//! The Bitbucket Server form: each failure has its own sentence, and then nothing is kept.

use pipewright_simulator::{DatacenterOptions, SAMPLE_PASSWORD, Simulator, SimulatorOptions};
use pipewright_store::integrations::{CloneVia, IntegrationState};

use super::world::{PAGE, World, flash};
use crate::web::testing::Answer;

/// Says that nothing was saved, that the sentence stands beside its field, and that what was entered is kept but for the
/// password.
async fn refused(world: &World, answer: &Answer, field: &str, words: &str) {
    assert_eq!(answer.status, 422, "{}", answer.text);
    let marker = format!("id=\"{field}-error\">");
    let sentence = answer
        .text
        .split(&marker)
        .nth(1)
        .unwrap_or_else(|| panic!("no sentence at {field}: {}", answer.text));
    let sentence = sentence.split("</small>").next().expect("ends");
    assert!(sentence.contains(words), "{sentence}");
    assert!(
        !answer.text.contains("pa55word"),
        "the password is never sent back"
    );
    assert!(world.integrations().await.is_empty(), "nothing is saved");
}

#[tokio::test]
async fn a9_the_button_opens_the_form_with_22_filled_in() {
    let mut world = World::new().await;
    let closed = world.page().await;
    assert!(closed.contains(">Bitbucket Server</button>") && !closed.contains("Add Credentials"));
    let open = world.owner.get(&format!("{PAGE}?server=1")).await.text;
    for label in [
        "<span>Host</span>",
        "<span>Username</span>",
        "<span>Password</span>",
        "<span>SSH Port</span>",
        "value=\"22\"",
        "Add Credentials",
    ] {
        assert!(open.contains(label), "{label}");
    }
}

#[tokio::test]
async fn a9_each_failure_has_its_own_sentence_and_nothing_is_saved() {
    let mut world = World::new().await;
    let (url, port) = (
        world.sim.datacenter_url(),
        world.sim.datacenter_ssh().1.to_string(),
    );

    let answer = world.add_credentials("", "mara", "pa55word", &port).await;
    refused(&world, &answer, "host", "Enter the address").await;
    let answer = world
        .add_credentials("https://no-such-host.invalid", "mara", "pa55word", &port)
        .await;
    refused(&world, &answer, "host", "is not known").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("binds")
        .local_addr()
        .expect("an address");
    let answer = world
        .add_credentials(&format!("http://{closed}"), "mara", "pa55word", &port)
        .await;
    refused(&world, &answer, "host", "Nothing listens at").await;
    assert!(
        answer.text.contains(&closed.to_string()) && answer.text.contains("value=\"mara\""),
        "what was entered stays"
    );
    let answer = world
        .add_credentials(
            &url.replace("http://", "https://"),
            "mara",
            "pa55word",
            &port,
        )
        .await;
    refused(&world, &answer, "host", "does not speak HTTPS").await;
    let answer = world
        .add_credentials(&world.sim.cloud_web_url(), "mara", "pa55word", &port)
        .await;
    refused(
        &world,
        &answer,
        "host",
        "is not Bitbucket Server or Data Center",
    )
    .await;
    let answer = world
        .add_credentials("https://bitbucket.org", "mara", "pa55word", &port)
        .await;
    refused(&world, &answer, "host", "use Connect Bitbucket").await;
    let answer = world.add_credentials(&url, "mara", "", &port).await;
    refused(&world, &answer, "password", "Enter the password").await;
    let answer = world.add_credentials(&url, "mara", "pa55word", &port).await;
    refused(
        &world,
        &answer,
        "password",
        "does not accept this user name and password",
    )
    .await;
    let answer = world.add_credentials(&url, "", "pa55word", &port).await;
    refused(
        &world,
        &answer,
        "password",
        "does not accept this HTTP access token",
    )
    .await;
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, "ssh")
        .await;
    refused(&world, &answer, "port", "is a number from 1 to 65535").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("binds")
        .local_addr()
        .expect("an address")
        .port();
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, &closed.to_string())
        .await;
    refused(&world, &answer, "port", "nothing listens at").await;
    assert!(
        answer
            .text
            .contains(&format!("The server itself says {port}")),
        "the right port is named"
    );
    let http = url
        .rsplit(':')
        .next()
        .and_then(|rest| rest.split('/').next())
        .expect("a port")
        .to_owned();
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, &http)
        .await;
    refused(&world, &answer, "port", "is not an SSH server").await;

    world
        .sim
        .datacenter()
        .require_captcha("mara")
        .expect("mara");
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, &port)
        .await;
    refused(&world, &answer, "username", "demands a CAPTCHA").await;
    world.sim.datacenter().clear_captcha("mara").expect("mara");
    world.sim.datacenter().disable_basic();
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, &port)
        .await;
    refused(&world, &answer, "password", "create an HTTP access token").await;
}

#[tokio::test]
async fn a9_user_name_and_password_connect_over_a_port_of_its_own() {
    let mut world = World::new().await;
    let integration = world.connect_server().await;
    assert!(
        flash(&world.owner).contains("is connected as Mara Lindqvist"),
        "{}",
        flash(&world.owner)
    );
    assert_eq!(
        (integration.ssh_port, integration.clone_via),
        (world.sim.datacenter_ssh().1, CloneVia::Ssh)
    );
    assert_eq!(integration.base_url, world.sim.datacenter_url());
    assert_eq!(
        integration.host_key_fingerprint,
        Some(world.sim.datacenter().ssh_host_key().fingerprint())
    );
    let page = world.page().await;
    assert!(page.contains("Bitbucket Server") && page.contains("Mara Lindqvist"));
    assert!(!page.contains(SAMPLE_PASSWORD));
}

#[tokio::test]
async fn a9_an_http_access_token_works_in_place_of_the_password_below_a_context_path() {
    let options = DatacenterOptions {
        context_path: "/bitbucket".to_owned(),
        ..DatacenterOptions::default()
    };
    let sim = Simulator::start(SimulatorOptions {
        datacenter: options,
        ..SimulatorOptions::default()
    })
    .await
    .expect("starts");
    sim.sample_team().await.expect("the sample team");
    sim.datacenter().disable_basic();
    let token = sim
        .datacenter()
        .create_token(
            "mara",
            "pipewright",
            &[pipewright_simulator::TokenLevel::Repository(
                pipewright_simulator::state::Permission::Admin,
            )],
        )
        .expect("a token");
    let mut world = World::with(sim, |_| {}).await;
    let (url, port) = (
        world.sim.datacenter_url(),
        world.sim.datacenter_ssh().1.to_string(),
    );
    let below = world
        .add_credentials(&url.replace("/bitbucket", ""), "", &token, &port)
        .await;
    refused(&world, &below, "host", "/bitbucket").await;
    let answer = world.add_credentials(&url, "", &token, &port).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(world.integrations().await[0].base_url, url);
}

#[tokio::test]
async fn adding_credentials_again_mends_the_connection_and_keeps_its_key() {
    let mut world = World::new().await;
    let before = world.connect_server().await;
    let mut tx = world.app().db.begin().await.expect("begins");
    pipewright_store::integrations::set_state(
        &mut tx,
        before.id,
        IntegrationState::Reconnect,
        Some("x"),
    )
    .await
    .expect("changes");
    tx.commit().await.expect("commits");
    let after = world.connect_server().await;
    assert_eq!(
        (after.id, after.state),
        (before.id, IntegrationState::Connected)
    );
    assert_eq!(after.key.public, before.key.public);
    assert_eq!(world.integrations().await.len(), 1);
}

#[tokio::test]
async fn a_server_without_ssh_is_cloned_over_http() {
    let mut world = World::new().await;
    world.sim.datacenter().set_ssh_enabled(false);
    let url = world.sim.datacenter_url();
    let answer = world
        .add_credentials(&url, "mara", SAMPLE_PASSWORD, "22")
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert!(flash(&world.owner).contains("SSH is switched off there"));
    assert_eq!(world.integrations().await[0].clone_via, CloneVia::Https);
}
