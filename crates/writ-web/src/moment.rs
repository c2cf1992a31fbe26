//! Points in time and what is left of them, as people read them. The present comes in as a value.

use time::OffsetDateTime;
use writ_core::event::Milliseconds;

/// A point in time, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// `10:02:11`
    pub(crate) clock: String,
    /// `2026-11-09 10:02:11 UTC`
    pub(crate) full: String,
    /// `2026-11-09T10:02:11.250Z`
    pub(crate) machine: String,
}

impl Moment {
    /// The moment of a time stamp. A time that no calendar holds is shown as its number.
    #[must_use]
    pub(crate) fn of(at: Milliseconds) -> Self {
        let Ok(when) = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000) else {
            let number = at.to_string();
            return Self { clock: number.clone(), full: number.clone(), machine: number };
        };
        let day = format!("{:04}-{:02}-{:02}", when.year(), u8::from(when.month()), when.day());
        let clock = format!("{:02}:{:02}:{:02}", when.hour(), when.minute(), when.second());
        Self { full: format!("{day} {clock} UTC"), machine: format!("{day}T{clock}.{:03}Z", when.millisecond()), clock }
    }
}

/// How long it is until then, in the two largest units; nothing once it is past.
#[must_use]
pub(crate) fn left(until: Milliseconds, now: Milliseconds) -> Option<String> {
    let seconds = until.saturating_sub(now) / 1_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds) {
        (.., i64::MIN..=0) => None,
        (1.., ..) => Some(format!("{days}d {hours}h")),
        (_, 1.., ..) => Some(format!("{hours}h {minutes}m")),
        (_, _, 1.., _) => Some(format!("{minutes}m")),
        _ => Some(format!("{seconds}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, left};

    #[test]
    fn times_are_in_utc() {
        let moment = Moment::of(1_794_218_531_250);
        assert_eq!(moment.clock, "10:02:11");
        assert_eq!(moment.full, "2026-11-09 10:02:11 UTC");
        assert_eq!(moment.machine, "2026-11-09T10:02:11.250Z");
        assert_eq!(Moment::of(i64::MAX).clock, i64::MAX.to_string());
    }

    #[test]
    fn what_is_left_is_short() {
        let cases = [
            (13_260_000, Some("3h 41m")),
            (3_120_000, Some("52m")),
            (40_000, Some("40s")),
            (183_600_000, Some("2d 3h")),
            (0, None),
            (-5_000, None),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(left(milliseconds, 0).as_deref(), text);
        }
        assert_eq!(left(i64::MIN, i64::MAX), None);
    }
}
