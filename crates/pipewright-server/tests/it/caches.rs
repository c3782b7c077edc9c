//! Caches of an application, and clearing them.

use pipewright_server::testing::TestServer;

const PIPELINE: &str = "
definitions:
  caches:
    deps: deps
pipelines:
  default:
    - step:
        name: Build
        caches: [deps]
        script: ['if [ -e deps/made ]; then echo found it; else echo made it; mkdir deps; echo > deps/made; fi']
";

#[tokio::test(flavor = "multi_thread")]
async fn a_later_build_finds_the_cache_until_it_is_cleared() {
    let mut server = TestServer::start().await;
    server.push("main", PIPELINE).await;
    let first = server.expect_build(1, "passed").await;
    let log = server.log(&first).await;
    assert!(
        log.contains("\nmade it\n") && log.contains("\nSaved cache deps ("),
        "{log}"
    );
    // On any branch, and after a restart.
    server.restart().await;
    server.push("feature/x", PIPELINE).await;
    let second = server.expect_build(2, "passed").await;
    let log = server.log(&second).await;
    assert!(
        log.contains("Restored cache deps (") && log.contains("\nfound it\n"),
        "{log}"
    );
    assert_eq!(
        server
            .app
            .caches
            .clear(&server.application().to_string())
            .expect("clears"),
        1
    );
    server.push_files("main", &[("a", "1")], "Another").await;
    let third = server.expect_build(3, "passed").await;
    assert!(server.log(&third).await.contains("\nmade it\n"));
}
