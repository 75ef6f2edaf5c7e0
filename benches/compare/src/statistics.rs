//! Medians, spreads and means.

use serde::{Deserialize, Serialize};

/// A median, and the least and the most that it was taken of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// Of some numbers; `None` of none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Some(Self { median, least, most })
    }

    /// Each of the three divided by the same number.
    pub fn over(self, divisor: f64) -> Self {
        Self { median: self.median / divisor, least: self.least / divisor, most: self.most / divisor }
    }
}

/// The geometric mean; `None` of no numbers.
pub fn geometric_mean(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.into_iter().fold((0.0, 0), |(sum, count), x| (sum + x.ln(), count + 1));
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// The mean of a category for an engine, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The geometric mean of the ratios, in which a program that failed has the worst.
    pub ratio: f64,
    /// How many programs there are.
    pub programs: usize,
    /// How many of them failed or cannot run yet.
    pub failed: usize,
    /// How many of these cannot run yet.
    pub not_yet: usize,
}

impl Mean {
    /// What to say instead of a number where none of the programs runs.
    pub fn none(&self) -> Option<&'static str> {
        let what = if self.not_yet == self.programs { "not yet" } else { "none runs" };
        (self.failed == self.programs).then_some(what)
    }
}

/// The mean of an engine's ratios, `None` where a program failed. Each of these counts as `worst`, the worst ratio that any
/// engine has in the category; `None` if there is no such ratio. So many of them are those that cannot run yet.
pub fn mean(ratios: &[Option<f64>], worst: Option<f64>, not_yet: usize) -> Option<Mean> {
    let counted: Option<Vec<f64>> = ratios.iter().map(|r| r.or(worst)).collect();
    let ratio = geometric_mean(counted?)?;
    Some(Mean { ratio, programs: ratios.len(), failed: ratios.iter().filter(|r| r.is_none()).count(), not_yet })
}
