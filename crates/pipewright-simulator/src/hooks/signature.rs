//! The signature both products put on a delivery.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Value of `X-Hub-Signature`: `sha256=` and the HMAC-SHA256 of the body's bytes in lower-case hexadecimal.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("cannot fail because HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_met() {
        assert_eq!(
            sign("It's a Secret to Everybody", b"Hello World!"),
            "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
        );
    }
}
