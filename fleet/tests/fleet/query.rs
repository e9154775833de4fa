//! Accounts out of a real database.

use std::io::Read as _;

use surety_fleet::{
    database::DatabaseUrl,
    query::{Answer, QueryError},
    server::{self, Server},
};
use surety_venue::list::AccountList;

/// Rows of the table of accounts: more than are taken in ahead.
const ROWS: usize = 5_000;

struct Database {
    server: Server,
    url: DatabaseUrl,
}

impl Database {
    /// With a table of accounts; none where PostgreSQL is not installed, which is said.
    fn with_accounts() -> Option<Self> {
        if server::installed().is_none() {
            println!("skipped: PostgreSQL is not installed");
            return None;
        }
        let server = Server::start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pool = runtime.block_on(sqlx::PgPool::connect(&server.url())).unwrap();
        let table = "create table account (name text, nonce bytea, usd numeric(20, 2), btc bigint, since date)";
        let rows = "insert into account select 'user ' || i || case when i = 7 then ', \"the seventh\"' else '' end,
            case when i = 7 then decode(repeat('07', 32), 'hex') end, i * 1.25, nullif(i % 3, 0), '2026-01-01'
            from generate_series(1, 5000) i";
        for statement in [table, rows] {
            runtime.block_on(sqlx::query(statement).execute(&pool)).unwrap();
        }
        runtime.block_on(pool.close());
        let url = server.url().parse().unwrap();
        Some(Self { server, url })
    }

    fn ask(&self, query: &str) -> Result<Answer, QueryError> {
        Answer::ask(&self.url, query)
    }
}

#[test]
fn accounts_come_out_of_a_database_row_by_row() {
    let Some(database) = Database::with_accounts() else { return };
    let query = "select name as user, nonce, usd as \"USD\", btc as \"BTC\" from account order by usd -- all of them";
    let mut list = AccountList::csv(database.ask(query).unwrap());
    let mut rows = Vec::new();
    let mut row = csv::StringRecord::new();
    while list.read(&mut row).unwrap() {
        rows.push(row.iter().map(str::to_owned).collect::<Vec<_>>());
    }
    assert_eq!(rows.len(), ROWS + 1);
    assert_eq!(rows[0], ["user", "nonce", "USD", "BTC"]);
    assert_eq!(rows[3], ["user 3", "", "3.75", ""]);
    assert_eq!(rows[7], ["user 7, \"the seventh\"", &format!("\\x{}", "07".repeat(32)), "8.75", "1"]);
}

#[test]
fn rejects_queries_that_do_more_or_other_than_reading_accounts() {
    let Some(database) = Database::with_accounts() else { return };
    for (query, expected) in [
        ("", "0 columns"),
        ("select name from nowhere", "nowhere"),
        ("select 1 as usd; select 2 as usd", "multiple commands"),
        ("select 1) to stdout; drop table account; copy (select 1", "syntax error"),
        ("drop table account", "0 columns"),
        ("select usd as \"USD\" from account", "1 columns"),
        ("with gone as (delete from account returning name, usd) select name, usd from gone", "read-only"),
        ("select name as user, usd::float8 as \"USD\" from account", "USD::numeric"),
        ("select name as user, usd::money as \"USD\" from account", "money"),
        ("select name as user, since from account", "since::text"),
        ("select nonce as user, usd from account", "bytea"),
        ("select name as user, 1 / 0 as \"USD\" from account", "SQLSTATE 22012"),
    ] {
        let error = database.ask(query).unwrap_err().to_string();
        assert!(error.starts_with("query") && error.contains(expected), "{query}: {error}");
    }
    let mut all = String::new();
    database.ask("select count(*), 1 as one from account").unwrap().read_to_string(&mut all).unwrap();
    assert_eq!(all, format!("count,one\n{ROWS},1\n"));
}

/// Attack, or an honest mistake: a user of the database who is shown some of the accounts alone.
#[test]
fn rejects_accounts_that_a_policy_keeps_from_the_user() {
    let Some(database) = Database::with_accounts() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pool = runtime.block_on(sqlx::PgPool::connect(&database.server.url())).unwrap();
    for statement in [
        "create role clerk login",
        "grant select on account to clerk",
        "alter table account enable row level security",
        "create policy few on account using (usd < 100)",
    ] {
        runtime.block_on(sqlx::query(statement).execute(&pool)).unwrap();
    }
    let url: DatabaseUrl = database.server.url().replace("user=surety", "user=clerk").parse().unwrap();
    let error = Answer::ask(&url, "select name as user, usd from account").unwrap_err().to_string();
    assert!(error.contains("row-level security"), "{error}");
    assert!(database.ask("select name as user, usd from account").is_ok());
}

/// A list that ends early is a book without some accounts.
#[test]
fn rejects_answers_that_break_off() {
    let Some(database) = Database::with_accounts() else { return };
    let rows = "from generate_series(1, 5000) i";
    for (column, expected) in [
        ("100 / (4000 - i)", "SQLSTATE 22012"),
        ("case when i = 4000 then 'secret' else '1' end::int", "SQLSTATE 22P02"),
        ("case when i = 4000 then pg_terminate_backend(pg_backend_pid())::int end", "found an end before"),
    ] {
        let mut read = Vec::new();
        let mut answer = database.ask(&format!("select i as user, {column} as \"USD\" {rows}")).unwrap();
        let error = answer.read_to_end(&mut read).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("secret"), "{column}: {error}");
    }
}

/// Functions of a query would see balances that move between its rows otherwise.
#[test]
fn a_query_and_its_functions_see_one_moment() {
    let Some(database) = Database::with_accounts() else { return };
    let mut all = String::new();
    let query =
        "select current_setting('transaction_isolation') as user, current_setting('transaction_read_only') as x";
    database.ask(query).unwrap().read_to_string(&mut all).unwrap();
    assert_eq!(all, "user,x\nrepeatable read,on\n");
}

#[test]
fn rejects_databases_that_do_not_answer() {
    let url: DatabaseUrl = "postgres://nobody@127.0.0.1:1/none".parse().unwrap();
    assert!(matches!(Answer::ask(&url, "select 1"), Err(QueryError::Unreachable { .. })));
}
