//! The order in which facts of several streams are listed: by day, and within a day no effect before its cause.
//!
//! A fact does not know when those of other streams happened, but within a stream causes come first, and what kinds of facts
//! cause each other is known. So the streams of a day are merged: of the facts that are next in their streams the one of the
//! earliest kind is taken.

use std::collections::{BTreeMap, VecDeque};

use loopledger_types::{BusinessDate, Service};

use crate::FactRef;

/// Orders `items` by day, stream and position, and merges the streams of each day by `rank`. Items of one fact keep their
/// order.
pub(crate) fn cause_first<T>(
    mut items: Vec<T>,
    at: impl Fn(&T) -> (Option<BusinessDate>, FactRef),
    rank: impl Fn(&T) -> u8,
) -> Vec<T> {
    items.sort_by_key(&at);
    let mut ordered = Vec::with_capacity(items.len());
    let mut day: BTreeMap<Service, VecDeque<T>> = BTreeMap::new();
    let mut today = None;
    for item in items {
        let (date, fact) = at(&item);
        if today != Some(date) {
            merge(&mut day, &rank, &mut ordered);
            today = Some(date);
        }
        day.entry(fact.service).or_default().push_back(item);
    }
    merge(&mut day, &rank, &mut ordered);
    ordered
}

/// Takes everything of a day.
fn merge<T>(day: &mut BTreeMap<Service, VecDeque<T>>, rank: impl Fn(&T) -> u8, ordered: &mut Vec<T>) {
    loop {
        let heads = day.values_mut().filter(|stream| !stream.is_empty());
        let Some(next) = heads.min_by_key(|stream| stream.front().map(&rank)) else { return };
        ordered.extend(next.pop_front());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_keep_their_order_and_effects_follow_causes() {
        use Service::{Distribution, Procurement, Station};
        let day = |n| BusinessDate::from_days(18_000 + n).unwrap();
        // Day, stream, sequence, kind: the goods go to the county centre by way of the township, all in a day.
        let facts = [
            (1, Procurement, 9, 8),
            (0, Procurement, 1, 1),
            (0, Procurement, 2, 9),
            (0, Station, 1, 0),
            (0, Station, 2, 2),
            (0, Distribution, 1, 3),
            (0, Distribution, 2, 4),
            (0, Distribution, 3, 3),
            (0, Distribution, 4, 4),
        ];
        let at = |fact: &(i32, Service, u64, u8)| {
            (Some(day(fact.0)), FactRef { service: fact.1, sequence: fact.2, event: 0 })
        };
        let ordered = cause_first(facts.to_vec(), at, |fact| fact.3);
        let kinds: Vec<u8> = ordered.iter().map(|fact| fact.3).collect();
        assert_eq!(kinds, [0, 1, 2, 3, 4, 3, 4, 9, 8]);
    }
}
