//! The queue by itself.

use std::{thread, time::Duration};

use surety_fleet::queue::{Queue, QueueError, Terms};

use super::field::{Field, LEASE};

const KINDS: [u32; 2] = [0, 1];

#[test]
fn pages_are_enqueued_once_and_claimed_kind_by_kind() {
    let Some(field) = Field::with(4) else { return };
    let (queue, runtime) = (&field.queue, &field.runtime);
    runtime.block_on(async {
        queue.enqueue(&[(0, 0), (1, 1)]).await.unwrap();
        assert_eq!(queue.status().await.unwrap().ready, 4);
        let mut pages = Vec::new();
        while let Some(job) = queue.claim(&KINDS, Some(1)).await.unwrap() {
            pages.push((job.page, job.attempt));
        }
        assert_eq!(pages, [(1, 1), (3, 1), (0, 1), (2, 1)]);
    });
}

#[test]
fn rejects_completion_and_renewal_by_an_earlier_attempt() {
    let Some(field) = Field::with(1) else { return };
    let (queue, runtime) = (&field.queue, &field.runtime);
    runtime.block_on(async {
        let first = queue.claim(&KINDS, None).await.unwrap().unwrap();
        assert!(queue.renew(first).await.unwrap());
        assert!(queue.claim(&KINDS, None).await.unwrap().is_none());
        tokio::time::sleep(LEASE + Duration::from_millis(200)).await;
        while queue.reap().await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let second = queue.claim(&KINDS, None).await.unwrap().unwrap();
        assert_eq!((first.attempt, second.attempt), (1, 2));
        assert!(!queue.renew(first).await.unwrap());
        assert!(!queue.complete(first).await.unwrap());
        assert!(!queue.fail(first).await.unwrap());
        assert!(!queue.release(first).await.unwrap());
        assert!(queue.complete(second).await.unwrap());
        assert!(queue.complete(second).await.unwrap(), "again, as the answer may have been lost");
        assert!(!queue.complete(first).await.unwrap());

        // The result has gone: attempts go on, so that nobody from before is taken for the current one.
        queue.enqueue(&[(0, 0)]).await.unwrap();
        assert_eq!(queue.claim(&KINDS, None).await.unwrap().unwrap().attempt, 3);
    });
}

#[test]
fn rejects_taking_pages_over_before_their_workers_could_renew() {
    let Some(mut field) = Field::with(1) else { return };
    let job = field.runtime.block_on(field.queue.claim(&KINDS, None)).unwrap().unwrap();
    field.server.stop();
    thread::sleep(LEASE);
    field.server.start_again().unwrap();
    let (url, plan) = (field.server.url().parse().unwrap(), field.directory().plan_id().unwrap());
    let open = |lease| Queue::open(&url, plan, Terms { lease, ..Terms::default() }, 1);
    field.runtime.block_on(async {
        // Nobody has seen the outage; the server itself says since when it is up.
        assert_eq!(open(Duration::from_secs(60)).await.unwrap().reap().await.unwrap(), 0);
        assert!(field.queue.renew(job).await.unwrap());
    });
}

#[test]
fn pages_that_fail_wait_longer_each_time_and_three_times_at_most() {
    let Some(field) = Field::with(1) else { return };
    let (queue, runtime) = (&field.queue, &field.runtime);
    for attempt in 1..=3 {
        let job = loop {
            if let Some(job) = runtime.block_on(queue.claim(&KINDS, None)).unwrap() {
                break job;
            }
            thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(job.attempt, attempt);
        assert!(runtime.block_on(queue.fail(job)).unwrap());
        assert!(runtime.block_on(queue.claim(&KINDS, None)).unwrap().is_none(), "it waits");
    }
    let status = field.status();
    assert_eq!((status.failed, status.left()), (1, 0));
    assert_eq!(status.failures[0].error, "failed");
}

#[test]
fn rejects_tables_of_another_version() {
    let Some(field) = Field::with(1) else { return };
    let (url, plan) = (field.server.url().parse().unwrap(), surety_core::ident::HexBytes([7; 32]));
    let open = || Queue::open(&url, plan, Terms::default(), 1);
    field.runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&field.server.url()).await.unwrap();
        // Many at once find one set of tables.
        sqlx::query("drop table surety_job, surety_queue").execute(&pool).await.unwrap();
        let opened = tokio::join!(open(), open(), open(), open());
        assert!(opened.0.is_ok() && opened.1.is_ok() && opened.2.is_ok() && opened.3.is_ok());
        sqlx::query("update surety_queue set version = 2").execute(&pool).await.unwrap();
        assert!(matches!(open().await, Err(QueueError::OtherVersion(2))));
    });
}
