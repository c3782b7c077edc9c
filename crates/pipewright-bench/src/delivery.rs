//! Deliveries as a Data Center sends them: a push of one ref, signed.

use std::net::SocketAddr;

use anyhow::ensure;
use pipewright_simulator::sign;
use uuid::Uuid;

use crate::http_client::Connection;

/// "No commit" in a delivery of Data Center.
pub(crate) const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Where deliveries go and what they are signed with.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) secret: String,
}

/// A push of one branch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Push<'a> {
    /// The branch's short name.
    pub(crate) branch: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

impl Push<'_> {
    /// The body, about 1,300 bytes.
    pub(crate) fn body(&self) -> Vec<u8> {
        let Self { branch, from, to } = self;
        let kind = if *from == NO_COMMIT { "ADD" } else { "UPDATE" };
        let body = serde_json::json!({
            "eventKey": "repo:refs_changed",
            "date": "2026-03-02T09:41:07+0000",
            "actor": {
                "name": "mara", "emailAddress": "mara@harbor.example", "active": true, "displayName": "Mara Lindqvist",
                "id": 2, "slug": "mara", "type": "NORMAL",
                "links": {"self": [{"href": "https://git.harbor.example/bitbucket/users/mara"}]},
            },
            "repository": {
                "slug": "app", "name": "app", "hierarchyId": "9b5e4c1f7a2d4e6f8a90", "scmId": "git", "state": "AVAILABLE",
                "statusMessage": "Available", "forkable": true,
                "project": {
                    "key": "BEN", "id": 1, "name": "Bench", "public": false, "type": "NORMAL",
                    "links": {"self": [{"href": "https://git.harbor.example/bitbucket/projects/BEN"}]},
                },
                "public": false, "archived": false,
                "links": {
                    "clone": [
                        {"href": "ssh://git@git.harbor.example:7999/ben/app.git", "name": "ssh"},
                        {"href": "https://git.harbor.example/bitbucket/scm/ben/app.git", "name": "http"},
                    ],
                    "self": [{"href": "https://git.harbor.example/bitbucket/projects/BEN/repos/app/browse"}],
                },
            },
            "changes": [{
                "ref": {"id": format!("refs/heads/{branch}"), "displayId": branch, "type": "BRANCH"},
                "refId": format!("refs/heads/{branch}"), "fromHash": from, "toHash": to, "type": kind,
            }],
        });
        body.to_string().into_bytes()
    }
}

impl Hook {
    /// The whole signed request, and its request id.
    pub(crate) fn request(&self, body: &[u8]) -> (Vec<u8>, String) {
        let id = Uuid::now_v7().to_string();
        let head = format!(
            "POST /hooks/{} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json; charset=utf-8\r\nuser-agent: Atlassian HttpClient 3.2.0 / Bitbucket-9.4.3\r\n\
             x-event-key: repo:refs_changed\r\nx-request-id: {id}\r\nx-hub-signature: {}\r\ncontent-length: {}\r\n\r\n",
            self.path,
            self.address,
            sign(&self.secret, body),
            body.len()
        );
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        (request, id)
    }

    /// Has the server accept a push of a branch that is new.
    pub(crate) async fn push(&self, branch: &str, commit: &str) -> anyhow::Result<()> {
        let push = Push {
            branch,
            from: NO_COMMIT,
            to: commit,
        };
        let (request, _) = self.request(&push.body());
        let status = Connection::open(self.address)
            .await?
            .exchange(&request)
            .await?;
        ensure!(status == 202, "the delivery was answered {status}");
        Ok(())
    }
}
