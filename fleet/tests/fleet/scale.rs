//! Many pages, and many workers.

use std::time::{Duration, Instant};

use super::field::Field;

#[test]
fn two_workers_on_many_pages_prove_each_once() {
    let Some(field) = Field::with(60) else { return };
    let mut workers = [field.worker("log", "drain=1 workers=2"), field.worker("log", "drain=1 workers=2")];
    assert!(workers.iter_mut().all(super::field::Running::ended));
    assert_eq!(field.status().done, 60);
    for page in 0..60 {
        assert_eq!(field.count("log", &format!("start {page}")), 1);
    }
}

#[test]
#[ignore = "takes some minutes"]
fn full_three_hundred_pages_of_a_hundred_thousand_are_claimed_a_second() {
    const PAGES: u32 = 100_000;
    const CLAIMS: u32 = 20_000;
    let Some(field) = Field::with(4) else { return };
    let jobs: Vec<_> = (0..PAGES).map(|page| (page, page % 2)).collect();
    let (queue, runtime) = (&field.queue, &field.runtime);
    let start = Instant::now();
    runtime.block_on(queue.enqueue(&jobs)).unwrap();
    println!("{PAGES} pages enqueued in {:?}", start.elapsed());
    let start = Instant::now();
    let claimer = async || {
        for _ in 0..CLAIMS / 4 {
            let job = queue.claim(&[0, 1], None).await.unwrap().unwrap();
            assert!(queue.complete(job).await.unwrap());
        }
    };
    runtime.block_on(async { tokio::join!(claimer(), claimer(), claimer(), claimer()) });
    let each = start.elapsed() / CLAIMS;
    println!("{CLAIMS} pages claimed and completed, {each:?} each");
    assert!(each < Duration::from_secs(1) / 300, "{each:?}");
    assert_eq!(field.status().done, u64::from(CLAIMS));
}

/// A million accounts of eight assets, nine out of ten without debts, are 423 pages. The provers are stubs.
#[test]
#[ignore = "takes a minute, and a gigabyte"]
fn full_two_hundred_stub_workers_do_the_pages_of_a_million_accounts() {
    let Some(field) = Field::with(423) else { return };
    let start = Instant::now();
    let mut workers: Vec<_> =
        (0..20).map(|_| field.worker("log", "drain=1 workers=10 sleep=2400 lease=10000")).collect();
    assert!(workers.iter_mut().all(super::field::Running::ended));
    println!("423 pages of 2.4 s by 200 stub workers in {:?}", start.elapsed());
    assert_eq!((field.status().done, field.status().failed), (423, 0));
    for page in 0..423 {
        assert_eq!(field.count("log", &format!("start {page}")), 1);
    }
}
