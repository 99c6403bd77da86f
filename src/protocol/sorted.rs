//! Small maps and sets, in order. There are as many entries as calls under way, seldom more than hundreds, and new ones
//! come last: a sorted vector is as fast here as a tree. Where a server chooses the keys, and how many there are, a tree
//! stands.

use std::{borrow::Borrow, slice, vec};

/// Values by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map<K, V>(Vec<(K, V)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Map<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(own, _)| own.borrow().cmp(key))
    }

    /// A new value in the place of the one that was there.
    pub fn insert(&mut self, key: K, value: V) {
        match self.find(&key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&self.0[at].1)
    }

    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(&mut self.0[at].1)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> slice::Iter<'_, (K, V)> {
        self.0.iter()
    }

    /// Who changes a key by this breaks the order.
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, (K, V)> {
        self.0.iter_mut()
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| self.insert(key, value));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        map.extend(entries);
        map
    }
}

/// Values, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set<T>(Vec<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Set<T> {
    fn find<Q: Ord + ?Sized>(&self, value: &Q) -> Result<usize, usize>
    where
        T: Borrow<Q>,
    {
        self.0.binary_search_by(|own| own.borrow().cmp(value))
    }

    pub fn insert(&mut self, value: T) {
        if let Err(at) = self.find(&value) {
            self.0.insert(at, value);
        }
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, value: &Q)
    where
        T: Borrow<Q>,
    {
        if let Ok(at) = self.find(value) {
            self.0.remove(at);
        }
    }

    /// The least.
    pub fn first(&self) -> Option<&T> {
        self.0.first()
    }
}

impl<T> IntoIterator for Set<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Ord> Extend<T> for Set<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.insert(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_map_is_what_a_tree_would_be() {
        let mut rng = fastrand::Rng::with_seed(7);
        let (mut map, mut tree) = (Map::default(), BTreeMap::new());
        for step in 0..4_000_u32 {
            let key = rng.u8(..40);
            match rng.u8(..5) {
                0 => assert_eq!(map.remove(&key), tree.remove(&key)),
                1 => {
                    map.insert(key, step);
                    tree.insert(key, step);
                }
                _ => {
                    assert_eq!(map.get(&key), tree.get(&key));
                    if let Some((mine, theirs)) = map.get_mut(&key).zip(tree.get_mut(&key)) {
                        (*mine, *theirs) = (step, step);
                    }
                }
            }
            assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
            assert!(
                map.iter().map(|(key, value)| (key, value)).eq(&tree)
                    && map.contains_key(&key) == tree.contains_key(&key)
            );
        }
    }

    #[test]
    fn a_set_holds_each_value_once_and_gives_the_least_first() {
        let mut set = Set::default();
        set.extend(["b", "c", "a", "b"]);
        assert_eq!((set.first(), set.clone().into_iter().count()), (Some(&"a"), 3));
        set.remove("a");
        set.remove("x");
        assert!(set.into_iter().eq(["b", "c"]));
    }
}
