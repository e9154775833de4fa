//! Walking forward: would margins that were known the day before have covered the losses of each day?
//!
//! Every column of a history and two portfolios of them are held long and short. On each day every
//! [method](walk::Method) states a value at risk and an expected shortfall, which is the margin, from the days before;
//! the loss is that of the day's move. Nothing of a day is known to its own margin. All over a horizon of one day.
//!
//! | module | idea |
//! |---|---|
//! | [`walk`] | margins and losses of each day |
//! | [`measures`] | tests and scores of one series under one method |
//! | [`summary`] | the measures of each series, and of all together |
//!
//! Losses, margins and measures are floats, because nothing but a report depends on them; they are the same on every
//! machine all the same.

pub mod measures;
pub mod summary;
pub mod walk;
