//! One process: every role on a thread of its own, and the server on this one, until the process is told to stop.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use axum::Router;
use axum_server::{
    Handle, Server,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use surety_core::failure::{AnyFailure, Internal};
use surety_host::{keys::SecretAt, setup::Setups};

use crate::{
    bounds::Bounded,
    configuration::{Configuration, Http, Tls},
    error::ServiceError,
    peer::Client,
    roles::{
        Role, World, announce, auditor::Auditor, holder::Holder, keep, keeper::Keeper, oracle::Oracle, source::Source,
    },
    server::{Offers, for_operators, router},
    state::State,
    tls::certificates,
};

/// Most bytes of the headers of a request.
const LONGEST_HEADERS: usize = 16 << 10;

/// How long headers of a request may take.
const HEADERS: Duration = Duration::from_secs(5);

/// How long requests may take that are being answered when the process is told to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// A process that is ready to begin.
pub struct Service {
    world: Arc<World>,
    roles: Vec<Box<dyn Role>>,
    offers: Offers,
    http: Option<Listening>,
}

/// What is listened at.
struct Listening {
    http: Http,
    everybody: TcpListener,
    operators: Option<TcpListener>,
}

impl core::fmt::Debug for Service {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Service").field("roles", &self.roles.len()).finish_non_exhaustive()
    }
}

impl Service {
    /// Reads everything that a configuration names, whose paths are taken as they are, and listens.
    ///
    /// # Errors
    /// If something cannot be used. Nothing has been done then.
    pub fn new(configuration: Configuration, setups: Setups) -> Result<Self, AnyFailure> {
        let state = State::open(&configuration.state)?;
        let world = Arc::new(World::new(state, Client::new(&configuration.peers)?, setups));
        let (mut roles, mut offers): (Vec<Box<dyn Role>>, _) = (Vec::new(), Offers::default());
        for (i, role) in configuration.source.into_iter().enumerate() {
            let name = role.name.to_string();
            let source = Source::new(role, &format!("source[{i}]"), &world)?;
            offers.sources.insert(name, source.served());
            roles.push(Box::new(source));
        }
        for (i, role) in configuration.oracle.into_iter().enumerate() {
            let name = role.name.to_string();
            let oracle = Oracle::new(role, &format!("oracle[{i}]"), &world)?;
            offers.oracles.insert(name, oracle.shelves().clone());
            roles.push(Box::new(oracle));
        }
        for (i, role) in configuration.holder.into_iter().enumerate() {
            let name = role.name.to_string();
            let holder = Holder::new(role, &format!("holder[{i}]"), &world)?;
            offers.holders.insert(name, holder.shelves().clone());
            roles.push(Box::new(holder));
        }
        for (i, role) in configuration.keeper.into_iter().enumerate() {
            roles.push(Box::new(Keeper::new(role, &format!("keeper[{i}]"), &world)?));
        }
        for role in configuration.auditor {
            let name = role.name.to_string();
            let auditor = Auditor::new(role, &world)?;
            offers.auditors.insert(name, auditor.label().clone());
            roles.push(Box::new(auditor));
        }
        let http = configuration.http.map(listen).transpose()?;
        roles.iter().for_each(|role| announce(role.as_ref(), &world));
        Ok(Self { world, roles, offers, http })
    }

    /// The address that is served, once a port has been chosen.
    #[must_use]
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        self.http.as_ref().and_then(|listening| listening.everybody.local_addr().ok())
    }

    /// What the roles share: whoever wants the process to stop tells it there.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Runs until the process is told to stop: what the roles are doing is finished first.
    ///
    /// # Errors
    /// If the server cannot run, or a thread ends by itself.
    pub fn run(self) -> Result<(), AnyFailure> {
        let Self { world, roles, offers, http } = self;
        thread::scope(|scope| {
            let threads: Vec<_> = roles
                .into_iter()
                .map(|mut role| {
                    let world = &world;
                    scope.spawn(move || keep(role.as_mut(), world))
                })
                .collect();
            let served = match http {
                Some(listening) => serve(listening, router(Arc::clone(&world), offers), &world),
                None => {
                    world.stop.wait(|| false);
                    Ok(())
                }
            };
            // Also if the server failed: then nothing goes on without it.
            world.stop.stop();
            let ended = threads.into_iter().map(thread::ScopedJoinHandle::join).collect::<Result<Vec<()>, _>>();
            served.and(ended.map(|_| ()).map_err(|_| ServiceError::Ended("a role".to_owned()).into()))
        })
    }
}

fn listen(http: Http) -> Result<Listening, ServiceError> {
    let bind = |address: SocketAddr| {
        let failed =
            |error: std::io::Error| ServiceError::Listen { address: address.to_string(), reason: error.to_string() };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(listener)
    };
    let (everybody, operators) = (bind(http.listen)?, http.operators.map(bind).transpose()?);
    Ok(Listening { http, everybody, operators })
}

fn serve(listening: Listening, router: Router, world: &Arc<World>) -> Result<(), AnyFailure> {
    let Listening { http, everybody, operators } = listening;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Internal(error.to_string()))?;
    let handle = Handle::new();
    let failed =
        |error: std::io::Error| ServiceError::Listen { address: http.listen.to_string(), reason: error.to_string() };
    let tls = http.tls.as_ref().map(server_config).transpose()?;
    let (stopping, stop) = (handle.clone(), Arc::clone(world));
    thread::spawn(move || {
        stop.stop.wait(|| false);
        stopping.graceful_shutdown(Some(FAREWELL));
    });
    runtime.block_on(async {
        if let Some(operators) = operators {
            let server = bounded(axum_server::from_tcp(operators).map_err(failed)?);
            let service = for_operators(Arc::clone(world)).into_make_service();
            // It ends with the runtime.
            tokio::spawn(server.handle(handle.clone()).serve(service));
        }
        let service = router.into_make_service();
        let server = axum_server::from_tcp(everybody).map_err(failed)?;
        match tls {
            Some(config) => {
                let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config));
                bounded(server.acceptor(acceptor)).handle(handle).serve(service).await.map_err(failed)
            }
            None => bounded(server).handle(handle).serve(service).await.map_err(failed),
        }
    })?;
    Ok(())
}

/// A server of HTTP/1 alone, which waits for nobody: connections of HTTP/2 have many requests, each of which would need
/// bounds of its own.
fn bounded<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, Bounded<A>> {
    let mut server = server.http1_only().first_request_timeout(HEADERS).map(Bounded::new);
    server.http_builder().http1().header_read_timeout(HEADERS).max_buf_size(LONGEST_HEADERS);
    server
}

/// Certificate and key of the server, with the authority of clients if only known ones are served.
fn server_config(tls: &Tls) -> Result<Arc<ServerConfig>, AnyFailure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let wrong = |path: &str, reason: String| ServiceError::value(path, "a certificate and its key, in PEM", reason);
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Internal(error.to_string()))?;
    let config = match &tls.clients {
        None => config.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, "http.tls.clients")? {
                roots.add(certificate).map_err(|error| wrong("http.tls.clients", error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.map_err(|error| wrong("http.tls.clients", error.to_string()))?)
        }
    };
    let key = SecretAt::from(tls.key.clone()).passphrase()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_str().as_bytes())
        .map_err(|_| wrong("http.tls.key", "something else".to_owned()))?;
    let chain = certificates(&tls.certificate, "http.tls.certificate")?;
    let config = config.with_single_cert(chain, key).map_err(|error| wrong("http.tls", error.to_string()))?;
    Ok(Arc::new(config))
}
