//! Delays: `Retry-After`, doubling, cap, jitter. Jitter is added: it never undercuts what the server said.

use crate::protocol::config::Recovery;
use std::time::UNIX_EPOCH;

/// The pause before an attempt. `attempt` is 1 for the first pause; `floor` is what the server asked for.
pub(in crate::protocol) fn delay(attempt: u32, recovery: &Recovery, floor: u64, rng: &mut fastrand::Rng) -> u64 {
    let doubled = recovery.base_delay_ms.saturating_mul(1 << attempt.saturating_sub(1).min(20));
    let step = doubled.min(recovery.max_delay_ms);
    let floor = if planted!("retry_after_undercut") { floor / 2 } else { floor };
    step.max(floor).saturating_add(rng.u64(0..=step))
}

/// The longest that a server may have its client wait.
const LONGEST_MS: u64 = 5 * 60_000;

/// `Retry-After` in milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3), five minutes at most. Anything else
/// is as if absent.
pub(in crate::protocol) fn retry_after(value: &str, unix_ms: u64) -> Option<u64> {
    let longest = if planted!("retry_after_without_ceiling") { u64::MAX } else { LONGEST_MS };
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(value.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000).min(longest));
    }
    // RFC 9110, 5.6.7, in its three forms.
    let at = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((at.as_secs() * 1000).saturating_sub(unix_ms).min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after("120", 0), Some(120_000));
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 10_000), Some(50_000));
        assert_eq!(retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 90_000), Some(0));
        for absurd in ["301", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(retry_after(absurd, 0), Some(300_000), "{absurd}");
        }
        for garbage in ["", "-1", "9e99", "1.5", "soon", "Thu, 99 Foo 1970"] {
            assert_eq!(retry_after(garbage, 0), None, "{garbage}");
        }
    }

    #[test]
    fn the_three_forms_of_a_date_are_one_date() {
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(retry_after(date, 784_111_777_000 - 7), Some(7), "{date}");
        }
        let year_2020 = "Friday, 31-Jan-20 00:00:00 GMT";
        assert_eq!(retry_after(year_2020, 1_580_428_800_000 - 7), Some(7));
    }

    #[test]
    fn what_is_no_date_is_as_if_absent() {
        for text in [
            "Thu, 99 Foo 1970",
            "Thu, 01 Jan 1970 00:00:00 CET",
            "Thu, 01 Jan 1969 00:00:00 GMT",
            "Thu, 00 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 1970 24:00:00 GMT",
            "Thu, 01 Jan 1970 00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:00 GMT x",
            "Thu, +1 Jan 1970 00:00:00 GMT",
            "Thu, 01 Jan 00 00:00:00",
            "Thu, 01 Jan 99999 00:00:00 GMT",
            "Thu, 01 Jan 0000 00:00:00 GMT",
        ] {
            assert_eq!(retry_after(text, 0), None, "{text}");
        }
    }

    #[test]
    fn delays_double_up_to_the_cap_and_never_undercut_the_server() {
        let recovery = Recovery { base_delay_ms: 100, max_delay_ms: 1000, ..Recovery::default() };
        let mut rng = fastrand::Rng::with_seed(1);
        let mut range = |attempt, floor| {
            let delays: Vec<u64> = (0..1000).map(|_| delay(attempt, &recovery, floor, &mut rng)).collect();
            (delays.iter().min().copied(), delays.iter().max().copied())
        };
        let within = |(min, max): (Option<u64>, Option<u64>), from: u64, to: u64| {
            min.is_some_and(|min| min >= from && min < from + (to - from) / 10)
                && max.is_some_and(|max| max <= to && max > to - (to - from) / 10)
        };
        assert!(within(range(1, 0), 100, 200));
        assert!(within(range(2, 0), 200, 400));
        assert!(within(range(9, 0), 1000, 2000));
        assert!(within(range(99, 0), 1000, 2000));
        assert!(within(range(1, 5000), 5000, 5100));
    }
}
