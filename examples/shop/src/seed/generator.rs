//! A small deterministic generator, and the calendar of one autumn.
//!
//! SplitMix64 from a constant: good enough to look varied, and the same everywhere. Never used for anything that has to
//! be unpredictable.

use std::collections::BTreeSet;

const START: u64 = 0x5709_2026_1109_0001;
const SECONDS_PER_HOUR: i64 = 3_600;
const DAYS_OF_OCTOBER: i64 = 31;
const DAYS_OF_NOVEMBER: i64 = 30;

/// Draws numbers, and remembers those that must not come twice.
pub(super) struct Generator {
    state: u64,
    given: BTreeSet<u64>,
}

impl Generator {
    /// Starts from the constant; the reserved numbers are never given out.
    pub(super) fn new(reserved: &[u64]) -> Self {
        Self { state: START, given: reserved.iter().copied().collect() }
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero up to, and without, the bound.
    pub(super) fn below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.draw() % bound.max(1)).unwrap_or_default()
    }

    /// A number of so many digits which no earlier call returned. There are far more of them than are ever asked for.
    pub(super) fn number(&mut self, digits: u32) -> String {
        let least = 10_u64.pow(digits.saturating_sub(1));
        loop {
            let number = least + self.draw() % (9 * least);
            if self.given.insert(number) {
                return number.to_string();
            }
        }
    }

    pub(super) fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let length = u64::try_from(from.len()).ok()?;
        from.get(usize::try_from(self.below(length)).ok()?)
    }

    /// One of the values; the type's default where there are none.
    pub(super) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        self.choose(from).copied().unwrap_or_default()
    }

    /// A card number that no bank issues, with a check digit that is right.
    pub(super) fn card_number(&mut self) -> String {
        let start = format!("400000{}", self.number(9));
        let sum: u32 = start
            .chars()
            .rev()
            .filter_map(|digit| digit.to_digit(10))
            .zip([2_u32, 1].into_iter().cycle())
            .map(|(digit, weight)| digit * weight)
            // The digits of a doubled digit are added up, which is the same as taking nine away.
            .map(|part| if part > 9 { part - 9 } else { part })
            .sum();
        format!("{start}{}", (10 - sum % 10) % 10)
    }
}

/// A moment so many days after 1 October 2026 and so many seconds into that day, up to the end of December.
pub(super) fn moment(day: i64, second: i64) -> String {
    let (month, date) = if day < DAYS_OF_OCTOBER {
        (10, day + 1)
    } else if day < DAYS_OF_OCTOBER + DAYS_OF_NOVEMBER {
        (11, day - DAYS_OF_OCTOBER + 1)
    } else {
        (12, day - DAYS_OF_OCTOBER - DAYS_OF_NOVEMBER + 1)
    };
    let (hour, rest) = (second / SECONDS_PER_HOUR, second % SECONDS_PER_HOUR);
    format!("2026-{month:02}-{date:02}T{hour:02}:{:02}:{:02}Z", rest / 60, rest % 60)
}
