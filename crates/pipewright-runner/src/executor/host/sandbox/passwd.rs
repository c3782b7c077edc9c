//! The users that a step finds in `/etc/passwd`: those of the machine, its own with the step's home.
//!
//! `ssh` and Java ask there for the home and never look at `HOME`. With the machine's own entry they would look for
//! `~/.ssh` and `~/.m2` in a directory that a step is not shown.

use std::io;
use std::path::Path;

use rustix::process::{getegid, geteuid};

use super::AGENT;

/// Its name in the directory of scripts, which the step cannot write to.
pub(super) const FILE: &str = "passwd";

/// Where a step finds it.
pub(super) const USERS: &str = "/etc/passwd";

/// Writes the file. Nothing on a machine that has none.
pub(super) fn write(scripts: &Path) -> io::Result<()> {
    let users = match std::fs::read_to_string(USERS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        users => users?,
    };
    let own = with_home(
        &users,
        geteuid().as_raw(),
        getegid().as_raw(),
        &format!("{AGENT}/home"),
    );
    std::fs::write(scripts.join(FILE), own)
}

/// The list with another home of this user, who is added where nobody knows him (`passwd(5)`).
fn with_home(users: &str, user: u32, group: u32, home: &str) -> String {
    let mut is_known = false;
    let mut list: Vec<String> = Vec::new();
    for line in users.lines() {
        let mut fields: Vec<&str> = line.split(':').collect();
        if fields.len() == 7 && fields[2].parse() == Ok(user) {
            is_known = true;
            fields[5] = home;
        }
        list.push(fields.join(":"));
    }
    if !is_known {
        list.push(format!("step:x:{user}:{group}::{home}:/bin/sh"));
    }
    list.push(String::new());
    list.join("\n")
}

#[cfg(test)]
mod tests {
    use super::with_home;

    #[test]
    fn the_own_user_lives_in_the_steps_home_and_the_others_where_they_did() {
        let users = "root:x:0:0:root:/root:/bin/bash\n# a comment\nci:x:7:8::/var/lib/ci:/bin/sh\n";
        assert_eq!(
            with_home(users, 7, 8, "/agent/home"),
            "root:x:0:0:root:/root:/bin/bash\n# a comment\nci:x:7:8::/agent/home:/bin/sh\n"
        );
        assert_eq!(
            with_home(users, 9, 10, "/agent/home"),
            format!("{users}step:x:9:10::/agent/home:/bin/sh\n"),
            "a user whom no list has"
        );
    }
}
