//! The commands that work without a server, driven as a person drives them: the built program in a git checkout.

mod cases;
mod checkout;
mod habits;
mod imports;
mod plan;
mod run;
mod run_caches;
mod run_machine;
mod run_outputs;
mod run_projects;
mod run_stop;
mod run_tests;
mod validate;
