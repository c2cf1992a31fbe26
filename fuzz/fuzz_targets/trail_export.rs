//! `cargo fuzz run trail_export --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz::trail_export(data));
