//! Builds, logs and deliveries from outside: through the real router, over rows as the scheduler leaves them.

mod acts;
mod applications;
mod artifacts;
mod builds;
mod deliveries;
mod forms;
mod health;
mod installation;
mod jump;
mod links;
mod live;
mod logs;
mod qualified;
mod run;
pub(crate) mod scene;
mod schedules;
mod sign_in;
mod sign_in_first;
mod tested;
mod viewer;
mod why;
