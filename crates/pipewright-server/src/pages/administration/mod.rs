//! Pages about the whole installation, for its administrators.

mod bitbucket_cloud;

pub(super) use bitbucket_cloud::routes;
