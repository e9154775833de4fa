//! How a node is asked: over HTTP, with a limit on the time and the length of an answer, again after a pause where a
//! node asks for patience, and at the next node where one fails.
//!
//! Alloy's own HTTP transport reads answers of any length, and its errors repeat URLs, in which there may be passwords.

use std::{
    collections::HashSet,
    error::Error,
    num::NonZeroUsize,
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    rpc::{
        client::RpcClient,
        json_rpc::{RequestPacket, ResponsePacket},
    },
    transports::{
        TransportError, TransportErrorKind, TransportFut,
        layers::{FallbackLayer, RateLimitRetryPolicy, RetryBackoffLayer, RetryPolicy},
    },
};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect};
use tower::{Layer as _, Service};

/// How long an answer may take, from one node.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Most bytes of an answer.
const ANSWER_LIMIT: usize = 32 << 20;

/// How often a question is asked again.
const RETRIES: u32 = 4;

/// Milliseconds until it is asked again, if the node names no time.
const PAUSE: u64 = 250;

/// Longest pause that a node can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Units in which Alloy counts requests that wait at once; here is never more than one.
const NO_BUDGET: u64 = u64::MAX;

/// What nodes answer both to too many requests and to a request for too much (EIP-1474).
const LIMIT_EXCEEDED: i64 = -32_005;

/// What is asked. A question goes to one node after the other until one answers, never to several at once: their
/// answers may be of different blocks, and a transaction that one knows is refused by the next.
const METHODS: [&str; 12] = [
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getProof",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
];
/// What is sent.
const SEND: &str = "eth_sendRawTransaction";

/// The bounds of one answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    pub(crate) bytes: usize,
}

impl Bounds {
    pub(crate) const USUAL: Self = Self { time: ANSWER_TIMEOUT, bytes: ANSWER_LIMIT };
}

/// The node at a URL. Does not print: the URL may contain a password.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    url: Url,
    limit: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("{0}")]
    Broken(String),
    #[error("expected an answer of at most {0} bytes, found a longer one")]
    TooLong(usize),
    #[error("expected an answer of JSON-RPC, found status {0}")]
    NotJsonRpc(u16),
}

impl From<reqwest::Error> for NoAnswer {
    fn from(error: reqwest::Error) -> Self {
        let unreachable = error.is_connect();
        let error = error.without_url();
        let (mut text, mut source) = (error.to_string(), error.source());
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        if unreachable { Self::Unreachable(text) } else { Self::Broken(text) }
    }
}

impl Http {
    /// The node at a URL. Nothing is asked.
    pub(crate) fn new(url: &str, bounds: Bounds) -> Result<Self, String> {
        // TLS is by ring, as everywhere here; if somebody has chosen before, that stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(url).map_err(|error| format!("expected a URL, such as https://HOST:PORT: {error}"))?;
        // What is sent is for this node, and the path may contain a password.
        let mut client = Client::builder().timeout(bounds.time).redirect(redirect::Policy::none());
        if url.scheme() == "http" {
            // Without TLS there is no need to read the machine's certificates.
            client = client.tls_certs_only([]);
        }
        let client = client.build().map_err(|error| NoAnswer::from(error).to_string())?;
        Ok(Self { client, url, limit: bounds.bytes })
    }

    async fn ask(self, question: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let question = serde_json::to_vec(&question).map_err(TransportError::ser_err)?;
        let request = self.client.post(self.url).header(CONTENT_TYPE, "application/json").body(question);
        let (status, answer) = read(request, self.limit).await.map_err(TransportErrorKind::custom)?;
        // Some nodes send their errors with a status of their own.
        serde_json::from_slice(&answer).map_err(|_| match status {
            200 => TransportErrorKind::custom(NoAnswer::NotJsonRpc(status)),
            // The body may be anything, and is not repeated.
            status => TransportErrorKind::http_error(status, String::new()),
        })
    }
}

async fn read(request: reqwest::RequestBuilder, limit: usize) -> Result<(u16, Vec<u8>), NoAnswer> {
    let mut response = request.send().await?;
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if answer.len() + chunk.len() > limit {
            return Err(NoAnswer::TooLong(limit));
        }
        answer.extend_from_slice(&chunk);
    }
    Ok((response.status().as_u16(), answer))
}

impl Service<RequestPacket> for Http {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, question: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(question))
    }
}

/// Asks the first of the nodes that answers, and again where they ask for patience.
pub(crate) fn client(nodes: Vec<Http>) -> RpcClient {
    let methods = METHODS.into_iter().chain([SEND]).map(str::to_owned);
    let fallback = FallbackLayer::default()
        .with_active_transport_count(NonZeroUsize::new(nodes.len()).unwrap_or(NonZeroUsize::MIN))
        .with_sequential_methods(methods.collect::<HashSet<_>>());
    let retry = RetryBackoffLayer::new_with_policy(RETRIES, PAUSE, NO_BUDGET, Patience);
    RpcClient::new(retry.layer(fallback.layer(nodes)), false)
}

/// When a question is asked again: if a node says that there are too many, or cannot be reached at the moment.
#[derive(Clone, Copy, Debug)]
struct Patience;

impl RetryPolicy for Patience {
    fn should_retry(&self, error: &TransportError) -> bool {
        let for_too_much = |message: &str| !message.contains("rate");
        match error {
            TransportError::ErrorResp(fault) if fault.code == LIMIT_EXCEEDED && for_too_much(&fault.message) => false,
            TransportError::Transport(kind) if is_unreachable(kind) => true,
            error => RateLimitRetryPolicy::default().should_retry(error),
        }
    }

    fn backoff_hint(&self, error: &TransportError) -> Option<Duration> {
        RateLimitRetryPolicy::default().backoff_hint(error).map(|pause| pause.min(LONGEST_PAUSE))
    }
}

fn is_unreachable(kind: &TransportErrorKind) -> bool {
    let answer = kind.as_custom().and_then(|error| error.downcast_ref::<NoAnswer>());
    matches!(answer, Some(NoAnswer::Unreachable(_)))
}

/// A URL without what may be a password in it: paths often contain one.
pub(crate) fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}
