//! RS256 and ES256: making keys, their public half as a JSON Web Key, and signing. No I/O.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pipewright_core::Secret;
use pipewright_store::oidc::SigningAlgorithm;
use serde_json::{Value, json};

/// Of a coordinate of P-256, in bytes.
const COORDINATE: usize = 32;

/// A key cannot be made, read or used. The text never holds the key.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot be {0}")]
pub(crate) struct SignError(&'static str);

/// A new key.
pub(super) struct NewKey {
    /// PKCS #8 in base64.
    pub(super) private_key: Secret,
    /// What tokens name it by: its thumbprint (RFC 7638).
    pub(super) key_id: String,
    /// As a JSON Web Key (RFC 7517).
    pub(super) public_jwk: String,
}

/// Makes a key. One for RS256 takes some hundred milliseconds of computing.
pub(super) fn make(algorithm: SigningAlgorithm) -> Result<NewKey, SignError> {
    let cannot = |_| SignError("made");
    let (private_key, members) = match algorithm {
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(cannot)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(cannot)?;
            let public = pair.public_key().as_ref();
            let (modulus, exponent) = rsa_numbers(public).ok_or(SignError("made"))?;
            let members = vec![("e", exponent), ("kty", b"RSA".to_vec()), ("n", modulus)];
            (STANDARD.encode(der.as_ref()), members)
        }
        SigningAlgorithm::Es256 => {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(cannot)?;
            let pair = ec_pair(document.as_ref())?;
            // Uncompressed: a four, then both coordinates.
            let point = pair.public_key().as_ref();
            let at = |from: usize| point.get(from..from + COORDINATE).map(<[u8]>::to_vec);
            let (x, y) = at(1).zip(at(1 + COORDINATE)).ok_or(SignError("made"))?;
            let members = vec![
                ("crv", b"P-256".to_vec()),
                ("kty", b"EC".to_vec()),
                ("x", x),
                ("y", y),
            ];
            (STANDARD.encode(document.as_ref()), members)
        }
    };
    let mut jwk = serde_json::Map::new();
    for (name, value) in members {
        let text = if name == "kty" || name == "crv" {
            String::from_utf8_lossy(&value).into_owned()
        } else {
            URL_SAFE_NO_PAD.encode(&value)
        };
        jwk.insert(name.to_owned(), Value::String(text));
    }
    // The thumbprint is of the required members alone, in the order of their names, which is the map's.
    let required = Value::Object(jwk.clone()).to_string();
    let key_id = URL_SAFE_NO_PAD.encode(digest(&SHA256, required.as_bytes()));
    jwk.insert("alg".to_owned(), json!(algorithm.as_str()));
    jwk.insert("kid".to_owned(), json!(key_id));
    jwk.insert("use".to_owned(), json!("sig"));
    Ok(NewKey {
        private_key: Secret::new(private_key),
        key_id,
        public_jwk: Value::Object(jwk).to_string(),
    })
}

/// A signed token (RFC 7519) of these claims.
pub(super) fn token(
    algorithm: SigningAlgorithm,
    key_id: &str,
    private_key: &Secret,
    claims: &Value,
) -> Result<Secret, SignError> {
    let der = STANDARD
        .decode(private_key.expose())
        .map_err(|_| SignError("read"))?;
    let header = json!({ "alg": algorithm.as_str(), "kid": key_id, "typ": "JWT" });
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(&header), encode(claims));
    let random = SystemRandom::new();
    let signature = match algorithm {
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| SignError("read"))?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| SignError("used"))?;
            signature
        }
        SigningAlgorithm::Es256 => ec_pair(&der)?
            .sign(&random, signed.as_bytes())
            .map_err(|_| SignError("used"))?
            .as_ref()
            .to_vec(),
    };
    Ok(Secret::new(format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(signature)
    )))
}

fn ec_pair(der: &[u8]) -> Result<EcdsaKeyPair, SignError> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| SignError("read"))
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, A.1.1): a sequence of two whole numbers, in DER.
fn rsa_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (sequence, _) = element(der, 0x30)?;
    let (modulus, rest) = element(sequence, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    // A leading zero says that the number is positive.
    let number = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
    Some((number(modulus), number(exponent)))
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], mut rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        length = bytes.iter().try_fold(0_usize, |length, byte| {
            Some(length.checked_mul(256)? + usize::from(*byte))
        })?;
        rest = after;
    }
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pipewright_store::oidc::SigningAlgorithm;
    use serde_json::{Value, json};

    use super::{element, make, token};

    #[test]
    fn a_key_is_described_as_verifiers_want_it_and_no_two_are_alike() {
        let mut seen = BTreeSet::new();
        for (algorithm, kind, members) in [
            (SigningAlgorithm::Rs256, "RSA", ["n", "e"]),
            (SigningAlgorithm::Es256, "EC", ["x", "y"]),
        ] {
            for _ in 0..2 {
                let key = make(algorithm).expect("a key");
                let jwk: Value = serde_json::from_str(&key.public_jwk).expect("JSON");
                assert_eq!(
                    (&jwk["kty"], &jwk["alg"], &jwk["kid"], &jwk["use"]),
                    (
                        &json!(kind),
                        &json!(algorithm.as_str()),
                        &json!(key.key_id),
                        &json!("sig")
                    )
                );
                assert!(members.iter().all(|name| jwk[name].is_string()), "{jwk}");
                assert!(jwk["d"].is_null(), "nothing private: {jwk}");
                assert!(seen.insert(key.key_id.clone()));
                let signed = token(algorithm, &key.key_id, &key.private_key, &json!({ "a": 1 }))
                    .expect("a token");
                assert_eq!(signed.expose().split('.').count(), 3);
            }
        }
    }

    #[test]
    fn a_length_that_leads_outside_is_no_element() {
        assert_eq!(element(&[0x02, 1, 7, 9], 0x02), Some((&[7][..], &[9][..])));
        assert_eq!(
            element(&[0x02, 0x81, 1, 7], 0x02),
            Some((&[7][..], &[][..]))
        );
        for bad in [
            &[][..],
            &[0x02],
            &[0x02, 2, 7],
            &[0x03, 1, 7],
            &[0x02, 0x82, 1],
        ] {
            assert_eq!(element(bad, 0x02), None, "{bad:?}");
        }
    }
}
