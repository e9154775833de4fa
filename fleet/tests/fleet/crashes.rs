//! What happens to machines.

use std::{fs, process::Command, thread, time::Duration};

use super::field::{Field, LEASE};

/// Time for starting a process on a busy machine, beside a lease.
const MARGIN: Duration = Duration::from_secs(4);

#[test]
fn a_killed_workers_page_is_picked_up_within_a_time_to_live() {
    let Some(field) = Field::with(1) else { return };
    let mut killed = field.worker("killed", "sleep=60000");
    field.wait_for("killed", "start 0");
    killed.signal("KILL");
    killed.ended();
    let _other = field.worker("other", "");
    let waited = field.wait_until("the page to be done", |field| field.status().done == 1);
    assert!(waited < LEASE + MARGIN, "{waited:?}");
    assert_eq!(field.count("other", "start 0"), 1);
}

#[test]
fn a_restarted_worker_waits_for_the_lease_that_it_had() {
    let Some(field) = Field::with(1) else { return };
    let mut before = field.worker("same", "sleep=60000 lease=2500");
    field.wait_for("same", "start 0");
    before.signal("KILL");
    before.ended();
    let _after = field.worker("same", "sleep=1 lease=2500");
    thread::sleep(Duration::from_millis(500));
    assert_eq!(field.count("same", "start 0"), 1, "the lease has not run out");
    field.wait_for("same", "done 0");
    assert_eq!(field.count("same", "start 0"), 2);
}

#[test]
fn a_child_ends_with_its_worker() {
    let Some(field) = Field::with(1) else { return };
    let mut worker = field.worker("killed", "sleep=60000");
    field.wait_for("killed", "start 0");
    let children = Command::new("pgrep").args(["-P", &worker.0.id().to_string()]).output().unwrap();
    let child = String::from_utf8(children.stdout).unwrap().trim().to_owned();
    assert!(!child.is_empty(), "the prover is another process");
    worker.signal("KILL");
    worker.ended();
    // Zombies of a machine whose first process does not look after them have an empty command line.
    let command = format!("/proc/{child}/cmdline");
    field.wait_until("the child to end", |_| {
        fs::read(&command).is_ok_and(|it| it.is_empty()) || !fs::exists(&command).unwrap()
    });
}

#[test]
fn rejects_late_results_of_a_worker_that_was_stopped() {
    let Some(field) = Field::with(1) else { return };
    let stopped = field.worker("stopped", "sleep=600");
    field.wait_for("stopped", "start 0");
    stopped.signal("STOP");
    field.wait_for("stopped", "end 0");
    let _other = field.worker("other", "sleep=3000");
    field.wait_until("the page to be taken over", |field| field.count("other", "done 0") == 1);
    stopped.signal("CONT");
    field.wait_until("the first to notice", |field| {
        field.count("stopped", "late 0") + field.count("stopped", "lost 0") == 1
    });
    let status = field.status();
    assert_eq!((status.done, status.left(), status.failed), (1, 0, 0));
}

#[test]
fn a_page_that_takes_longer_than_its_lease_is_proven_once() {
    let Some(field) = Field::with(1) else { return };
    let (_one, _other) = (field.worker("log", "sleep=3500"), field.worker("log", "sleep=3500"));
    field.wait_for("log", "done 0");
    assert_eq!(field.count("log", "start 0"), 1);
}

#[test]
fn a_page_that_kills_its_workers_fails_after_three_attempts() {
    let Some(field) = Field::with(3) else { return };
    let mut worker = field.worker("log", "poison=1");
    let mut deaths = 0;
    while field.status().left() > 0 {
        // As a supervisor would.
        if worker.0.try_wait().unwrap().is_some() {
            deaths += 1;
            worker = field.worker("log", "poison=1");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let status = field.status();
    assert_eq!((status.done, status.failed, deaths), (2, 1, 3));
    assert_eq!((status.failures[0].page, status.failures[0].attempts), (1, 3));
    assert!(status.failures[0].error.starts_with("lost"), "{:?}", status.failures);
    assert_eq!(field.count("log", "start 1"), 3);

    // Whoever has found the reason may have it tried again.
    drop(worker);
    assert_eq!(field.runtime.block_on(field.queue.retry()).unwrap(), 1);
    let mut cured = field.worker("cured", "drain=1");
    assert!(cured.ended());
    assert_eq!((field.status().done, field.status().failed), (3, 0));
}

#[test]
fn nothing_is_lost_while_the_database_is_away() {
    database_away(Duration::from_secs(4));
}

#[test]
#[ignore = "takes a minute"]
fn full_nothing_is_lost_while_the_database_is_away_for_a_minute() {
    database_away(Duration::from_secs(60));
}

fn database_away(time: Duration) {
    let Some(mut field) = Field::with(40) else { return };
    let mut workers = [field.worker("one", "drain=1 sleep=300"), field.worker("other", "drain=1 sleep=300")];
    field.wait_until("a beginning", |field| field.status().done > 2);
    field.server.stop();
    thread::sleep(time);
    assert!(workers.iter_mut().all(|worker| worker.0.try_wait().unwrap().is_none()), "nobody dies");
    field.server.start_again().unwrap();
    assert!(workers.iter_mut().all(super::field::Running::ended));
    let status = field.status();
    assert_eq!((status.done, status.failed), (40, 0));
    assert_eq!(field.count("one", "away"), 1, "it is told, once");
    for page in 0..40 {
        let line = format!("start {page}");
        assert_eq!(field.count("one", &line) + field.count("other", &line), 1, "{line}");
    }
}

#[test]
fn nothing_is_lost_while_the_database_does_not_answer() {
    let Some(field) = Field::with(20) else { return };
    let terms = "lease=15000 answer=500 drain=1 sleep=200";
    let mut worker = field.worker("log", terms);
    field.wait_until("a beginning", |field| field.status().done > 2);
    field.signal_server("STOP");
    field.wait_for("log", "away");
    thread::sleep(Duration::from_secs(2));
    assert!(worker.0.try_wait().unwrap().is_none(), "it waits");
    field.signal_server("CONT");
    assert!(worker.ended());
    assert_eq!((field.status().done, field.status().failed), (20, 0));
}

#[test]
fn a_page_that_never_ends_fails_after_three_attempts() {
    let Some(field) = Field::with(1) else { return };
    let mut worker = field.worker("log", "drain=1 sleep=600000 attempt=300");
    assert!(worker.ended());
    assert_eq!(field.count("log", "failed 0 resources page-time-out"), 3);
    let status = field.status();
    assert_eq!((status.failed, status.failures[0].error.as_str()), (1, "failed"));
}

#[test]
fn a_worker_that_is_told_to_end_finishes_its_page() {
    let Some(field) = Field::with(2) else { return };
    let mut worker = field.worker("log", "sleep=1000");
    field.wait_for("log", "start 0");
    worker.signal("TERM");
    assert!(worker.ended());
    assert_eq!(field.log("log"), ["start 0", "end 0", "done 0", "ended 1"]);
    assert_eq!((field.status().done, field.status().ready), (1, 1));
}

#[test]
fn a_worker_without_time_to_finish_gives_its_page_back() {
    let Some(field) = Field::with(1) else { return };
    for times in 1..=4 {
        let mut worker = field.worker("log", "sleep=60000 grace=0");
        field.wait_until("a beginning", |field| field.count("log", "start 0") == times);
        worker.signal("TERM");
        assert!(worker.ended());
        assert_eq!(field.count("log", "released 0"), times);
        assert_eq!((field.status().ready, field.status().failed), (1, 0), "being given back is no failure");
    }
}

#[test]
fn a_full_disk_leaves_pages_to_others() {
    let Some(field) = Field::with(6) else { return };
    let full = "trap '' XFSZ; ulimit -f 0;";
    let _sick = field.worker_at(field.path("book"), "/dev/null", "", full);
    field.wait_until("trouble", |field| field.status().ready == 6 && field.runtime.block_on(attempted(field)) > 0);
    let mut well = field.worker("well", "drain=1");
    assert!(well.ended());
    assert_eq!((field.status().done, field.status().failed), (6, 0));
}

async fn attempted(field: &Field) -> i64 {
    let pool = sqlx::PgPool::connect(&field.server.url()).await.unwrap();
    let error = "select count(*) from surety_job where error = 'failed'";
    sqlx::query_scalar(error).fetch_one(&pool).await.unwrap()
}

/// Attack: whoever reads the queue learns from a page's error that one of its accounts does not satisfy its margin.
#[test]
fn rejects_reasons_of_failures_in_the_queue() {
    let Some(field) = Field::with(6) else { return };
    let reasons = ["internal", "input", "invalid", "insufficient", "mismatch", "resources"];
    let options = (0..).zip(reasons).map(|(page, reason)| format!("fail{page}={reason}")).collect::<Vec<_>>();
    let _worker = field.worker("log", &options.join(" "));
    field.wait_until("all to fail", |field| field.status().failed == 6);
    let rows = field.runtime.block_on(async {
        let pool = sqlx::PgPool::connect(&field.server.url()).await.unwrap();
        // Everything but the page, its kind, which is public, and the time.
        let rows = "select (to_jsonb(job) - 'page' - 'kind' - 'ready_at')::text from surety_job job";
        sqlx::query_scalar::<_, String>(rows).fetch_all(&pool).await.unwrap()
    });
    assert_eq!(rows.len(), 6);
    assert!(rows.iter().all(|row| *row == rows[0] && row.contains("\"error\": \"failed\"")), "{rows:?}");
    for (page, reason) in reasons.iter().enumerate() {
        assert_eq!(field.count("log", &format!("failed {page} {reason} stub")), 3, "the worker's machine knows");
    }
}

#[test]
fn rejects_results_that_do_not_verify() {
    let Some(field) = Field::with(2) else { return };
    let mut worker = field.worker("log", "drain=1 lie=1");
    assert!(worker.ended());
    assert_eq!(field.count("log", "failed 1 invalid stub"), 1);
    assert_eq!((field.status().done, field.count("log", "start 1")), (2, 2));
    assert_eq!(fs::read(field.directory().page_path(1)).unwrap(), b"stub 1");
}
