//! The simulated Bitbucket Cloud from outside: a browser, an API client, `git` and `ssh`, and a receiver of webhooks.

mod api;
mod captures;
mod control;
mod events;
mod faults;
mod git_http;
mod git_ssh;
mod habits;
mod oauth;
mod paging;
mod sample;
mod statuses;
mod support;
mod writing;
