//! What this party serves: documents out of the state, and how the process is.
//!
//! | path | answer | to whom |
//! |---|---|---|
//! | `/health` | 200 as long as the process runs | everybody |
//! | `/ready` | 200 if every role of a source, node or auditor is well, else 503 | everybody |
//! | `/openapi.json` | this table, for programs | everybody |
//! | `/v1/sources/{role}/{account}/{subject}` | the newest bundle; `POST` asks for a new one | who shows the token |
//! | `/v1/oracles/{role}/reports/{epoch}` | a report | everybody |
//! | `/v1/oracles/{role}/snapshots/{epoch}`, `…/latest`, `…/before/{epoch}` | a snapshot | everybody |
//! | `/v1/oracles/{role}/signatures/{epoch}`, `…/latest` | a signature under a snapshot for a chain | everybody |
//! | `/v1/holders/{role}/levels/{level}` | the epochs that are attested, with `from` and `most` | everybody |
//! | `/v1/holders/{role}/levels/{level}/{epoch}`, `…/latest` | an attestation | everybody |
//! | `/v1/holders/{role}/snapshots/{epoch}` | the snapshot of an attestation | everybody |
//! | `/v1/auditors/{role}/report` | the newest report | everybody |
//!
//! Operators have an address of their own on this machine, `http.operators`: `/ready` names the roles that are not
//! well, `/metrics` has numbers for Prometheus, `/events` the last events. They say how an account fares, so nobody
//! else reads them.
//!
//! A request reads the state and nothing else: no client can make this party prove, sign, or ask others. A holder's
//! `POST` sets a mark, and its source makes at most one statement in ten seconds. Bodies are empty, headers come in
//! time or not at all, and more requests than can be answered at a time are turned away.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use surety_core::{failure::AnyFailure, ident::EvmAddress, spelling};
use tokio::sync::Semaphore;

use crate::{
    access::TokenDigest,
    metrics::RoleLabel,
    roles::{
        World,
        auditor::Auditor,
        holder,
        oracle::Shelves,
        source::{AccountPath, Served},
    },
    state::Shelf,
};

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests that are answered at a time.
const AT_A_TIME: usize = 64;

/// Most events in an answer.
const MOST_EVENTS: u32 = 1_000;

/// Most epochs in a list.
const LONGEST_LIST: u32 = 1_000;

/// Longest header that shows a token.
const LONGEST_TOKEN: usize = 512;

/// What is served of each role.
#[derive(Debug, Default)]
pub struct Offers {
    /// Accounts of sources, by the role's name.
    pub sources: BTreeMap<String, BTreeMap<AccountPath, Arc<Served>>>,
    /// Oracle nodes.
    pub oracles: BTreeMap<String, Shelves>,
    /// Holders.
    pub holders: BTreeMap<String, holder::Shelves>,
    /// Auditors.
    pub auditors: BTreeMap<String, RoleLabel>,
}

#[derive(Clone)]
struct Shop {
    world: Arc<World>,
    offers: Arc<Offers>,
    free: Arc<Semaphore>,
}

/// An answer that is no document.
enum Refusal {
    Nothing,
    Unknown,
    Trouble,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Nothing => (StatusCode::NOT_FOUND, "expected something that is served here, found nothing"),
            Self::Unknown => (StatusCode::UNAUTHORIZED, "expected the token of this account's holder, found none"),
            Self::Trouble => (StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be read; see the log"),
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

impl From<AnyFailure> for Refusal {
    fn from(error: AnyFailure) -> Self {
        tracing::error!("{error}");
        Self::Trouble
    }
}

/// What operators read on this machine.
pub fn for_operators(world: Arc<World>) -> Router {
    let ready = async |State(world): State<Arc<World>>| {
        let unwell = world.unwell(|_| true);
        let status = if unwell.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, Json(json!({ "ready": unwell.is_empty(), "unwell": unwell })))
    };
    let metrics = async |State(world): State<Arc<World>>| {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], world.metrics.text())
    };
    let events = async |State(world): State<Arc<World>>| match world.state.events(MOST_EVENTS) {
        Ok(events) => Json(json!({ "events": events })).into_response(),
        Err(error) => Refusal::from(AnyFailure::from(error)).into_response(),
    };
    Router::new()
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/events", get(events))
        .with_state(world)
}

/// What everybody reads.
pub fn router(world: Arc<World>, offers: Offers) -> Router {
    let shop = Shop { world, offers: Arc::new(offers), free: Arc::new(Semaphore::new(AT_A_TIME)) };
    Router::new()
        .route("/health", get(|| async { Json(json!({ "status": "up" })) }))
        .route("/ready", get(ready))
        .route("/openapi.json", get(|| async { Json(description()) }))
        .route("/v1/sources/{role}/{account}/{subject}", get(bundle).post(ask))
        .route("/v1/oracles/{role}/reports/{epoch}", get(report))
        .route("/v1/oracles/{role}/snapshots/{epoch}", get(snapshot))
        .route("/v1/oracles/{role}/snapshots/before/{epoch}", get(snapshot_before))
        .route("/v1/oracles/{role}/signatures/{epoch}", get(signature))
        .route("/v1/holders/{role}/levels/{level}", get(epochs))
        .route("/v1/holders/{role}/levels/{level}/{epoch}", get(attestation))
        .route("/v1/holders/{role}/snapshots/{epoch}", get(proven_snapshot))
        .route("/v1/auditors/{role}/report", get(audit))
        .fallback(|| async { Refusal::Nothing })
        .layer(DefaultBodyLimit::max(0))
        .layer(middleware::from_fn_with_state(shop.clone(), admit))
        .with_state(shop)
}

/// Turns away what cannot be answered now, ends what takes too long, and counts.
async fn admit(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let response = match shop.free.try_acquire() {
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Ok(_permit) => match tokio::time::timeout(PATIENCE, next.run(request)).await {
            Ok(response) => response,
            Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
        },
    };
    shop.world.metrics.answered(response.status().as_u16());
    response
}

async fn ready(State(shop): State<Shop>) -> Response {
    // A holder that fails may have an account that is short, which is the holder's alone to know.
    let ready = shop.world.unwell(|role| !role.starts_with("holder ")).is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready }))).into_response()
}

/// A document as it is in the state.
fn document(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Reads the state away from the threads that answer.
async fn read(
    shop: Shop,
    find: impl FnOnce(&World) -> Result<Option<String>, AnyFailure> + Send + 'static,
) -> Result<Response, Refusal> {
    let found = tokio::task::spawn_blocking(move || find(&shop.world)).await.map_err(|_| Refusal::Trouble)??;
    found.map(document).ok_or(Refusal::Nothing)
}

/// The text of a shelf with a number, or the newest.
fn numbered(world: &World, shelf: &Shelf, number: &str) -> Result<Option<String>, AnyFailure> {
    Ok(match number {
        "latest" => world.state.newest(shelf)?.map(|(_, text)| text),
        _ => number.parse().ok().map(|number| world.state.at(shelf, number)).transpose()?.flatten(),
    })
}

/// The account that a request is about, if it shows the token. Everybody else gets the same answer.
fn account(shop: &Shop, path: &(String, String, String), headers: &HeaderMap) -> Result<Arc<Served>, Refusal> {
    let (role, account, subject) = path;
    let subject = spelling::address(subject).unwrap_or(EvmAddress::ZERO);
    let served = shop.offers.sources.get(role).and_then(|accounts| accounts.get(&(account.clone(), subject)));
    let shown = headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
    let shown = shown.filter(|header| header.len() <= LONGEST_TOKEN).unwrap_or_default();
    // What is shown is hashed and compared also where there is no account.
    let token = served.map_or(TokenDigest::NOBODYS, |served| served.token);
    let is_shown = token.is_shown_by(shown);
    served.filter(|_| is_shown).cloned().ok_or(Refusal::Unknown)
}

type AccountParts = Path<(String, String, String)>;

async fn bundle(State(shop): State<Shop>, Path(path): AccountParts, headers: HeaderMap) -> Result<Response, Refusal> {
    let served = account(&shop, &path, &headers)?;
    read(shop, move |world| numbered(world, &served.shelf, "latest")).await
}

async fn ask(State(shop): State<Shop>, Path(path): AccountParts, headers: HeaderMap) -> Result<Response, Refusal> {
    let served = account(&shop, &path, &headers)?;
    served.wanted.store(true, Ordering::SeqCst);
    shop.world.stop.wake();
    Ok((StatusCode::ACCEPTED, Json(json!({ "asked": true }))).into_response())
}

type Numbered = Path<(String, String)>;

async fn report(State(shop): State<Shop>, Path((role, epoch)): Numbered) -> Result<Response, Refusal> {
    let shelf = shop.offers.oracles.get(&role).ok_or(Refusal::Nothing)?.reports.clone();
    read(shop, move |world| numbered(world, &shelf, &epoch)).await
}

async fn snapshot(State(shop): State<Shop>, Path((role, epoch)): Numbered) -> Result<Response, Refusal> {
    let shelf = shop.offers.oracles.get(&role).ok_or(Refusal::Nothing)?.snapshots.clone();
    read(shop, move |world| numbered(world, &shelf, &epoch)).await
}

async fn snapshot_before(State(shop): State<Shop>, Path((role, epoch)): Numbered) -> Result<Response, Refusal> {
    let shelf = shop.offers.oracles.get(&role).ok_or(Refusal::Nothing)?.snapshots.clone();
    let epoch = epoch.parse().map_err(|_| Refusal::Nothing)?;
    read(shop, move |world| Ok(world.state.newest_before(&shelf, epoch)?)).await
}

async fn signature(State(shop): State<Shop>, Path((role, epoch)): Numbered) -> Result<Response, Refusal> {
    let shelf = shop.offers.oracles.get(&role).ok_or(Refusal::Nothing)?.signatures.clone();
    read(shop, move |world| numbered(world, &shelf, &epoch)).await
}

/// The shelf of a holder's attestations of a level.
fn attestations(shop: &Shop, role: &str, level: &str) -> Result<Shelf, Refusal> {
    let shelves = shop.offers.holders.get(role).ok_or(Refusal::Nothing)?;
    let found = shelves.attestations.iter().find(|(name, _)| name.as_str() == level);
    found.map(|(_, shelf)| shelf.clone()).ok_or(Refusal::Nothing)
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    from: u64,
    most: Option<u32>,
}

async fn epochs(
    State(shop): State<Shop>,
    Path((role, level)): Numbered,
    Query(part): Query<Part>,
) -> Result<Response, Refusal> {
    let shelf = attestations(&shop, &role, &level)?;
    let most = part.most.unwrap_or(LONGEST_LIST).min(LONGEST_LIST);
    read(shop, move |world| Ok(Some(json!(world.state.numbers(&shelf, part.from, most)?).to_string()))).await
}

async fn attestation(State(shop): State<Shop>, Path((role, level, epoch)): AccountParts) -> Result<Response, Refusal> {
    let shelf = attestations(&shop, &role, &level)?;
    read(shop, move |world| numbered(world, &shelf, &epoch)).await
}

async fn proven_snapshot(State(shop): State<Shop>, Path((role, epoch)): Numbered) -> Result<Response, Refusal> {
    let shelf = shop.offers.holders.get(&role).ok_or(Refusal::Nothing)?.snapshots.clone();
    read(shop, move |world| numbered(world, &shelf, &epoch)).await
}

async fn audit(State(shop): State<Shop>, Path(role): Path<String>) -> Result<Response, Refusal> {
    let shelf = Auditor::reports(shop.offers.auditors.get(&role).ok_or(Refusal::Nothing)?);
    read(shop, move |world| numbered(world, &shelf, "latest")).await
}

/// The routes in the form of OpenAPI 3.1.
#[must_use]
pub fn description() -> Value {
    let parameter =
        |name: &&str| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    let operation = |summary: &str, parameters: &[&str], secured: bool| {
        let mut responses = json!({
            "200": { "description": "The document", "content": { "application/json": {} } },
            "404": { "description": "Nothing is served here" },
            "408": { "description": "The answer takes too long" },
            "503": { "description": "Too many requests at a time" },
        });
        let mut operation = json!({
            "summary": summary,
            "parameters": parameters.iter().map(parameter).collect::<Vec<_>>(),
        });
        if secured {
            responses["401"] = json!({ "description": "The token is not that of the account's holder" });
            operation["security"] = json!([{ "holder": [] }]);
        }
        operation["responses"] = responses;
        operation
    };
    let open = |summary: &str, parameters: &[&str]| json!({ "get": operation(summary, parameters, false) });
    let account = ["role", "account", "subject"];
    let mut epochs = open("The epochs in which a level was attested", &["role", "level"]);
    for (name, about) in [("from", "The first epoch"), ("most", "Most epochs, at most 1000")] {
        let query = json!({ "name": name, "in": "query", "description": about, "schema": { "type": "integer" } });
        if let Some(parameters) = epochs["get"]["parameters"].as_array_mut() {
            parameters.push(query);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Surety", "version": env!("CARGO_PKG_VERSION") },
        "components": { "securitySchemes": { "holder": { "type": "http", "scheme": "bearer" } } },
        "paths": {
            "/health": open("Whether the process runs", &[]),
            "/ready": open("Whether every role is well", &[]),
            "/v1/sources/{role}/{account}/{subject}": {
                "get": operation("The newest statement, with its opening encrypted to the holder", &account, true),
                "post": operation("Asks for a new statement", &account, true),
            },
            "/v1/oracles/{role}/reports/{epoch}": open("A report of prices, or the latest", &["role", "epoch"]),
            "/v1/oracles/{role}/snapshots/{epoch}": open("A snapshot, or the latest", &["role", "epoch"]),
            "/v1/oracles/{role}/snapshots/before/{epoch}":
                open("The last snapshot before an epoch", &["role", "epoch"]),
            "/v1/oracles/{role}/signatures/{epoch}":
                open("The node's signature under a snapshot for a chain, or the latest", &["role", "epoch"]),
            "/v1/holders/{role}/levels/{level}": epochs,
            "/v1/holders/{role}/levels/{level}/{epoch}":
                open("An attestation, or the latest", &["role", "level", "epoch"]),
            "/v1/holders/{role}/snapshots/{epoch}": open("The snapshot of an attestation", &["role", "epoch"]),
            "/v1/auditors/{role}/report": open("The newest report", &["role"]),
        },
    })
}
