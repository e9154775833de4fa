//! Time stamps of an authority (RFC 3161): that a report of this SHA-256 existed at a time.
//!
//! [`request`] makes what an authority is sent, for instance with `curl`; nothing here speaks to one. [`check`] takes
//! the authority's response and the certificates of authorities that the auditor relies on, and demands:
//!
//! 1. The request was granted, and the token is about this SHA-256.
//! 2. Exactly one signer has signed the token's content and the hash of it (RFC 5652).
//! 3. The signer's certificate is for time stamping, and leads to a certificate of the auditor's. Certificates must
//!    have been valid at the stamped time; whether one has been revoked since is not looked up.

use std::{borrow::Cow, time::Duration};

use cms::{
    cert::CertificateChoices,
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use der::{
    Any, Decode, Encode,
    asn1::{Null, ObjectIdentifier, OctetString},
    oid::db::{
        rfc5911::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNED_DATA},
        rfc5912::{ID_SHA_256, ID_SHA_384, ID_SHA_512},
    },
};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime, pem::PemObject as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use surety_core::{
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes},
    units::Timestamp,
    visible::one_line,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, ring};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

/// `id-ct-TSTInfo`
const ID_CT_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// `id-kp-timeStamping`, 1.3.6.1.5.5.7.3.8, as the content of its encoding.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// The signatures that certificates and tokens may have.
static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 8] = [
    ring::RSA_PKCS1_2048_8192_SHA256,
    ring::RSA_PKCS1_2048_8192_SHA384,
    ring::RSA_PKCS1_2048_8192_SHA512,
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
    ring::ED25519,
];

/// A response of an authority that shows nothing.
#[derive(Debug, thiserror::Error)]
#[error("time stamp: expected {expected}, found {found}")]
pub struct StampError {
    expected: Cow<'static, str>,
    found: String,
}

impl StampError {
    fn new(expected: impl Into<Cow<'static, str>>, found: impl ToString) -> Self {
        Self { expected: expected.into(), found: one_line(&found.to_string()) }
    }
}

impl Failure for StampError {
    fn class(&self) -> Class {
        Class::Invalid
    }

    fn code(&self) -> Cow<'static, str> {
        "time-stamp".into()
    }
}

/// What an authority has stamped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// The time.
    pub time: Timestamp,
    /// The authority, as its certificate names it.
    pub authority: String,
    /// The policy of the authority, an object identifier.
    pub policy: String,
    /// The number of the stamp, in hexadecimal digits.
    pub serial: String,
}

/// What to send to an authority for a report of this SHA-256: `TimeStampReq` in DER, which asks for certificates.
///
/// # Errors
/// Never for a hash of 32 bytes; the encoder's if it fails.
pub fn request(sha256: Bytes32) -> Result<Vec<u8>, StampError> {
    let encode = || -> der::Result<Vec<u8>> {
        let request = TimeStampReq {
            version: TspVersion::V1,
            message_imprint: MessageImprint {
                hash_algorithm: spki(ID_SHA_256)?,
                hashed_message: OctetString::new(sha256.0)?,
            },
            req_policy: None,
            nonce: None,
            cert_req: true,
            extensions: None,
        };
        request.to_der()
    };
    encode().map_err(|error| StampError::new("a request that can be encoded", error))
}

fn spki(oid: ObjectIdentifier) -> der::Result<cms::cert::x509::spki::AlgorithmIdentifier<Any>> {
    Ok(cms::cert::x509::spki::AlgorithmIdentifier { oid, parameters: Some(Any::encode_from(&Null)?) })
}

/// The SHA-256 that an authority's response is about, unchecked: what to [`check`] it for.
///
/// # Errors
/// If it is no response with a token about a SHA-256.
pub fn about(response: &[u8]) -> Result<Bytes32, StampError> {
    let imprint = granted(response)?.2.message_imprint;
    let hash = <[u8; 32]>::try_from(imprint.hashed_message.as_bytes()).ok();
    let hash = hash.filter(|_| imprint.hash_algorithm.oid == ID_SHA_256);
    hash.map(HexBytes).ok_or_else(|| StampError::new("a stamp of a SHA-256", imprint.hash_algorithm.oid))
}

/// What a response grants: the signed data, its content, and what that says.
fn granted(response: &[u8]) -> Result<(SignedData, Vec<u8>, TstInfo), StampError> {
    let response = TimeStampResp::from_der(response)
        .map_err(|error| StampError::new("a response of a time-stamping authority in DER", error))?;
    let status = response.status.status as u8;
    let token = response
        .time_stamp_token
        .filter(|_| status <= 1)
        .ok_or_else(|| StampError::new("a request that was granted", format!("status {status}")))?;
    let signed = signed_data(&token)?;
    let content = signed.encap_content_info.econtent.as_ref().map_or_else(Vec::new, |content| content.value().to_vec());
    let info = TstInfo::from_der(&content).map_err(|error| StampError::new("a token with the time", error))?;
    Ok((signed, content, info))
}

/// Checks an authority's response for a report of this SHA-256. `authorities` has the certificates that the auditor
/// relies on, in PEM.
///
/// # Errors
/// If it breaks one of the rules above.
pub fn check(response: &[u8], sha256: Bytes32, authorities: &[u8]) -> Result<Stamp, StampError> {
    let (signed, content, info) = granted(response)?;
    check_imprint(&info.message_imprint, sha256)?;
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(StampError::new("one signer", signed.signer_infos.0.len()));
    };
    let (certificate, others) = certificates(&signed, signer)?;
    let time = info.gen_time.to_unix_duration();
    check_chain(&certificate, &others, authorities, time)?;
    check_signature(signer, &content, &certificate)?;
    Ok(Stamp {
        time: Timestamp(time.as_secs()),
        authority: subject_of(&certificate)?,
        policy: info.policy.to_string(),
        serial: alloy_primitives::hex::encode(info.serial_number.as_bytes()),
    })
}

fn signed_data(token: &ContentInfo) -> Result<SignedData, StampError> {
    let wrong = |found: String| StampError::new("signed data about a time", found);
    if token.content_type != ID_SIGNED_DATA {
        return Err(wrong(token.content_type.to_string()));
    }
    let signed = token.content.to_der().and_then(|content| SignedData::from_der(&content));
    let signed = signed.map_err(|error| wrong(error.to_string()))?;
    let of = signed.encap_content_info.econtent_type;
    if of == ID_CT_TST_INFO { Ok(signed) } else { Err(wrong(of.to_string())) }
}

fn check_imprint(imprint: &MessageImprint, sha256: Bytes32) -> Result<(), StampError> {
    let found = imprint.hashed_message.as_bytes();
    if imprint.hash_algorithm.oid == ID_SHA_256 && found == sha256.0 {
        return Ok(());
    }
    let found = format!("one about {} of {}", alloy_primitives::hex::encode(found), imprint.hash_algorithm.oid);
    Err(StampError::new(format!("a stamp of the report with the SHA-256 {sha256}"), found))
}

/// The certificate that the signer names, and the others in the token, which may lead to an authority.
fn certificates(
    signed: &SignedData,
    signer: &SignerInfo,
) -> Result<(CertificateDer<'static>, Vec<CertificateDer<'static>>), StampError> {
    let SignerIdentifier::IssuerAndSerialNumber(named) = &signer.sid else {
        return Err(StampError::new("a signer named by issuer and number of its certificate", "another name"));
    };
    let (mut own, mut others) = (None, Vec::new());
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        let CertificateChoices::Certificate(certificate) = choice else { continue };
        let encoded = certificate.to_der().map_err(|error| StampError::new("certificates that can be read", error))?;
        let of = &certificate.tbs_certificate;
        if of.issuer == named.issuer && of.serial_number == named.serial_number {
            own = Some(CertificateDer::from(encoded));
        } else {
            others.push(CertificateDer::from(encoded));
        }
    }
    let own =
        own.ok_or_else(|| StampError::new("a token with the signer's certificate", "none; ask for certificates"))?;
    Ok((own, others))
}

fn check_chain(
    certificate: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
    authorities: &[u8],
    time: Duration,
) -> Result<(), StampError> {
    let known: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(authorities).collect();
    let known = known.map_err(|error| StampError::new("certificates of authorities in PEM", error))?;
    let anchors: Result<Vec<TrustAnchor<'_>>, _> = known.iter().map(anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|error| StampError::new("certificates of authorities in PEM", error))?;
    let end = end_entity(certificate)?;
    let (at, usage) = (UnixTime::since_unix_epoch(time), KeyUsage::required(TIME_STAMPING));
    end.verify_for_usage(&ALGORITHMS, &anchors, others, at, usage, None, None).map(drop).map_err(|error| {
        let expected = "a certificate for time stamping, valid at the stamped time, of an authority that you rely on";
        StampError::new(expected, error)
    })
}

fn end_entity<'a>(certificate: &'a CertificateDer<'_>) -> Result<EndEntityCert<'a>, StampError> {
    EndEntityCert::try_from(certificate).map_err(|error| StampError::new("a certificate that can be read", error))
}

/// The signer has signed attributes, which have the type and the hash of the content.
fn check_signature(signer: &SignerInfo, content: &[u8], certificate: &CertificateDer<'_>) -> Result<(), StampError> {
    let wrong = |found: &str| StampError::new("a token signed by the authority", found);
    let attributes = signer.signed_attrs.as_ref().ok_or_else(|| wrong("one without signed attributes"))?;
    let attribute = |oid: ObjectIdentifier| {
        let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
        let value = found.next().filter(|attribute| attribute.values.len() == 1)?.values.get(0)?.value().to_vec();
        found.next().is_none().then_some(value)
    };
    let digest: Vec<u8> = match signer.digest_alg.oid {
        ID_SHA_256 => Sha256::digest(content).to_vec(),
        ID_SHA_384 => Sha384::digest(content).to_vec(),
        ID_SHA_512 => Sha512::digest(content).to_vec(),
        other => return Err(StampError::new("a token hashed with SHA-2", other)),
    };
    if attribute(ID_MESSAGE_DIGEST) != Some(digest) {
        return Err(wrong("one whose content was changed"));
    }
    if attribute(ID_CONTENT_TYPE).as_deref() != Some(ID_CT_TST_INFO.as_bytes()) {
        return Err(wrong("one of other content"));
    }
    // What is signed is the set, with the tag of one (RFC 5652, section 5.4).
    let message = attributes.to_der().map_err(|error| wrong(&error.to_string()))?;
    let (end, signature) = (end_entity(certificate)?, signer.signature.as_bytes());
    let holds =
        |algorithm: &&dyn SignatureVerificationAlgorithm| end.verify_signature(*algorithm, &message, signature).is_ok();
    // Which of them it is, the key and the length of the hash decide: none but that one accepts.
    if ALGORITHMS.iter().any(holds) { Ok(()) } else { Err(wrong("a signature that does not hold")) }
}

fn subject_of(certificate: &CertificateDer<'_>) -> Result<String, StampError> {
    let certificate = cms::cert::x509::Certificate::from_der(certificate)
        .map_err(|error| StampError::new("a certificate that can be read", error))?;
    Ok(one_line(&certificate.tbs_certificate.subject.to_string()))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::*;

    const CONFIGURATION: &str = "
[req]
distinguished_name = name
[name]
[tsa]
default_tsa = it
[it]
serial = serial
digests = sha256
default_policy = 1.2.3.4.1
signer_digest = sha256
ess_cert_id_alg = sha256
[stamping]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[serving]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
";

    fn openssl(directory: &Path, line: &str) -> Option<bool> {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(directory).output().ok()?;
        if !done.status.success() {
            eprintln_to_test(&done.stderr);
        }
        Some(done.status.success())
    }

    /// The lints keep libraries from printing; the output of a failing test helps whoever mends it.
    fn eprintln_to_test(bytes: &[u8]) {
        use std::io::Write as _;
        let _ = std::io::stderr().write_all(bytes);
    }

    /// Two authorities, each with a certificate for stamping. False where there is no OpenSSL.
    fn authorities(directory: &Path, key: &str) -> bool {
        fs::write(directory.join("tsa.cnf"), CONFIGURATION).unwrap();
        fs::write(directory.join("serial"), "01\n").unwrap();
        if openssl(directory, "version").is_none() {
            return false;
        }
        let run = |line: String| assert_eq!(openssl(directory, &line), Some(true), "openssl {line}");
        for name in ["one", "two"] {
            run(format!(
                "req -x509 -newkey {key} -nodes -keyout {name}-ca.key -out {name}-ca.pem -days 30 \
                 -subj /CN={name}-ca -config tsa.cnf -extensions ca"
            ));
            run(format!(
                "req -newkey {key} -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}-stamps -config tsa.cnf"
            ));
            run(format!(
                "x509 -req -in {name}.csr -CA {name}-ca.pem -CAkey {name}-ca.key -CAcreateserial \
                 -days 30 -extfile tsa.cnf -extensions stamping -out {name}.pem"
            ));
        }
        true
    }

    fn stamped(directory: &Path, sha256: Bytes32, by: &str) -> Vec<u8> {
        fs::write(directory.join("query.tsq"), request(sha256).unwrap()).unwrap();
        let line = format!(
            "ts -reply -queryfile query.tsq -signer {by}.pem -inkey {by}.key -chain {by}-ca.pem \
             -config tsa.cnf -out reply.tsr"
        );
        assert_eq!(openssl(directory, &line), Some(true), "openssl {line}");
        fs::read(directory.join("reply.tsr")).unwrap()
    }

    /// Against the time-stamping authority of OpenSSL, with keys of either kind.
    #[test]
    fn rejects_stamps_of_other_reports_authorities_and_bytes() {
        let report = HexBytes([7; 32]);
        for key in ["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256"] {
            let directory = tempfile::tempdir().unwrap();
            let directory = directory.path();
            if !authorities(directory, key) {
                eprintln_to_test(b"skipped: openssl is not installed\n");
                return;
            }
            let reply = stamped(directory, report, "one");
            let [one, two] = ["one", "two"].map(|name| fs::read(directory.join(format!("{name}-ca.pem"))).unwrap());
            let stamp = check(&reply, report, &one).unwrap();
            assert_eq!((stamp.policy.as_str(), stamp.authority.as_str()), ("1.2.3.4.1", "CN=one-stamps"));
            assert!(stamp.time.0 > 1_700_000_000);
            check(&reply, report, &[two.clone(), one.clone()].concat()).unwrap();
            assert_eq!(about(&reply).unwrap(), report);
            let refused = |response: &[u8], sha256, authorities: &[u8]| {
                check(response, sha256, authorities).unwrap_err().to_string()
            };
            assert!(refused(&reply, HexBytes([8; 32]), &one).contains("a stamp of the report"));
            assert!(refused(&reply, report, &two).contains("of an authority that you rely on"));
            assert!(refused(&reply, report, b"").contains("of an authority that you rely on"));
            assert!(refused(b"{}", report, &one).contains("in DER"));
            // Whatever byte is changed, nothing else is shown than before.
            for index in (0..reply.len()).step_by(7) {
                let mut changed = reply.clone();
                changed[index] ^= 1;
                let shown = check(&changed, report, &one);
                assert!(shown.is_err() || shown.as_ref().ok() == Some(&stamp), "byte {index}: {shown:?}");
            }
            // OpenSSL accepts it as well.
            let verify = "ts -verify -queryfile query.tsq -in reply.tsr -CAfile one-ca.pem";
            assert_eq!(openssl(directory, verify), Some(true));
            // A certificate that is for something else, and one that had lapsed by then.
            let line = "x509 -req -in one.csr -CA one-ca.pem -CAkey one-ca.key -days 30 -extfile tsa.cnf -extensions";
            for (extensions, days, holds) in [("stamping", 0, true), ("serving", 0, false), ("stamping", 40, false)] {
                assert_eq!(openssl(directory, &format!("{line} {extensions} -out other.pem")), Some(true));
                let pem = fs::read(directory.join("other.pem")).unwrap();
                let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
                let at = Duration::from_secs(stamp.time.0 + 60 + days * 86_400);
                assert_eq!(check_chain(&certificate, &[], &one, at).is_ok(), holds, "{extensions}, {days} days");
            }
        }
    }
}
