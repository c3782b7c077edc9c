//! Ids, names, secrets, states, plans and the rules that advance a build. No I/O.
