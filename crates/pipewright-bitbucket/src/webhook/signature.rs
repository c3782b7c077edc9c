//! The signature of a delivery: HMAC-SHA-256 over the raw body, the same on both products (trap T2).

use hmac::{Hmac, KeyInit, Mac};
use pipewright_core::Secret;
use sha2::Sha256;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("the delivery is not signed; press Repair to set the webhook's secret again")]
    Missing,
    /// It has another form.
    #[error("the signature does not have the form sha256= and 64 hexadecimal digits")]
    Malformed,
    /// It was made with another secret, or over another body.
    #[error(
        "the signature does not match the body; press Repair to set the webhook's secret again"
    )]
    Wrong,
}

/// Checks the `X-Hub-Signature` header against the raw body, in constant time.
pub fn verify_signature(
    secret: &Secret,
    body: &[u8],
    header: Option<&str>,
) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let digits = header
        .trim()
        .strip_prefix("sha256=")
        .ok_or(SignatureError::Malformed)?;
    let mut given = [0_u8; 32];
    hex::decode_to_slice(digits, &mut given).map_err(|_| SignatureError::Malformed)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes())
        .expect("cannot fail because HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| SignatureError::Wrong)
}

#[cfg(test)]
mod tests {
    use pipewright_core::Secret;

    use super::{SignatureError, verify_signature};

    // RFC 4231, test case 2.
    const KNOWN: &str = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn t2_only_the_right_signature_passes() {
        let body = b"what do ya want for nothing?";
        let verify = |secret: &str, header: Option<&str>| {
            verify_signature(&Secret::new(secret), body, header)
        };
        assert_eq!(verify("Jefe", Some(KNOWN)), Ok(()));
        assert_eq!(
            verify(
                "Jefe",
                Some(&KNOWN.to_uppercase().replace("SHA256", "sha256"))
            ),
            Ok(())
        );
        assert_eq!(verify("jefe", Some(KNOWN)), Err(SignatureError::Wrong));
        assert_eq!(verify("Jefe", None), Err(SignatureError::Missing));
        for odd in [
            "",
            "sha256=",
            "sha1=abc",
            &KNOWN[..40],
            &format!("{KNOWN}00"),
            "sha256=zz",
        ] {
            assert_eq!(
                verify("Jefe", Some(odd)),
                Err(SignatureError::Malformed),
                "{odd}"
            );
        }
        assert_eq!(
            verify_signature(
                &Secret::new("Jefe"),
                b"what do ya want for nothing!",
                Some(KNOWN)
            ),
            Err(SignatureError::Wrong)
        );
    }
}
