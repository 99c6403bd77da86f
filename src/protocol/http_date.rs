//! Dates of HTTP, in their three forms (RFC 9110, 5.6.7).

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since the Unix epoch; `None` where this is no date, or one before 1970. The name of the day is not
/// looked at.
pub(super) fn parse(text: &str) -> Option<u64> {
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).skip(1);
    let (first, second, third, fourth, zone) =
        (words.next()?, words.next()?, words.next()?, words.next()?, words.next());
    let (day, month, year, time) = match zone {
        Some("GMT") => (first, second, third, fourth),
        None => (second, first, fourth, third),
        Some(_) => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let year = match (year.len(), number(year, 9999)?) {
        (2, short @ 0..70) => short + 2000,
        (2, short) => short + 1900,
        (_, year) => year.max(1),
    };
    let day = number(day, 31)?.checked_sub(1)?;
    let mut time = time.split(':');
    let (hour, minute, second) = (number(time.next()?, 23)?, number(time.next()?, 59)?, number(time.next()?, 60)?);
    let days = days_before(year, month)?.checked_add(day)?;
    let is_over = words.next().is_some() || time.next().is_some();
    (!is_over).then_some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

/// From the first of January 1970 to the first of a month, which counts from 0.
fn days_before(year: u64, month: u64) -> Option<u64> {
    // Years that begin with March have their leap day at the end.
    let shifted = (month + 10) % 12;
    let year = if month < 2 { year - 1 } else { year };
    let leap_days = year / 4 - year / 100 + year / 400;
    (year * 365 + leap_days + (shifted * 153 + 2) / 5).checked_sub(719_468)
}

fn number(digits: &str, most: u64) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_three_forms_of_the_standard_are_one_date() {
        let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
        assert_eq!(forms.map(parse), [Some(784_111_777_000); 3]);
    }

    #[test]
    fn every_date_is_read_as_httpdate_writes_it() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..20_000 {
            // To the year 9999.
            let seconds = rng.u64(..253_402_300_800);
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(parse(&text), Some(seconds * 1000), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "soon", "Thu, 99 Foo 1970", "Thu, 01 Jan 1970 00:00:00 CET", "Thu, 01 Jan 1969 00:00:00 GMT"]
            .into_iter()
            .chain(["Thu, 00 Jan 1970 00:00:00 GMT", "Thu, 01 Jan 1970 24:00:00 GMT", "Thu, 01 Jan 1970 00:00 GMT"])
            .chain([
                "Thu, 01 Jan 1970 00:00:00:00 GMT",
                "Thu, 01 Jan 1970 00:00:00 GMT x",
                "Thu, +1 Jan 1970 00:00:00 GMT",
            ])
            .chain(["Thu, 01 Jan 00 00:00:00", "Thu, 01 Jan 99999 00:00:00 GMT", "Thu, 01 Jan 0000 00:00:00 GMT"])
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
