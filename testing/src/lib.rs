//! Inputs of tests: policies of any size, random models and accounts, and documents with one place changed.
//!
//! Nothing that is shipped depends on this crate: tests name it in `dev-dependencies`, and so do the measurements.
//!
//! | module | idea |
//! |---|---|
//! | [`node`] | a node of a chain that gives the answers of a test |
//! | [`s3`] | an S3 on this machine |
//! | [`sample`] | a universe, a policy and prices of any size |
//! | [`schemas`] | schemas of documents, compared with the published ones |
//! | [`strategies`] | random models and accounts |
//! | [`tamper`] | every way to change one place of a document |
//!
//! ```
//! use serde_json::json;
//! use surety_testing::tamper::unnoticed;
//!
//! // A test that looks at the amount alone does not notice another name.
//! let document = json!({ "name": "BTC", "amount": 5 });
//! let found = unnoticed(&document, &[], |tampered| tampered.document["amount"] != 5);
//! assert!(found.contains(&"name: Lengthened".to_owned()));
//! ```

pub mod node;
pub mod s3;
pub mod sample;
pub mod schemas;
pub mod strategies;
pub mod tamper;
