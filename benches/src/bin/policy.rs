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
        for threads in THREADS {
            report.row(&measured(&writ, &cedar, policies, threads))?;
        }
        if Some(&policies) == POLICIES.last() {
            report.row(&json!({ "policies": policies, "slice_ready_us": rounded(slice_ready_us(&asked)) }))?;
        }
    }
    Ok(())
}

fn measured(writ: &WritWay<'_>, cedar: &CedarWay<'_>, policies: usize, threads: usize) -> serde_json::Value {
    let writ = Race { way: |number: usize| writ.allows(number), threads, span: WRIT_SPAN };
    let cedar = Race { way: |number: usize| cedar.allows(number), threads, span: CEDAR_SPAN };
    let _ = Race { way: &writ.way, threads, span: WARM_UP }.rate();
    let _ = Race { way: &cedar.way, threads, span: WARM_UP }.times(1);
    let nothing = Race { way: |_: usize| false, threads, span: WRIT_SPAN };
    let (mut singles, mut empty, mut cedar_singles) = (Vec::new(), Vec::new(), Vec::new());
    let (mut writ_rates, mut cedar_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        writ_rates.push(writ.rate());
        empty.extend(nothing.times(1).nanoseconds);
        singles.extend(writ.times(1).nanoseconds);
        let cedar = cedar.times(1);
        cedar_rates.push(cedar.per_second);
        cedar_singles.extend(cedar.nanoseconds);
    }
    json!({
        "policies": policies,
        "threads": threads,
        "writ_p50_ns": rounded(median(&mut singles) - median(&mut empty)),
        "writ_p99_ns": rounded(percentile(&mut singles, 0.99)),
        "writ_per_second": whole(median(&mut writ_rates)),
        "cedar_p50_ns": rounded(median(&mut cedar_singles)),
        "cedar_per_second": whole(median(&mut cedar_rates)),
    })
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
