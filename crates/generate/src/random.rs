//! Random numbers that are the same everywhere: SplitMix64, begun anew for each value.

/// 2^64 divided by the golden ratio: the step of SplitMix64.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Another odd number, so that versions and rows do not meet.
const VERSION_STEP: u64 = 0xd1b5_4a32_d192_ed03;

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014; Vigna's constants). It is a bijection.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed for a part (a table, a column) of something that has a seed.
///
/// It comes from the part's name, so that adding a column leaves the values of the others as they were.
pub(crate) fn seed_of(seed: u64, name: &str) -> u64 {
    // FNV-1a, 64 bits.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    mix(mix(seed.wrapping_add(STEP)) ^ hash)
}

/// The random numbers of one value.
#[derive(Debug, Clone)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The numbers of row `row` under `seed`.
    pub(crate) fn new(seed: u64, row: u64) -> Self {
        Stream(mix(seed ^ row.wrapping_mul(STEP)))
    }

    /// The numbers of version `version` of a row; version 0 is the row as it was first made.
    pub(crate) fn of_version(seed: u64, row: u64, version: u32) -> Self {
        if version == 0 {
            return Stream::new(seed, row);
        }
        Stream::new(mix(seed.wrapping_add(u64::from(version).wrapping_mul(VERSION_STEP))), row)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number from 0 to `n - 1`; 0 where `n` is 0.
    ///
    /// Multiply and shift (Lemire, 2019) without its rejection step: the bias is below `n / 2^64`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// One of `items`, which are not empty.
    pub(crate) fn pick<'i, T: ?Sized>(&mut self, items: &[&'i T]) -> &'i T {
        items[self.below(items.len() as u64) as usize]
    }

    /// Whether something happens that happens in `chance` of all cases.
    pub(crate) fn happens(&mut self, chance: Chance) -> bool {
        self.next() >> 1 < chance.0
    }

    /// A fraction from 0 to less than 1, a multiple of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }
}

/// A probability, in parts of 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chance(u64);

impl Chance {
    /// From a fraction between 0 and 1.
    pub(crate) fn new(fraction: f64) -> Self {
        Chance((fraction.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64)
    }

    pub(crate) fn is_never(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_test_vector() {
        // The first outputs for the seed 1234567, as Vigna's splitmix64.c gives them.
        let mut stream = Stream(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected, std::array::from_fn(|_| stream.next()));
    }

    #[test]
    fn bounds_and_chances_hold_at_their_ends() {
        let mut stream = Stream::new(1, 2);
        for _ in 0..1_000 {
            assert!(stream.below(3) < 3);
            assert!((5..=7).contains(&stream.between(5, 7)));
            assert!((0.0..1.0).contains(&stream.unit()));
            assert!(stream.happens(Chance::new(1.0)) && !stream.happens(Chance::new(0.0)));
        }
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn neighbouring_rows_share_nothing() {
        let first: Vec<u64> = (0..1_000).map(|row| Stream::new(7, row).below(2)).collect();
        let ones: u64 = first.iter().sum();
        assert!((400..600).contains(&ones), "{ones}");
    }
}
