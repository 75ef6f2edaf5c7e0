//! Medians, spreads and means.

use serde::{Deserialize, Serialize};

/// A median with the minimum and maximum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// The spread of some numbers; `None` if there are none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Some(Self { median, least, most })
    }

    /// All three values divided by a number.
    pub fn over(self, divisor: f64) -> Self {
        Self { median: self.median / divisor, least: self.least / divisor, most: self.most / divisor }
    }
}

/// The geometric mean; `None` if there are no numbers.
pub fn geometric_mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.into_iter().fold((0.0, 0), |(sum, count), x| (sum + x.ln(), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// The mean of a category for an engine, and its number of failures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The geometric mean of the ratios. A failed program counts with the worst ratio.
    pub ratio: f64,
    /// The number of programs.
    pub programs: usize,
    /// The number of programs that failed.
    pub failed: usize,
}

impl Mean {
    /// The text in place of a number if no program runs.
    pub fn none(&self) -> Option<&'static str> {
        (self.failed == self.programs).then_some("none runs")
    }
}

/// The mean of an engine's ratios. A ratio is `None` if the program failed, and then counts as `worst`, the worst ratio
/// of any engine in the category; without one, there is no mean.
pub fn mean(ratios: &[Option<f64>], worst: Option<f64>) -> Option<Mean> {
    let counted: Option<Vec<f64>> = ratios.iter().map(|r| r.or(worst)).collect();
    let ratio = geometric_mean(counted?)?;
    Some(Mean { ratio, programs: ratios.len(), failed: ratios.iter().filter(|r| r.is_none()).count() })
}
