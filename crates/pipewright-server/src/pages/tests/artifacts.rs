//! The artifacts of a build: their page and downloads.

use std::time::Duration;

use http::StatusCode;
use pipewright_core::Role;
use pipewright_core::build::{AttemptOutcome, BuildOutcome, BuildState, StepOutcome, StepState};
use pipewright_core::ids::ArtifactId;
use pipewright_core::wire::{ArtifactKind, NewArtifact};
use pipewright_runner::archive::{ArchiveLimits, Cancel, Entry, pack};

use super::scene::{APPLICATION, Scene};

/// Stores the content of an artifact that holds one file.
fn keep(scene: &Scene, name: &str, kind: ArtifactKind) -> NewArtifact {
    let place = tempfile::tempdir().expect("a directory");
    std::fs::write(place.path().join("<app>.txt"), "hello ".repeat(100_000)).expect("a file");
    let id = ArtifactId::new();
    let mut writer = scene.site.app.blobs.writer(id).expect("begins");
    let entries = [Entry::File("<app>.txt".into())];
    pack(
        place.path(),
        &entries,
        &mut writer,
        ArchiveLimits::default(),
        &Cancel::default(),
    )
    .expect("packs");
    let bytes = writer.finish().expect("finishes");
    NewArtifact {
        id,
        position: 0,
        name: name.to_owned(),
        kind,
        files: 300,
        bytes,
        listing: vec![("<app>.txt".to_owned(), 600_000)],
    }
}

#[tokio::test]
async fn artifacts_are_listed_and_downloaded_by_members_only() {
    let mut scene = Scene::new().await;
    let build = scene.push("main", '7', "Change").await;
    scene.plan(build, &[&["Build"]]).await;
    let running = scene.run(build, 0, 1).await;
    let left = vec![
        keep(&scene, "dist/**", ArtifactKind::Shared),
        NewArtifact {
            position: 1,
            ..keep(&scene, "private", ArtifactKind::Scoped)
        },
    ];
    let path = format!("{APPLICATION}/builds/1/artifacts/{}", left[0].id);
    assert_eq!(
        scene.owner.get(&path).await.status,
        StatusCode::NOT_FOUND,
        "not before its attempt ended"
    );
    scene
        .finish_leaving(running, AttemptOutcome::Passed, None, left)
        .await;
    scene
        .step(build, 0, StepState::Finished(StepOutcome::Passed))
        .await;
    scene
        .state(
            build,
            BuildState::Running,
            BuildState::Finished(BuildOutcome::Passed),
            None,
        )
        .await;

    let page = scene
        .owner
        .get(&format!("{APPLICATION}/builds/1/artifacts"))
        .await;
    assert!(
        page.text.contains("Artifacts <small>2</small>"),
        "the tab counts them"
    );
    for words in [
        "dist/**",
        "only for people",
        "&#60;app&#62;.txt",
        "and 299 more",
        "in 24 hours",
        "kept for 14 days",
        path.as_str(),
    ] {
        assert!(page.text.contains(words), "{words} in {}", page.text);
    }
    let response = scene.owner.open(&path).await;
    assert_eq!(response.headers()["content-type"], "application/gzip");
    assert_eq!(
        response.headers()["content-disposition"],
        "attachment; filename=\"checkout-api-1-dist.tar.gz\""
    );
    assert!(
        response.headers().get("content-encoding").is_none(),
        "it is compressed already"
    );
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("a body");
    assert!(
        bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() < 100_000,
        "{} bytes",
        bytes.len()
    );

    let mut viewer = scene.member(Role::Viewer).await;
    assert_eq!(viewer.get(&path).await.status, StatusCode::OK);
    let mut stranger = scene.site.owner_of("other").await;
    for wrong in [path.clone(), format!("{APPLICATION}/builds/1/artifacts")] {
        assert_eq!(stranger.get(&wrong).await.status, StatusCode::NOT_FOUND);
        assert_ne!(
            scene.site.anonymous().get(&wrong).await.status,
            StatusCode::OK
        );
    }
    // Another build of the same account does not give it.
    scene.passed("main", '8', "Another", b"x\n").await;
    assert_eq!(
        scene
            .owner
            .get(&path.replace("/builds/1/", "/builds/2/"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        scene
            .owner
            .get(&format!("{APPLICATION}/builds/1/artifacts/nonsense"))
            .await
            .status,
        StatusCode::NOT_FOUND
    );

    scene.site.clock.advance(Duration::from_hours(25));
    assert_eq!(
        crate::artifacts::look(&scene.site.app)
            .await
            .expect("sweeps")
            .0,
        2
    );
    let mut owner = scene.member(Role::Owner).await;
    assert_eq!(owner.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(
        owner
            .get(&format!("{APPLICATION}/builds/1/artifacts"))
            .await
            .text
            .contains("expired")
    );
}
