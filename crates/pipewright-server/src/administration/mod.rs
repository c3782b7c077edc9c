//! What administrators of the installation do: to users, to accounts, to the addresses that the server may connect to. Each
//! act is one transaction with its line of history. Pages call these, and so do the commands on the machine.

pub(crate) mod accounts;
pub(crate) mod consumer;
pub(crate) mod links;
pub(crate) mod outgoing;
pub(crate) mod users;
