//! What other parties serve: asked over HTTPS, or HTTP on this machine, with limits on time and size.

use std::time::Duration;

use surety_core::{failure::AnyFailure, text::Document};
use surety_host::keys::SecretAt;
use ureq::{
    Agent,
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig},
};
use zeroize::Zeroizing;

use crate::{
    access::Token,
    address::Address,
    configuration::Peers,
    error::{NotDone, ServiceError},
    tls,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most bytes of an answer.
const LIMIT: u64 = 1 << 20;

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
        let certificates = |path, input| {
            let found = tls::certificates(path, input)?;
            Ok::<_, AnyFailure>(found.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>())
        };
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
        self.ask(at, token.map(Token::header).as_deref().map(String::as_str))
    }

    /// As [`Client::text`], with a header `Authorization` of the user's.
    ///
    /// # Errors
    /// As [`Client::text`].
    pub fn ask(&self, at: &Address, authorization: Option<&str>) -> Result<Option<Zeroizing<String>>, NotDone> {
        let failed = |found: String| NotDone::outside(at.to_string(), "an answer", found);
        let mut request = self.0.get(at.as_str());
        if let Some(header) = authorization {
            request = request.header("authorization", header);
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

    /// Asks for a new statement at an address.
    ///
    /// # Errors
    /// If nobody answers in time, or the answer is another.
    pub fn ask_for_new(&self, at: &Address, token: &Token) -> Result<(), NotDone> {
        let failed = |found: String| NotDone::outside(at.to_string(), "that a statement is made", found);
        let request = self.0.post(at.as_str()).header("authorization", token.header().as_str());
        let response = request.send_empty().map_err(|error| failed(error.to_string()))?;
        match response.status().as_u16() {
            202 => Ok(()),
            status => Err(failed(format!("status {status}"))),
        }
    }

    /// The document at an address; none if there is nothing there.
    ///
    /// # Errors
    /// If nobody answers in time, or with something that is no such document.
    pub fn document<D: Document>(&self, at: &Address, token: Option<&Token>) -> Result<Option<D>, AnyFailure> {
        match self.text(at, token)? {
            Some(text) => Ok(Some(D::from_json(at.as_str(), &text)?)),
            None => Ok(None),
        }
    }
}
