//! The SSH key: checked by a real handshake, the host's key pinned.

use crate::access::clone_credential;
use pipewright_core::wire::CloneCredential;
use pipewright_store::integrations::{Integration, KeyCheck};
use pipewright_store::repositories::{self, Search};

use super::world::{PAGE, World, flash};

async fn check_now(world: &mut World, integration: &Integration) -> String {
    let answer = world
        .owner
        .post(&format!("{PAGE}/{}/check", integration.id), &[])
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    flash(&world.owner)
}

#[tokio::test]
async fn a4_check_now_says_whether_bitbucket_accepts_the_key() {
    let mut world = World::new().await;
    let integration = world.connect_cloud().await;
    let said = check_now(&mut world, &integration).await;
    assert!(
        said.contains("does not accept the key yet")
            && said.contains("recognizes us as Mara Lindqvist"),
        "{said}"
    );
    assert!(world.page().await.contains("not added yet"));
    world
        .sim
        .cloud()
        .add_user_ssh_key("mara", &integration.key.public, "by hand")
        .expect("a key");
    let said = check_now(&mut world, &integration).await;
    assert!(said.contains("Bitbucket accepts this key"), "{said}");
    let now = &world.integrations().await[0];
    assert_eq!(now.key_check, KeyCheck::Accepted);
    assert_eq!(
        now.host_key_fingerprint,
        Some(world.sim.cloud().ssh_host_key().fingerprint()),
        "the first contact is pinned"
    );
}

#[tokio::test]
async fn b14_a_changed_host_key_is_refused_named_and_trusted_only_by_a_person() {
    let mut world = World::new().await;
    let integration = world.connect_cloud().await;
    world
        .sim
        .cloud()
        .add_user_ssh_key("mara", &integration.key.public, "by hand")
        .expect("a key");
    check_now(&mut world, &integration).await;
    let old = world.sim.cloud().ssh_host_key().fingerprint();
    let new = world.sim.cloud().change_ssh_host_key().fingerprint();

    let said = check_now(&mut world, &integration).await;
    assert!(said.contains(&old) && said.contains(&new), "{said}");
    let seen = &world.integrations().await[0];
    assert_eq!(seen.key_check, KeyCheck::HostKeyChanged);
    assert_eq!(
        seen.host_key_fingerprint.as_ref(),
        Some(&old),
        "the pin stays"
    );
    assert!(world.page().await.contains("Trust the new host key"));

    let trust = format!("{PAGE}/{}/trust-host-key", integration.id);
    world
        .owner
        .post(&trust, &[("fingerprint", "SHA256:another")])
        .await;
    assert!(flash(&world.owner).contains("offers yet another key now"));
    world.owner.post(&trust, &[("fingerprint", &new)]).await;
    world.background().await;
    let seen = &world.integrations().await[0];
    assert_eq!(
        (seen.key_check, seen.host_key_fingerprint.as_ref()),
        (KeyCheck::Accepted, Some(&new))
    );
    assert_eq!(seen.host_key_offered, None);
}

#[tokio::test]
async fn an_offer_is_taken_back_when_the_pinned_key_is_shown_again() {
    let mut world = World::new().await;
    let integration = world.connect_server().await;
    let pinned = integration
        .known_hosts
        .clone()
        .expect("was pinned when it was connected");
    // A pin that the server never showed stands for a host that was someone else for a while.
    world.sim.datacenter().change_ssh_host_key();
    check_now(&mut world, &integration).await;
    let seen = &world.integrations().await[0];
    assert!(seen.host_key_offered.is_some());
    assert_eq!(seen.known_hosts, Some(pinned));
}

#[tokio::test]
async fn a_clone_gets_the_key_and_the_pinned_host_at_the_port_of_the_integration() {
    let mut world = World::new().await;
    let integration = world.connect_server().await;
    world.background().await;
    let search = Search {
        text: "ledger".to_owned(),
        limit: 1,
        ..Search::default()
    };
    let (found, _) = repositories::search(&world.app().db, integration.account, &search)
        .await
        .expect("searches");
    let (url, credential) = clone_credential(world.app(), found[0].id)
        .await
        .expect("works");
    let (host, port) = world.sim.datacenter_ssh();
    assert_eq!(url, format!("ssh://git@{host}:{port}/fin/ledger.git"));
    let CloneCredential::Ssh {
        private_key,
        known_hosts,
    } = credential
    else {
        panic!("{credential:?}")
    };
    assert!(private_key.expose().contains("OPENSSH PRIVATE KEY"));
    assert!(known_hosts.contains("ssh-ed25519"));
}

#[tokio::test]
async fn an_unreachable_host_is_said_and_nothing_breaks() {
    let mut world = World::new().await;
    let integration = world.connect_cloud().await;
    world.sim.cloud().faults().unreachable(true);
    let said = check_now(&mut world, &integration).await;
    assert!(!said.contains("accepts this key"), "{said}");
    world.sim.cloud().faults().clear();
    let said = check_now(&mut world, &integration).await;
    assert!(said.contains("does not accept the key yet"), "{said}");
}
