//! Few rows get most references: a power law that is the same on every machine.

/// The curve has so many straight pieces.
const PIECES: usize = 1 << 10;

/// Maps even fractions to fractions near 0: `u` to `u^skew`.
///
/// `powf` may differ in its last bit from one machine to the next, which would move a reference by one row.
/// IEEE 754 fixes addition, multiplication and square root to the bit, and nothing else is used here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Skew(Option<Box<[f64]>>);

impl Skew {
    /// From 1 (every row is as likely) up to [`Skew::MOST`].
    pub(crate) fn new(skew: f64) -> Self {
        if skew <= 1.0 {
            return Skew(None);
        }
        Skew(Some((0..=PIECES).map(|knot| power(knot as f64 / PIECES as f64, skew)).collect()))
    }

    /// Above this, nearly every reference goes to the same few rows.
    pub(crate) const MOST: f64 = 16.0;

    /// A number below `n` (0 where `n` is 0), for 64 random bits; small numbers are the likely ones.
    pub(crate) fn choose(&self, n: u64, bits: u64) -> u64 {
        let Some(knots) = &self.0 else {
            return ((u128::from(bits) * u128::from(n)) >> 64) as u64;
        };
        let piece = (bits >> 54) as usize;
        let within = (bits & ((1 << 54) - 1)) as f64 / (1_u64 << 54) as f64;
        let (low, high) = (knots[piece], knots[piece + 1]);
        let fraction = low + (high - low) * within;
        ((fraction * n as f64) as u64).min(n.saturating_sub(1))
    }
}

/// `base^exponent`, the exponent cut to 16 binary places.
fn power(base: f64, exponent: f64) -> f64 {
    let scaled = (exponent * 65_536.0) as u64;
    let mut result = 1.0;
    for _ in 0..scaled >> 16 {
        result *= base;
    }
    let mut root = base;
    for place in (0..16).rev() {
        root = root.sqrt();
        if scaled >> place & 1 == 1 {
            result *= root;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn powers_are_those_of_arithmetic() {
        assert_eq!(power(0.25, 0.5), 0.5);
        assert_eq!(power(0.5, 3.0), 0.125);
        assert!((power(0.3, 2.5) - 0.3_f64.powf(2.5)).abs() < 1e-12);
    }

    #[test]
    fn the_first_hundredth_gets_its_root_of_the_references() {
        for (skew, expected) in [(1.0, 0.01), (2.0, 0.1), (4.0, 0.316)] {
            let (curve, mut stream) = (Skew::new(skew), Stream::new(1, 1));
            let hits = (0..100_000).filter(|_| curve.choose(10_000, stream.next()) < 100).count();
            assert!((hits as f64 / 100_000.0 - expected).abs() < 0.01, "{skew}: {hits}");
        }
    }

    #[test]
    fn no_choice_leaves_its_range() {
        for skew in [1.0, 1.5, 16.0] {
            for n in [0, 1, 2, 100_000_000] {
                for bits in [0, 1, u64::MAX / 2, u64::MAX] {
                    assert!(Skew::new(skew).choose(n, bits) <= n.saturating_sub(1));
                }
            }
        }
    }
}
