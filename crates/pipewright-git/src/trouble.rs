//! Errors that say something of the machine and nothing of what was to be done: no space, no inodes, no descriptors, no memory,
//! no processes, a disk that fails. What meets one is tried again later, and never charged to a build.

use std::io;

use rustix::io::Errno;

/// True for an error of the machine.
pub fn is_of_machine(error: &io::Error) -> bool {
    const OF_MACHINE: [Errno; 9] = [
        Errno::NOSPC,
        Errno::DQUOT,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::AGAIN,
        Errno::ROFS,
        Errno::IO,
        Errno::NOBUFS,
    ];
    Errno::from_io_error(error).is_some_and(|errno| OF_MACHINE.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::is_of_machine;

    #[test]
    fn the_machine_and_the_build_are_told_apart() {
        assert!(is_of_machine(&io::Error::from(Errno::NOSPC)));
        assert!(is_of_machine(&io::Error::from(Errno::MFILE)));
        assert!(!is_of_machine(&io::Error::from(Errno::NOENT)));
        assert!(!is_of_machine(&io::Error::other("a broken archive")));
    }
}
