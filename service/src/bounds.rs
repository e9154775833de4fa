//! Bounds on connections: how many there are, and how long each may last.
//!
//! The process that answers strangers also proves and signs. A connection holds a file descriptor, so connections of
//! strangers never take them all: what comes beyond a number is closed at once, and every connection ends after a time,
//! whether or not its client reads.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum_server::accept::Accept;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// Most connections at a time.
const CONNECTIONS: usize = 256;

/// How long a connection may last, however it is used.
const LIFETIME: Duration = Duration::from_secs(60);

/// Accepts connections as another does, within bounds.
#[derive(Clone, Debug)]
pub struct Bounded<A> {
    inner: A,
    free: Arc<Semaphore>,
}

impl<A> Bounded<A> {
    /// The bounds of a server, for every connection together.
    #[must_use]
    pub fn new(inner: A) -> Self {
        Self { inner, free: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl<A, I, S> Accept<I, S> for Bounded<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Limited<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let permit = Arc::clone(&self.free).try_acquire_owned();
        let accepted = self.inner.accept(stream, service);
        Box::pin(async move {
            let permit = permit.map_err(|_| io::Error::other("too many connections"))?;
            let (stream, service) = accepted.await?;
            Ok((Limited { stream, end: Box::pin(sleep(LIFETIME)), _permit: permit }, service))
        })
    }
}

/// A connection that ends after a time.
#[derive(Debug)]
pub struct Limited<S> {
    stream: S,
    end: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl<S> Limited<S> {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum_server::accept::DefaultAcceptor;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Runs on a clock that goes on when everybody waits.
    fn on_a_quick_clock(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(test);
    }

    /// Attack: a client that sends a byte now and then, or reads as slowly.
    #[test]
    fn rejects_connections_that_last_for_ever() {
        on_a_quick_clock(async {
            let (mut client, server) = duplex(1);
            let (mut served, ()) = Bounded::new(DefaultAcceptor).accept(server, ()).await.unwrap();
            client.write_all(b"a").await.unwrap();
            assert_eq!(served.read_u8().await.unwrap(), b'a');
            served.write_all(b"b").await.unwrap();
            tokio::time::advance(LIFETIME).await;
            client.write_all(b"c").await.unwrap();
            assert_eq!(served.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(served.write_all(b"d").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(served.flush().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn rejects_connections_beyond_a_number_until_one_ends() {
        on_a_quick_clock(async {
            let bounded = Bounded::new(DefaultAcceptor);
            let mut open = Vec::new();
            for _ in 0..CONNECTIONS {
                open.push(bounded.accept(duplex(1).1, ()).await.unwrap());
            }
            assert!(bounded.accept(duplex(1).1, ()).await.is_err());
            drop(open.pop());
            assert!(bounded.accept(duplex(1).1, ()).await.is_ok());
        });
    }
}
