//! A deployment on a chain, and who pays there.

use surety_chain::{Contracts, Deployment, Node};
use surety_core::failure::AnyFailure;
use surety_host::{documents, keys::SecretAt};

use super::{AnySigner, load_signer};
use crate::configuration::ChainAt;

/// A deployment that a role reads and writes.
pub(crate) struct Chain {
    pub(crate) deployment: Deployment,
    rpc: SecretAt,
    pub(crate) signer: AnySigner,
}

impl Chain {
    /// The deployment of a configuration.
    ///
    /// # Errors
    /// If a file cannot be read, or the key not be used.
    pub(crate) fn load(at: ChainAt) -> Result<Self, AnyFailure> {
        Ok(Self {
            deployment: documents::read(&at.deployment)?,
            rpc: at.rpc.into(),
            signer: load_signer(at.key, at.passphrase)?,
        })
    }

    /// The contracts, which are those of the deployment: nodes are asked anew each time, since those that stood in for
    /// each other an hour ago may not be there, or be of another chain.
    ///
    /// # Errors
    /// If no node answers, or something else is there.
    pub(crate) fn connect(&self) -> Result<Contracts, AnyFailure> {
        let urls = self.rpc.passphrase()?;
        let urls: Vec<_> = urls.as_str().lines().map(str::trim).filter(|url| !url.is_empty()).collect();
        Ok(Contracts::check(Node::connect_any(&urls)?, self.deployment.clone())?)
    }
}
