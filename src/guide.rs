//! A guide to the crate, with programs that run. Read [Concepts](concepts) first, then the page
//! that you need.
//!
//! | page | read it if you |
//! |---|---|
//! | [Concepts](concepts) | are new to the crate, or meet a word that you don't know |
//! | [Write a server](server) | build an API that answers with tasks |
//! | [Test a client](mock) | test a client of such an API |
//! | [Test your own code](property_test) | want to check a store, a server, a client or captured traffic |
//! | [Implement a store](implementing_a_store) | keep tasks in a database of your own |
//! | [Time](time) | need to know when a task is visible, expires or is taken over |
//! | [What can be lost](loss) | choose a store, or plan for crashes and failovers |
//! | [Recipes](recipes) | miss something: cancelling, retries, schedules, webhooks, metrics |
//!
//! Each program on these pages is compiled and run as a test of the crate.
#![cfg_attr(
    not(all(
        feature = "std",
        feature = "audit",
        feature = "http",
        feature = "poll",
        feature = "testing"
    )),
    allow(rustdoc::broken_intra_doc_links, reason = "the pages link to items behind features")
)]

pub mod concepts {
    #![doc = include_str!("guide/concepts.md")]
}

pub mod server {
    #![doc = include_str!("guide/server.md")]
}

pub mod mock {
    #![doc = include_str!("guide/mock.md")]
}

pub mod property_test {
    #![doc = include_str!("guide/property_test.md")]
}

pub mod implementing_a_store {
    #![doc = include_str!("guide/implementing_a_store.md")]
}

pub mod time {
    #![doc = include_str!("guide/time.md")]
}

pub mod loss {
    #![doc = include_str!("guide/loss.md")]
}

pub mod recipes;
