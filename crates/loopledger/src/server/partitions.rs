//! Which partitions a replica serves, as its configuration says it: `0-31,40`.

use core::ops::RangeInclusive;
use core::str::FromStr;

use loopledger_types::Partition;

/// Partitions of every topic. Of the others a replica is a hot standby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartitionSet(Vec<RangeInclusive<u32>>);

impl PartitionSet {
    pub(crate) fn contains(&self, partition: Partition) -> bool {
        self.0.iter().any(|range| range.contains(&partition.0))
    }
}

impl FromStr for PartitionSet {
    type Err = String;

    /// Numbers and ranges, separated by commas; `none` for a standby of everything.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |text: &str| text.trim().parse::<u32>().map_err(|_| format!("'{text}' is no partition"));
            let range = number(first)?..=number(last)?;
            if range.is_empty() { Err(format!("'{part}' ends before it begins")) } else { Ok(range) }
        };
        text.split(',').map(range).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_taken() {
        let set: PartitionSet = "0-31, 40".parse().unwrap();
        for (number, expected) in [(0, true), (31, true), (32, false), (40, true), (41, false)] {
            assert_eq!(set.contains(Partition(number)), expected, "{number}");
        }
        assert!(!"none".parse::<PartitionSet>().unwrap().contains(Partition(0)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "a", "3-1", "1-", "-1", "1,,2"] {
            assert!(text.parse::<PartitionSet>().is_err(), "{text}");
        }
    }
}
