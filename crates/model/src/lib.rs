//! What each statement of a script does to a live database.
//!
//! The model executes DDL on a [`schema::Schema`] the way PostgreSQL does on its catalogs and records the locks and the
//! work, per major version. It is pure: no I/O, no clock, no environment, and no failure: a statement that PostgreSQL would
//! refuse is a [`effect::Failure`] value. What it cannot know it calls unknown and takes for the dangerous side.

pub mod catalog;
pub mod coercion;
#[cfg(test)]
mod drawn;
pub mod effect;
mod exec;
pub mod expr;
pub mod list;
pub mod map;
pub mod name;
pub mod names;
pub mod plan;
pub mod proof;
pub mod runner;
pub mod schema;
pub mod symbols;
pub mod trace;
pub mod volatility;
