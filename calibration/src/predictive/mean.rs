//! Exponentially weighted means.

/// The weight that is left of a day after one more day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Decay(pub(super) f64);

/// A mean whose start does not bias it: the sum of the values and that of their weights both begin at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mean {
    pub(super) sum: f64,
    pub(super) weight: f64,
}

impl Mean {
    pub(super) fn add(&mut self, Decay(decay): Decay, value: f64) {
        self.sum = decay * self.sum + (1.0 - decay) * value;
        self.weight = decay * self.weight + (1.0 - decay);
    }

    /// The mean; none before the first value.
    pub(super) fn value(self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_is_the_first_mean() {
        let mut mean = Mean::default();
        assert_eq!(mean.value(), None);
        mean.add(Decay(0.75), 8.0);
        assert_eq!(mean.value(), Some(8.0));
        mean.add(Decay(0.75), 1.0);
        // (3/4·8 + 1) / (3/4 + 1)
        assert_eq!(mean.value(), Some(4.0));
    }
}
