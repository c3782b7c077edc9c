//! The life of the server, from outside: strangers who say nothing, signals, restarts, its service manager, a disk that is
//! full (B18, and the rows L6, L7, L8, S5 of what was found).

mod containers;
mod ends;
mod keeps;
mod room;
mod served;
mod strangers;
mod unit;
