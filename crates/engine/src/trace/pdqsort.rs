//! Go's `sort.Sort`: the pattern-defeating quicksort step by step, because its order of equal elements is asserted on.

/// Up to this length insertion sort is used.
const SHORT: usize = 12;
/// From this length on the pivot is a median of medians, and nearly sorted input is repaired by shifting.
const LONG: usize = 50;
/// Out-of-order pairs that are repaired before a nearly sorted range is partitioned after all.
const REPAIRS: usize = 5;
/// Swaps of a pivot choice that saw only descending triples.
const ALL_SWAPPED: usize = 12;

/// Sorts `items` as Go's `sort.Sort` would, with `less` as its `Less`.
pub(super) fn sort_by<T>(items: &mut [T], less: &dyn Fn(&T, &T) -> bool) {
    let n = items.len();
    if n > 1 {
        Sorter { items, less }.sort(0, n, bits(n));
    }
}

/// Bits needed to write `n`.
fn bits(n: usize) -> u32 {
    usize::BITS - n.leading_zeros()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pattern {
    Unknown,
    Ascending,
    Descending,
}

struct Sorter<'a, T> {
    items: &'a mut [T],
    less: &'a dyn Fn(&T, &T) -> bool,
}

impl<T> Sorter<'_, T> {
    fn less(&self, i: usize, j: usize) -> bool {
        (self.less)(&self.items[i], &self.items[j])
    }

    /// Sorts the range from `a` to before `b`; after `limit` bad pivots heap sort takes over.
    fn sort(&mut self, mut a: usize, mut b: usize, mut limit: u32) {
        let mut balanced = true;
        let mut partitioned = true;
        loop {
            let length = b - a;
            if length <= SHORT {
                self.insertion(a, b);
                return;
            }
            if limit == 0 {
                self.heap(a, b);
                return;
            }
            if !balanced {
                self.scatter(a, b);
                limit -= 1;
            }
            let (mut pivot, mut pattern) = self.choose_pivot(a, b);
            if pattern == Pattern::Descending {
                self.items[a..b].reverse();
                pivot = (b - 1) - (pivot - a);
                pattern = Pattern::Ascending;
            }
            if balanced && partitioned && pattern == Pattern::Ascending && self.repair(a, b) {
                return;
            }
            if a > 0 && !self.less(a - 1, pivot) {
                a = self.partition_equal(a, b, pivot);
                continue;
            }
            let (middle, was_partitioned) = self.partition(a, b, pivot);
            partitioned = was_partitioned;
            let (left, right) = (middle - a, b - middle);
            if left < right {
                balanced = left >= length / 8;
                self.sort(a, middle, limit);
                a = middle + 1;
            } else {
                balanced = right >= length / 8;
                self.sort(middle + 1, b, limit);
                b = middle;
            }
        }
    }

    fn insertion(&mut self, a: usize, b: usize) {
        for i in a + 1..b {
            let mut j = i;
            while j > a && self.less(j, j - 1) {
                self.items.swap(j, j - 1);
                j -= 1;
            }
        }
    }

    fn heap(&mut self, a: usize, b: usize) {
        let n = b - a;
        for i in (0..=(n - 1) / 2).rev() {
            self.sift(i, n, a);
        }
        for i in (0..n).rev() {
            self.items.swap(a, a + i);
            self.sift(0, i, a);
        }
    }

    fn sift(&mut self, mut root: usize, n: usize, first: usize) {
        loop {
            let mut child = 2 * root + 1;
            if child >= n {
                return;
            }
            if child + 1 < n && self.less(first + child, first + child + 1) {
                child += 1;
            }
            if !self.less(first + root, first + child) {
                return;
            }
            self.items.swap(first + root, first + child);
            root = child;
        }
    }

    /// Moves three elements of the middle to places that look random, to break patterns that make bad pivots.
    fn scatter(&mut self, a: usize, b: usize) {
        let length = b - a;
        if length < 8 {
            return;
        }
        let mut random = length as u64;
        let mask = (1_u64 << bits(length)) - 1;
        let middle = a + (length / 4) * 2 - 1;
        for i in 0..3 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut other = usize::try_from(random & mask).unwrap_or(0);
            if other >= length {
                other -= length;
            }
            self.items.swap(middle - 1 + i, a + other);
        }
    }

    fn choose_pivot(&self, a: usize, b: usize) -> (usize, Pattern) {
        let quarter = (b - a) / 4;
        let mut swaps = 0;
        let (mut first, mut pivot, mut third) = (a + quarter, a + quarter * 2, a + quarter * 3);
        if b - a >= 8 {
            if b - a >= LONG {
                first = self.median(first - 1, first, first + 1, &mut swaps);
                pivot = self.median(pivot - 1, pivot, pivot + 1, &mut swaps);
                third = self.median(third - 1, third, third + 1, &mut swaps);
            }
            pivot = self.median(first, pivot, third, &mut swaps);
        }
        let pattern = match swaps {
            0 => Pattern::Ascending,
            ALL_SWAPPED => Pattern::Descending,
            _ => Pattern::Unknown,
        };
        (pivot, pattern)
    }

    fn median(&self, a: usize, b: usize, c: usize, swaps: &mut usize) -> usize {
        let mut order = |low: usize, high: usize| {
            if self.less(high, low) {
                *swaps += 1;
                (high, low)
            } else {
                (low, high)
            }
        };
        let (a, b) = order(a, b);
        let (b, _) = order(b, c);
        order(a, b).1
    }

    /// Puts a few out-of-order elements right; `true` when the range is sorted then.
    fn repair(&mut self, a: usize, b: usize) -> bool {
        let mut i = a + 1;
        for _ in 0..REPAIRS {
            while i < b && !self.less(i, i - 1) {
                i += 1;
            }
            if i == b {
                return true;
            }
            if b - a < LONG {
                return false;
            }
            self.items.swap(i, i - 1);
            if i - a >= 2 {
                let mut j = i - 1;
                while j >= 1 && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j -= 1;
                }
            }
            if b - i >= 2 {
                let mut j = i + 1;
                while j < b && self.less(j, j - 1) {
                    self.items.swap(j, j - 1);
                    j += 1;
                }
            }
        }
        false
    }

    /// Splits into what is equal to the pivot and what is greater; nothing is smaller.
    fn partition_equal(&mut self, a: usize, b: usize, pivot: usize) -> usize {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        loop {
            while i <= j && !self.less(a, i) {
                i += 1;
            }
            while i <= j && self.less(a, j) {
                j -= 1;
            }
            if i > j {
                return i;
            }
            self.items.swap(i, j);
            i += 1;
            j -= 1;
        }
    }

    /// Splits into smaller and not smaller than the pivot; says whether that was so before.
    fn partition(&mut self, a: usize, b: usize, pivot: usize) -> (usize, bool) {
        self.items.swap(a, pivot);
        let (mut i, mut j) = (a + 1, b - 1);
        let mut swapped = false;
        loop {
            while i <= j && self.less(i, a) {
                i += 1;
            }
            while i <= j && !self.less(j, a) {
                j -= 1;
            }
            if i > j {
                break;
            }
            self.items.swap(i, j);
            swapped = true;
            i += 1;
            j -= 1;
        }
        self.items.swap(j, a);
        (j, !swapped)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(keys: &[u32]) -> Vec<usize> {
        let mut items: Vec<(u32, usize)> = keys.iter().copied().zip(0..).collect();
        sort_by(&mut items, &|a, b| a.0 < b.0);
        items.into_iter().map(|(_, index)| index).collect()
    }

    #[test]
    fn up_to_twelve_equal_elements_keep_their_order() {
        assert_eq!(order(&[1; 12]), (0..12).collect::<Vec<_>>());
    }

    #[test]
    fn two_runs_of_equal_elements_come_out_unstable_as_in_go() {
        let keys: Vec<u32> = (0..20).map(|i| i % 2).collect();
        let out = order(&keys);
        assert!(out[..10].iter().all(|i| i % 2 == 0));
        assert_ne!(out[..10].to_vec(), (0..10).map(|i| i * 2).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn the_result_is_sorted_and_a_permutation(keys in proptest::collection::vec(0_u32..40, 0..400)) {
            let out = order(&keys);
            prop_assert!(out.windows(2).all(|pair| keys[pair[0]] <= keys[pair[1]]));
            let mut seen = out;
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..keys.len()).collect::<Vec<_>>());
        }
    }
}
