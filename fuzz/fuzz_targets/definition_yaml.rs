//! `cargo fuzz run definition_yaml --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz::definition_yaml(data));
