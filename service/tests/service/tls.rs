//! Certificates of both sides.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use surety_service::{
    address::Address,
    configuration::{Peers, Secret},
    peer::Client,
};

use crate::town::{Party, Town};

/// An authority with a certificate for this machine and one for a client, as files of a town.
fn authority(town: &Town, name: &str) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    town.write(&format!("{name}.pem"), &issuer.pem());
    for (leaf, host) in [("server", "127.0.0.1"), ("client", "fund.example")] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        town.write(&format!("{name}-{leaf}.pem"), &certificate.pem());
        town.write(&format!("{name}-{leaf}.key"), &key.serialize_pem());
    }
}

/// A source that serves whoever shows a certificate of the authority `own`.
fn source(town: &Town) -> Party {
    let tls = "tls = { certificate = \"own-server.pem\", key = { file = \"own-server.key\" }, clients = \"own.pem\" }";
    town.start_with(tls, "state-0", 0, &town.sources())
}

/// What a client gets that trusts an authority and shows a certificate of another.
fn health(town: &Town, trusted: Option<&str>, shown: Option<&str>) -> Result<String, String> {
    let peers = Peers {
        authority: trusted.map(|name| town.path(&format!("{name}.pem"))),
        certificate: shown.map(|name| town.path(&format!("{name}-client.pem"))),
        key: shown.map(|name| Secret::File(town.path(&format!("{name}-client.key")))),
    };
    let at: Address = format!("https://127.0.0.1:{}/health", town.ports[0]).parse().unwrap();
    let text = Client::new(&peers).unwrap().text(&at, None).map_err(|error| error.to_string())?;
    Ok(text.map(|text| text.to_string()).unwrap_or_default())
}

#[test]
fn both_sides_show_certificates() {
    let town = Town::new(1);
    authority(&town, "own");
    let _source = source(&town);
    town.wait_for("a server", || health(&town, Some("own"), Some("own")).is_ok());
}

#[test]
fn rejects_clients_and_servers_without_a_certificate_of_the_authority() {
    let town = Town::new(1);
    ["own", "other"].into_iter().for_each(|name| authority(&town, name));
    let _source = source(&town);
    town.wait_for("a server", || health(&town, Some("own"), Some("own")).is_ok());
    for (trusted, shown) in
        [(Some("own"), None), (Some("own"), Some("other")), (Some("other"), Some("own")), (None, Some("own"))]
    {
        let found = health(&town, trusted, shown);
        assert!(found.is_err(), "{trusted:?} {shown:?}: {found:?}");
    }
}

#[test]
fn rejects_files_that_are_no_certificates_or_keys() {
    let town = Town::new(1);
    authority(&town, "own");
    let (certificate, key) = (town.path("own-client.pem"), town.path("own-client.key"));
    let peers = |authority, certificate, key: &std::path::Path| {
        let key = Secret::File(key.to_owned());
        Peers { authority, certificate: Some(certificate), key: Some(key) }
    };
    for (found, expected) in [
        (peers(Some(town.path("token")), certificate.clone(), &key), "peers.authority: expected certificates in PEM"),
        (peers(None, key.clone(), &key), "peers.certificate: expected certificates in PEM"),
        (peers(None, certificate.clone(), &certificate), "peers.key: expected a key in PEM"),
    ] {
        let refused = Client::new(&found).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
