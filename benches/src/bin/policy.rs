//! Deciding a call, beside Cedar's own authorizer: the same policies, the same requests, in turns.
//!
//! For 10 to 10,000 entitlements, with a mission of five policies and four guardrails, on one thread and on two that
//! share what they ask. The last line is how long it takes to bind a run's slice of one table at the largest size.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use writ_bench::company::{Company, REFUND};
use writ_bench::figures::{Report, finish, median, percentile, rounded, whole};
use writ_bench::policy::{Asked, CedarWay, POOL_CALLS, Pool, Race, WritWay, compare};
use writ_core::policy::RowSlice;

const POLICIES: [usize; 4] = [10, 100, 1_000, 10_000];
const THREADS: [usize; 2] = [1, 2];
const ROUNDS: usize = 9;
const WARM_UP: Duration = Duration::from_millis(60);
const WRIT_SPAN: Duration = Duration::from_millis(50);
/// Rates are taken for longer: a thread that has just started finds nothing of its own in its processor's cache.
const RATE_SPAN: Duration = Duration::from_millis(250);
const CEDAR_SPAN: Duration = Duration::from_millis(150);
/// Cedar's walk of ten thousand policies is slow: fewer answers are compared there.
const COMPARED_WORK_MAX: usize = 2_000_000;
const BINDS: usize = 300;

/// Measures how long a decision takes.
#[derive(Parser)]
struct Cli {
    /// Write one JSON object a line
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    finish(run(Report::new(Cli::parse().json)))
}

fn run(report: Report) -> Result<(), String> {
    report.note(&format!(
        "every call is timed alone; writ_p50_ns is less the middle time of two readings of the clock with nothing \
         between, writ_p99_ns and cedar_p50_ns are with them; {ROUNDS} rounds, in turns"
    ));
    for policies in POLICIES {
        // Requests first: a server's are made in memory that it has just used, not in the gaps that compiling leaves.
        let pool = Pool::new(policies);
        let company = Company::with_policies(policies)?;
        let asked = pool.asked(&company);
        let writ = WritWay::new(&asked);
        let cedar = CedarWay::new(&company, &asked)?;
        let compared = (COMPARED_WORK_MAX / policies).min(POOL_CALLS);
        let allowed = compare(&writ, &cedar, compared)?;
        report.note(&format!("{policies} policies: {compared} answers compared with Cedar's, {allowed} allowed"));
        for row in measured(&writ, &cedar, policies) {
            report.row(&row)?;
        }
        if Some(&policies) == POLICIES.last() {
            report.row(&json!({ "policies": policies, "slice_ready_us": rounded(slice_ready_us(&asked)) }))?;
        }
    }
    Ok(())
}

/// What was measured with one number of threads.
#[derive(Default)]
struct Measured {
    singles: Vec<f64>,
    empty: Vec<f64>,
    rates: Vec<f64>,
    cedar_singles: Vec<f64>,
    cedar_rates: Vec<f64>,
}

/// One thread and two, in turns as well: on a shared machine only neighbours in time compare.
fn measured(writ: &WritWay<'_>, cedar: &CedarWay<'_>, policies: usize) -> Vec<serde_json::Value> {
    let writ = |number: usize| writ.allows(number);
    let cedar = |number: usize| cedar.allows(number);
    let nothing = |_: usize| false;
    let _ = Race { way: &writ, threads: 2, span: WARM_UP }.rate();
    let _ = Race { way: &cedar, threads: 2, span: WARM_UP }.times(1);
    let mut all = THREADS.map(|threads| (threads, Measured::default()));
    for _ in 0..ROUNDS {
        for (threads, measured) in &mut all {
            measured.rates.push(Race { way: &writ, threads: *threads, span: RATE_SPAN }.rate());
        }
        for (threads, measured) in &mut all {
            let threads = *threads;
            measured.singles.extend(Race { way: &writ, threads, span: WRIT_SPAN }.times(1).nanoseconds);
            measured.empty.extend(Race { way: &nothing, threads, span: WRIT_SPAN }.times(1).nanoseconds);
            let cedar = Race { way: &cedar, threads, span: CEDAR_SPAN }.times(1);
            measured.cedar_rates.push(cedar.per_second);
            measured.cedar_singles.extend(cedar.nanoseconds);
        }
    }
    let row = |(threads, mut measured): (usize, Measured)| {
        json!({
            "policies": policies,
            "threads": threads,
            "writ_p50_ns": rounded(median(&mut measured.singles) - median(&mut measured.empty)),
            "writ_p99_ns": rounded(percentile(&mut measured.singles, 0.99)),
            "writ_per_second": whole(median(&mut measured.rates)),
            "cedar_p50_ns": rounded(median(&mut measured.cedar_singles)),
            "cedar_per_second": whole(median(&mut measured.cedar_rates)),
        })
    };
    all.into_iter().map(row).collect()
}

/// How long it takes to bind the sets of a table to one run, in microseconds.
fn slice_ready_us(asked: &[Asked<'_>]) -> f64 {
    let reads = asked.iter().filter(|asked| asked.action != REFUND).cycle().take(BINDS);
    let mut times: Vec<f64> = reads
        .map(|asked| {
            let started = Instant::now();
            let bound =
                RowSlice::new(asked.slice, true, asked.worker.principal, asked.person.principal, asked.worker.context);
            let elapsed = started.elapsed();
            drop(std::hint::black_box(bound));
            elapsed.as_secs_f64() * 1e6
        })
        .collect();
    median(&mut times)
}
