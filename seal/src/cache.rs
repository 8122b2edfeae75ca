//! The data keys that are known, and for how long. Pure: the time is a parameter.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::{SignedDuration, Timestamp};

/// So many data keys are known at the same time. One more takes the place of the one that was used
/// longest ago.
pub(crate) const MAX_KEYS: usize = 256;
/// A data key is known so long, however often it is used. So a key that is revoked opens nothing
/// new after this time.
pub(crate) const MAX_AGE: SignedDuration = SignedDuration::from_mins(5);

/// Values with an end.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    ends: Timestamp,
    last_use: u64,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            uses: 0,
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// The value, if it has not ended.
    pub(crate) fn get(&mut self, id: &K, now: Timestamp) -> Option<V> {
        self.uses += 1;
        let entry = self.entries.get_mut(id).filter(|entry| now < entry.ends)?;
        entry.last_use = self.uses;
        Some(entry.value.clone())
    }

    /// Keeps a value for `age`, in place of what ended, or of what was used longest ago.
    pub(crate) fn put(&mut self, id: K, value: V, age: SignedDuration, now: Timestamp) {
        self.uses += 1;
        if self.entries.len() >= MAX_KEYS {
            self.entries.retain(|_, entry| now < entry.ends);
        }
        while self.entries.len() >= MAX_KEYS && !self.entries.contains_key(&id) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_use);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            self.entries.remove(&oldest);
        }
        let entry = Entry {
            value,
            ends: now.checked_add(age).unwrap_or(Timestamp::MAX),
            last_use: self.uses,
        };
        self.entries.insert(id, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_key_is_known_for_five_minutes_however_often_it_is_used() {
        let mut cache = Cache::default();
        cache.put(1, 'a', MAX_AGE, at(0));
        for second in 0..300 {
            assert_eq!(cache.get(&1, at(second)), Some('a'));
        }
        assert_eq!(cache.get(&1, at(300)), None);
        assert_eq!(cache.get(&2, at(0)), None);
    }

    #[test]
    fn one_more_than_fit_takes_the_place_of_the_least_used() {
        let mut cache = Cache::default();
        for id in 0..MAX_KEYS {
            cache.put(id, id, MAX_AGE, at(0));
        }
        assert_eq!(cache.get(&0, at(1)), Some(0));
        cache.put(MAX_KEYS, MAX_KEYS, MAX_AGE, at(2));
        assert_eq!(cache.get(&1, at(3)), None);
        assert_eq!(cache.get(&0, at(3)), Some(0));
        assert_eq!(cache.entries.len(), MAX_KEYS);
        cache.put(0, 7, MAX_AGE, at(4));
        assert_eq!(cache.get(&0, at(5)), Some(7));
        assert_eq!(cache.get(&2, at(5)), Some(2));
    }

    proptest! {
        #[test]
        fn it_gives_the_last_value_or_none_and_never_more_than_fit(
            acts in prop::collection::vec((0usize..400, 0i64..1_000, any::<bool>()), 0..900),
        ) {
            let mut cache = Cache::default();
            let mut model: HashMap<usize, (i64, i64)> = HashMap::new();
            let mut now = 0;
            for (id, step, is_put) in acts {
                now += step / 100;
                if is_put {
                    cache.put(id, now, MAX_AGE, at(now));
                    model.insert(id, (now, now + 300));
                } else if let Some(value) = cache.get(&id, at(now)) {
                    prop_assert_eq!(Some(value), model.get(&id).map(|known| known.0));
                    prop_assert!(now < model[&id].1);
                }
                prop_assert!(cache.entries.len() <= MAX_KEYS);
            }
        }
    }
}
