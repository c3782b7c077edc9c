//! A stateful Bitbucket Cloud and Bitbucket Data Center for tests and the demonstration.
