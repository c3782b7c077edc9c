//! Pages, API, webhooks, tasks and the scheduler.
