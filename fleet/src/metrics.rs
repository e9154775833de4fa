//! Counters of workers, in the text format of Prometheus: pages and times, nothing else.

use std::{cell::RefCell, fmt::Write as _, io, net::SocketAddr, rc::Rc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::worker::{Event, Watcher};

/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest request that is read.
const REQUEST: usize = 4096;

#[derive(Debug, Default)]
struct Counts {
    done: u64,
    failed: u64,
    lost: u64,
    released: u64,
    outages: u64,
    claims: u64,
    claiming: Duration,
    proving: Duration,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Metrics(RefCell<Counts>);

impl Watcher for Metrics {
    fn event(&self, event: &Event) {
        let mut counts = self.0.borrow_mut();
        match event {
            Event::Claimed { took, .. } => {
                counts.claims += 1;
                counts.claiming += *took;
            }
            Event::Done { took, .. } => {
                counts.done += 1;
                counts.proving += *took;
            }
            Event::Failed { .. } => counts.failed += 1,
            Event::Lost(_) | Event::Late(_) => counts.lost += 1,
            Event::Released(_) => counts.released += 1,
            Event::Away(_) => counts.outages += 1,
        }
    }
}

impl Metrics {
    /// The counters as text.
    #[must_use]
    pub fn text(&self) -> String {
        let counts = self.0.borrow();
        let counters = [
            ("pages_done_total", "Pages proven, verified and completed.", counts.done.to_string()),
            ("pages_failed_total", "Attempts that failed.", counts.failed.to_string()),
            ("leases_lost_total", "Attempts whose lease was lost.", counts.lost.to_string()),
            ("pages_released_total", "Pages given back.", counts.released.to_string()),
            ("queue_outages_total", "Times that the database was found away.", counts.outages.to_string()),
            ("proving_seconds_total", "Time from claim to completion.", seconds(counts.proving)),
        ];
        let mut text = String::new();
        for (name, help, value) in counters {
            let _ = write!(text, "# HELP surety_{name} {help}\n# TYPE surety_{name} counter\nsurety_{name} {value}\n");
        }
        let (name, claims, claiming) = ("surety_claim_seconds", counts.claims, seconds(counts.claiming));
        let _ = write!(
            text,
            "# HELP {name} Time that claiming takes.\n# TYPE {name} summary\n\
             {name}_sum {claiming}\n{name}_count {claims}\n"
        );
        text
    }

    /// Listens, and answers every request with the counters, for as long as the tasks of the thread run.
    ///
    /// # Errors
    /// If nobody can listen there.
    pub async fn serve(self: Rc<Self>, address: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tokio::task::spawn_local(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    // Whoever is slow keeps others waiting for a few seconds, and no worker.
                    let _ = timeout(PATIENCE, self.answer(stream)).await;
                }
            }
        });
        Ok(address)
    }

    async fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut request = [0; REQUEST];
        let mut length = 0;
        while length < REQUEST && !request[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut request[length..]).await? {
                0 => break,
                read => length += read,
            }
        }
        let text = self.text();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}

fn seconds(duration: Duration) -> String {
    format!("{}.{:06}", duration.as_secs(), duration.subsec_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Job;

    #[test]
    fn requests_are_answered_with_the_counters() {
        let answer = crate::block_on(async {
            let address = Rc::new(Metrics::default()).serve(([127, 0, 0, 1], 0).into()).await.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let answer = answer.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\nsurety_pages_done_total 0\n"),
            "{answer}"
        );
    }

    #[test]
    fn events_are_counted() {
        let metrics = Metrics::default();
        let job = Job { page: 3, kind: 0, attempt: 1 };
        metrics.event(&Event::Claimed { job, took: Duration::from_millis(1) });
        metrics.event(&Event::Done { job, took: Duration::from_millis(2_500) });
        metrics.event(&Event::Late(job));
        let text = metrics.text();
        for line in [
            "surety_pages_done_total 1",
            "surety_pages_failed_total 0",
            "surety_leases_lost_total 1",
            "surety_proving_seconds_total 2.500000",
            "surety_claim_seconds_sum 0.001000",
            "surety_claim_seconds_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
