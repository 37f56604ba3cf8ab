//! The parts of the benchmark. Each measures and prints one table.

mod accounts;
mod bytes;
mod calls;
mod large;
mod one_account;
mod round_trips;
mod small;
