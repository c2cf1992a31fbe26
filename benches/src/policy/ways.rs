//! Two ways to decide a request: Writ's compiled slice, and Cedar's own authorizer on the same three sets.
//!
//! Both stop at the first set that refuses, and both count an error as a refusal. Requests and entities are made
//! before the clock runs; what is measured is the decision.

use cedar_policy::{Authorizer, Decision, Entities, PolicySet, Request};
use writ_core::policy::cedar_request;

use super::pool::{Asked, POOL_CALLS};
use crate::company::Company;

const LAST: usize = POOL_CALLS - 1;

/// Writ's way.
#[derive(Debug)]
pub struct WritWay<'a> {
    asked: &'a [Asked<'a>],
}

impl<'a> WritWay<'a> {
    /// The requests are counted round: one of them is asked for each number.
    #[must_use]
    pub fn new(asked: &'a [Asked<'a>]) -> Self {
        Self { asked }
    }

    /// Decides a request by its run's bound slice: all three sets, each value read from where it is.
    #[must_use]
    pub fn allows(&self, number: usize) -> bool {
        let asked = self.asked.get(number & LAST);
        asked.is_some_and(|asked| asked.bound.allows(&asked.worker, &asked.person))
    }
}

/// Cedar's way.
pub struct CedarWay<'a> {
    authorizer: Authorizer,
    sets: [&'a PolicySet; 3],
    requests: Vec<[(Request, Entities); 2]>,
}

impl<'a> CedarWay<'a> {
    /// Makes Cedar's own form of every request.
    ///
    /// # Errors
    /// Where a value has no form in Cedar.
    pub fn new(company: &'a Company, asked: &[Asked<'_>]) -> Result<Self, String> {
        let [mission, entitlements, guardrails] = company.sets();
        let requests = asked.iter().map(|asked| -> Result<[(Request, Entities); 2], String> {
            let worker = cedar_request(mission, asked.action, &asked.worker)?;
            let person = cedar_request(entitlements, asked.action, &asked.person)?;
            Ok([worker, person])
        });
        Ok(Self {
            authorizer: Authorizer::new(),
            requests: requests.collect::<Result<_, _>>()?,
            sets: [mission.policies(), entitlements.policies(), guardrails.policies()],
        })
    }

    /// Decides a request.
    #[must_use]
    pub fn allows(&self, number: usize) -> bool {
        let [mission, entitlements, guardrails] = self.sets;
        self.requests.get(number & LAST).is_some_and(|[worker, person]| {
            self.permits(mission, worker) && self.permits(entitlements, person) && self.permits(guardrails, worker)
        })
    }

    fn permits(&self, set: &PolicySet, (request, entities): &(Request, Entities)) -> bool {
        let response = self.authorizer.is_authorized(request, set, entities);
        response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
    }
}

/// Whether both ways give the same answers to the first requests, and how many of these are allowed.
///
/// # Errors
/// The first request on which they differ, or requests that are all answered alike.
pub fn compare(writ: &WritWay<'_>, cedar: &CedarWay<'_>, requests: usize) -> Result<usize, String> {
    let mut allowed = 0;
    for number in 0..requests {
        let answer = writ.allows(number);
        if answer != cedar.allows(number) {
            return Err(format!("request {number}: Writ says {answer}, Cedar does not"));
        }
        allowed += usize::from(answer);
    }
    if allowed == 0 || allowed == requests {
        return Err(format!("{allowed} of {requests} requests are allowed: there is nothing to decide"));
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Pool;

    #[test]
    fn both_ways_agree() {
        for policies in [10, 100] {
            let company = Company::with_policies(policies).unwrap();
            let pool = Pool::new(policies);
            let asked = pool.asked(&company);
            let cedar = CedarWay::new(&company, &asked).unwrap();
            let allowed = compare(&WritWay::new(&asked), &cedar, POOL_CALLS).unwrap();
            assert!((POOL_CALLS / 10..POOL_CALLS * 9 / 10).contains(&allowed), "{allowed} allowed of {POOL_CALLS}");
        }
    }
}
