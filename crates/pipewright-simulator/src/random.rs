//! Random identities and tokens.

use uuid::Uuid;

/// Fills a buffer from the operating system.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    getrandom::fill(&mut buffer)
        .expect("cannot fail because every supported system has a random device");
    buffer
}

/// A random UUID (version 4).
pub(crate) fn uuid() -> Uuid {
    uuid::Builder::from_random_bytes(bytes::<16>()).into_uuid()
}

/// A random text of exactly `length` characters from `A-Z a-z 0-9`.
pub(crate) fn text(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut buffer = vec![0; length];
    getrandom::fill(&mut buffer)
        .expect("cannot fail because every supported system has a random device");
    // The slight bias of the remainder does not matter to a simulator.
    buffer
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}
