//! Clients of Bitbucket Cloud and Bitbucket Data Center.
