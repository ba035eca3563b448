//! Dividing a node's rows among its children.

use rayon::prelude::*;

/// Rows that one thread divides at a time: about 10 µs.
const CHUNK: usize = 1 << 13;

/// For each bin, 1 where its rows go left.
pub(super) type GoesLeft = [u8; 256];

/// Moves the rows that go left to the front, keeping the order on both sides; returns how many there are.
///
/// `spare` is as long as `rows`; what is left in it does not matter.
pub(super) fn partition(
    rows: &mut [u32],
    spare: &mut [u32],
    column: &[u8],
    goes_left: &GoesLeft,
    parallel: bool,
) -> usize {
    if !parallel || rows.len() < 2 * CHUNK {
        let left = divide(rows, spare, column, goes_left);
        let right = rows.len() - left;
        rows[left..].copy_from_slice(&spare[..right]);
        return left;
    }
    let chunks = rows.par_chunks_mut(CHUNK).zip(spare.par_chunks_mut(CHUNK));
    let lefts: Vec<usize> = chunks.map(|(rows, spare)| divide(rows, spare, column, goes_left)).collect();
    let mut end = 0;
    for (chunk, &left) in lefts.iter().enumerate() {
        rows.copy_within(chunk * CHUNK..chunk * CHUNK + left, end);
        end += left;
    }
    let all_left = end;
    for (spare, left) in spare.chunks(CHUNK).zip(lefts) {
        let right = spare.len() - left;
        rows[end..end + right].copy_from_slice(&spare[..right]);
        end += right;
    }
    all_left
}

/// Left rows to the front of `rows`, right rows to the front of `spare`. Without branches on the data: each row is
/// written to both, and only one of the places moves on.
fn divide(rows: &mut [u32], spare: &mut [u32], column: &[u8], goes_left: &GoesLeft) -> usize {
    let (mut left, mut right) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let goes = usize::from(goes_left[usize::from(column[row as usize])]);
        rows[left] = row;
        spare[right] = row;
        left += goes;
        right += 1 - goes;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_on_both_sides_with_one_thread_or_many() {
        let n = 150_001;
        let column: Vec<u8> = (0..n).map(|i| (i * 7919 % 251) as u8).collect();
        let goes_left: GoesLeft = std::array::from_fn(|b| u8::from(b % 3 == 0));
        let start: Vec<u32> = (0..n as u32).filter(|r| r % 5 != 2).collect();
        let (left, right): (Vec<u32>, Vec<u32>) =
            start.iter().partition(|&&r| goes_left[usize::from(column[r as usize])] == 1);
        for parallel in [false, true] {
            let mut rows = start.clone();
            let found = partition(&mut rows, &mut vec![0; start.len()], &column, &goes_left, parallel);
            assert_eq!(found, left.len());
            assert_eq!((&rows[..found], &rows[found..]), (&left[..], &right[..]));
        }
    }
}
