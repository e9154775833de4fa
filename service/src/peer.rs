//! What other parties serve: asked over HTTPS, or HTTP on this machine, with limits on time and size.

use core::{fmt, net::IpAddr, str::FromStr};
use std::{borrow::Cow, path::Path, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use surety_core::{failure::AnyFailure, text::Document};
use surety_host::{files, keys::SecretAt};
use ureq::{
    Agent,
    http::Uri,
    tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem},
};
use zeroize::Zeroizing;

use crate::{
    access::Token,
    configuration::{Peers, is_this_machine},
    error::{NotDone, ServiceError},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most bytes of an answer.
const LIMIT: u64 = 1 << 20;

/// The address of what another party serves: HTTPS, or HTTP on this machine, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected https:// and a host, or http:// and this machine's address";
        let uri: Uri = text.parse().map_err(|_| format!("{expected}, found {text:?}"))?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_this_machine);
        let named = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if named {
            return Err(format!("{expected}, found one with a name or password in it"));
        }
        match uri.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if local => {}
            _ => return Err(format!("{expected}, found {text:?}")),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uri", "pattern": "^https?://" })
    }
}

impl Address {
    /// What is below it.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self(format!("{}/{path}", self.0))
    }
}

/// Asks other parties.
#[derive(Clone, Debug)]
pub struct Client(Agent);

impl Client {
    /// A client that trusts, and shows, what the configuration says.
    ///
    /// # Errors
    /// If a certificate or key cannot be read.
    pub fn new(peers: &Peers) -> Result<Self, AnyFailure> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &peers.authority {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path, "peers.authority")?));
        }
        if let (Some(certificate), Some(key)) = (&peers.certificate, &peers.key) {
            let chain = certificates(certificate, "peers.certificate")?;
            let key = SecretAt::from(key.clone()).passphrase()?;
            let key = PrivateKey::from_pem(key.as_str().as_bytes())
                .map_err(|_| ServiceError::value("peers.key", "a key in PEM", "something else"))?;
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&chain, key)));
        }
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(tls.build())
            .build();
        Ok(Self(config.into()))
    }

    /// The text at an address; none if there is nothing there.
    ///
    /// # Errors
    /// If nobody answers in time, or the answer is another.
    pub fn text(&self, at: &Address, token: Option<&Token>) -> Result<Option<Zeroizing<String>>, NotDone> {
        self.ask(at, token.map(Token::header))
    }

    /// As [`Client::text`], with a header `Authorization` of the user's.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub fn ask(
        &self,
        at: &Address,
        authorization: Option<Zeroizing<String>>,
    ) -> Result<Option<Zeroizing<String>>, NotDone> {
        let failed = |found: String| NotDone::outside(at.to_string(), "an answer", found);
        let mut request = self.0.get(&at.0);
        if let Some(header) = authorization {
            request = request.header("authorization", header.as_str());
        }
        let mut response = request.call().map_err(|error| failed(error.to_string()))?;
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(failed(format!("status {status}"))),
        }
        let body = response.body_mut().with_config().limit(LIMIT).read_to_string();
        Ok(Some(Zeroizing::new(body.map_err(|error| failed(error.to_string()))?)))
    }

    /// The document at an address; none if there is nothing there.
    ///
    /// # Errors
    /// If nobody answers in time, or with something that is no such document.
    pub fn document<D: Document>(&self, at: &Address, token: Option<&Token>) -> Result<Option<D>, AnyFailure> {
        match self.text(at, token)? {
            Some(text) => Ok(Some(D::from_json(&at.0, &text)?)),
            None => Ok(None),
        }
    }
}

fn certificates(path: &Path, input: &str) -> Result<Vec<Certificate<'static>>, AnyFailure> {
    let text = files::read_text(path)?;
    let wrong = || ServiceError::value(input, "certificates in PEM", "something else");
    let certificate = |item: Result<PemItem<'static>, ureq::Error>| match item {
        Ok(PemItem::Certificate(certificate)) => Ok(certificate),
        _ => Err(wrong()),
    };
    let found = parse_pem(text.as_bytes()).map(certificate).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(wrong().into()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_safe_or_of_this_machine() {
        for good in ["https://node.example/v1/", "http://127.0.0.1:8700", "http://localhost:1/a", "http://[::1]:2"] {
            assert_eq!(good.parse::<Address>().unwrap().to_string(), good.trim_end_matches('/'));
        }
    }

    #[test]
    fn rejects_addresses_that_somebody_on_the_way_could_answer_for() {
        for bad in
            ["http://node.example", "ftp://127.0.0.1", "node.example", "", "https://a:b@node.example", "https://"]
        {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
