//! Medians, and how far the half around them spreads.

use std::fmt;

use serde::Serialize;

/// The median of some measurements and the quartiles around it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

// === impl Figure ===

impl Figure {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self {
            median: quantile(&values, 0.5),
            low: quantile(&values, 0.25),
            high: quantile(&values, 0.75),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        let Self { median, low, high } = self;
        let text = format!("{median:.digits$} ({low:.digits$}-{high:.digits$})");
        f.write_str(&text)
    }
}

/// The value below which this part of the sorted values lies.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there are not that many measurements"
)]
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = last as f64 * part;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    let between = place - place.floor();
    sorted[below] * (1.0 - between) + sorted[above] * between
}
