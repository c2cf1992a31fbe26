//! `cargo fuzz run worker_message --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz::worker_message(data));
