//! Files of JSON lines, and the time as they write it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// A file to which lines are appended, in whole lines only.
#[derive(Debug)]
pub(crate) struct Lines(Mutex<Option<File>>);

// === impl Lines ===

impl Lines {
    /// Opens the file, with its folder; what cannot be opened swallows lines.
    pub(crate) fn open(path: PathBuf) -> Self {
        if let Some(folder) = path.parent() {
            let _open_says_why = std::fs::create_dir_all(folder);
        }
        Self(Mutex::new(
            OpenOptions::new().create(true).append(true).open(path).ok(),
        ))
    }

    /// Appends one value as one line.
    pub(crate) fn write(&self, value: &impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(value) else {
            return;
        };
        line.push(b'\n');
        let mut file = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(file) = file.as_mut() {
            // A full disk must not stop the traffic that is being logged.
            let _disk_full = file.write_all(&line);
        }
    }
}

/// Now, as RFC 3339 says it, in milliseconds and UTC.
pub(crate) fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    rfc3339(since.as_secs(), since.subsec_millis())
}

/// Seconds since 1970 as a date and a time.
fn rfc3339(seconds: u64, milliseconds: u32) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// Days since 1970 as year, month and day. Years begin in March here, so that
/// the leap day is the last; 719,468 days lie between 1 March 0000 and 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_right_around_leap_days() {
        assert_eq!(rfc3339(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(951_782_400, 7), "2000-02-29T00:00:00.007Z");
        assert_eq!(rfc3339(1_798_761_599, 0), "2026-12-31T23:59:59.000Z");
    }
}
