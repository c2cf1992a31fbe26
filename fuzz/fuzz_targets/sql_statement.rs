//! `cargo fuzz run sql_statement --features libfuzzer`

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| writ_fuzz::sql_statement(data));
