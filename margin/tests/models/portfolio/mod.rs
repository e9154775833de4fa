//! Portfolio margin: against the cases that Derive publishes, and rule by rule on books that are made up here.

mod account;
mod imported;
mod plain;
mod published;
mod rules;
