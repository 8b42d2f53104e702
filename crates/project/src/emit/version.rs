//! Versions behind a version.

/// The `count` versions that follow one, below `before`. Fourteen digits that are a time of day go on by `seconds`, or by one
/// second where there is no room; other digits count on and keep their zeros.
pub(crate) fn counted(version: &str, count: usize, before: Option<&str>, seconds: u64) -> Option<Vec<String>> {
    let before = before.and_then(|before| before.parse::<u128>().ok());
    let fits = |versions: &[String]| match (before, versions.last().and_then(|last| last.parse::<u128>().ok())) {
        (Some(before), Some(last)) => last < before,
        (_, last) => last.is_some(),
    };
    if let Some(time) = seconds_of(version) {
        let steps = if seconds > 1 { vec![seconds, 1] } else { vec![1] };
        let ways = steps.iter().map(|step| (1..=count as u64).map(|n| time_of(time + n * step)).collect::<Vec<_>>());
        return ways.into_iter().find(|versions| fits(versions));
    }
    let number: u128 = version.parse().ok()?;
    let width = version.len();
    let versions: Vec<String> = (1..=count as u128).map(|n| format!("{:0width$}", number + n)).collect();
    fits(&versions).then_some(versions)
}

/// Seconds since the year 0 of `YYYYMMDDHHMMSS`, if it is a time of the calendar.
fn seconds_of(version: &str) -> Option<u64> {
    if version.len() != 14 || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| version[range].parse::<u64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    let sound = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && year > 0;
    sound.then(|| {
        let days = (0..year).map(|year| if leap(year) { 366 } else { 365 }).sum::<u64>()
            + (1..month).map(|month| days_in(year, month)).sum::<u64>()
            + day
            - 1;
        ((days * 24 + hour) * 60 + minute) * 60 + second
    })
}

fn time_of(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let mut year = 0;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    format!("{year:04}{month:02}{:02}{:02}{:02}{:02}", days + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(version: &str, count: usize, before: Option<&str>, seconds: u64) -> String {
        counted(version, count, before, seconds).map_or_else(|| "no room".to_owned(), |versions| versions.join(" "))
    }

    #[test]
    fn times_carry_through_the_calendar() {
        assert_eq!(drawn("20231231235958", 3, None, 1), "20231231235959 20240101000000 20240101000001");
        assert_eq!(drawn("20240228235959", 1, None, 1), "20240229000000");
        assert_eq!(drawn("20230228235959", 1, None, 2), "20230301000001");
    }

    #[test]
    fn steps_shrink_where_there_is_little_room() {
        assert_eq!(drawn("20240101000000", 2, Some("20240101000010"), 2), "20240101000002 20240101000004");
        assert_eq!(drawn("20240101000000", 2, Some("20240101000003"), 2), "20240101000001 20240101000002");
        assert_eq!(drawn("20240101000000", 2, Some("20240101000002"), 2), "no room");
    }

    #[test]
    fn other_numbers_count_and_keep_their_zeros() {
        assert_eq!(drawn("00012", 2, None, 1), "00013 00014");
        assert_eq!(drawn("9", 1, Some("11"), 1), "10");
        assert_eq!(drawn("9", 1, Some("10"), 1), "no room");
        assert_eq!(drawn("20241399000000", 1, None, 1), "20241399000001");
        assert_eq!(drawn("x", 1, None, 1), "no room");
    }
}
