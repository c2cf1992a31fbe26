//! `cargo fuzz run upstream_message --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz::upstream_message(data));
