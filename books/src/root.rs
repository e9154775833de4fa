//! The list of pages as one hash, and the way from a page to it.
//!
//! ```text
//! header = keccak256(keccak256("surety/book/v1") ‖ rules ‖ snapshot ‖ chain ‖ registry ‖ venue ‖ as of ‖ valid until)
//! leaf   = keccak256(keccak256("surety/book-page/v1") ‖ index ‖ kind ‖ C_j)                       C_j as x ‖ y
//! node   = keccak256(left ‖ right)
//! root   = keccak256(keccak256("surety/book-root/v1") ‖ header ‖ pages ‖ top ‖ Σ_j C_j)
//! ```
//!
//! A node without a right child is its left child. Leaves and the root hash other numbers of words than nodes do, so
//! that none can pass for another. The number of pages and their sum are part of the root: whoever adds, leaves out,
//! repeats or reorders a page has another root.

use alloy_primitives::keccak256;
use halo2curves::bn256::Fr;
use surety_core::ident::{Bytes32, HexBytes};
use surety_kzg::{HoldingCommitment, point::G1_BYTES};
use surety_verifier::{
    attestation::eip712::{Word, coordinates, hash_words, number},
    proof::transcript::reduce,
};

/// Most pages that a book may have.
pub const MAX_PAGES: usize = 1 << 24;

/// The hash of everything that a book is about but its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookHeader(pub Bytes32);

/// A page as the root commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its place in the book.
    pub index: u32,
    /// The place of its kind among those of the rules.
    pub kind: u32,
    /// The commitment to its column.
    pub commitment: HexBytes<G1_BYTES>,
}

impl Leaf {
    /// The leaf's hash.
    #[must_use]
    pub fn hash(&self) -> Word {
        let [x, y] = coordinates(&self.commitment.0);
        let tag = keccak256("surety/book-page/v1").0;
        hash_words(&[tag, number(self.index.into()), number(self.kind.into()), x, y])
    }

    /// What the page's proof is bound to.
    #[must_use]
    pub fn context(&self, header: BookHeader) -> Fr {
        let tag = keccak256("surety/book-page-context/v1").0;
        reduce(&hash_words(&[tag, header.0.0, number(self.index.into()), number(self.kind.into())]))
    }
}

/// What the proof of the reserves is bound to: the root, which contains the header, and the hashes of the statements.
#[must_use]
pub fn reserves_context(root: Bytes32, statements: &[Bytes32]) -> Fr {
    let statements: Vec<Word> = statements.iter().map(|hash| hash.0).collect();
    let tag = keccak256("surety/book-reserves-context/v1").0;
    reduce(&hash_words(&[tag, root.0, hash_words(&statements)]))
}

/// The tree over the pages of a book.
#[derive(Clone, Debug)]
pub struct Tree {
    /// From the leaves up.
    levels: Vec<Vec<Word>>,
}

impl Tree {
    /// The tree over these leaves; none without leaves.
    #[must_use]
    pub fn new(leaves: Vec<Word>) -> Option<Self> {
        if leaves.is_empty() {
            return None;
        }
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => hash_words(&[*left, *right]),
                alone => alone[0],
            });
            levels.push(above.collect());
        }
        Some(Self { levels })
    }

    /// The topmost node.
    #[must_use]
    pub fn top(&self) -> Word {
        self.levels.last().map_or([0; 32], |level| level[0])
    }

    /// The siblings of a leaf and of the nodes above it, from below; none for a node that has none.
    #[must_use]
    pub fn path(&self, mut index: usize) -> Vec<Bytes32> {
        let mut path = Vec::new();
        for level in &self.levels {
            path.extend(level.get(index ^ 1).copied().map(HexBytes));
            index /= 2;
        }
        path
    }
}

/// The topmost node over `pages` leaves of which one, of this hash and at this index, has these siblings above it; none
/// if there are more or fewer siblings than such a leaf has.
#[must_use]
pub fn top_from(leaf: Word, index: u32, pages: u32, path: &[Bytes32]) -> Option<Word> {
    let (mut index, mut width) = (index as usize, pages as usize);
    if index >= width {
        return None;
    }
    let (mut node, mut path) = (leaf, path.iter());
    while width > 1 {
        if (index ^ 1) < width {
            let sibling = path.next()?.0;
            node = hash_words(&if index.is_multiple_of(2) { [node, sibling] } else { [sibling, node] });
        }
        (index, width) = (index / 2, width.div_ceil(2));
    }
    path.next().is_none().then_some(node)
}

/// The root of a book.
#[must_use]
pub fn root(header: BookHeader, pages: u32, top: Word, sum: &HoldingCommitment) -> Bytes32 {
    let [x, y] = coordinates(&sum.to_bytes());
    HexBytes(hash_words(&[keccak256("surety/book-root/v1").0, header.0.0, number(pages.into()), top, x, y]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u8) -> Vec<Word> {
        (0..count).map(|i| [i + 1; 32]).collect()
    }

    #[test]
    fn every_leaf_has_a_way_to_the_top() {
        for count in 1..20 {
            let tree = Tree::new(leaves(count)).unwrap();
            for (index, leaf) in leaves(count).into_iter().enumerate() {
                let path = tree.path(index);
                assert_eq!(top_from(leaf, index as u32, count.into(), &path), Some(tree.top()), "{index} of {count}");
            }
        }
        assert!(Tree::new(Vec::new()).is_none());
    }

    #[test]
    fn rejects_another_place_another_number_of_pages_and_another_path() {
        let tree = Tree::new(leaves(11)).unwrap();
        let (leaf, path) = ([4; 32], tree.path(3));
        assert_eq!(top_from(leaf, 3, 11, &path), Some(tree.top()));
        for (index, pages) in [(2, 11), (4, 11), (10, 11), (11, 11), (3, 4), (3, 200)] {
            assert_ne!(top_from(leaf, index, pages, &path), Some(tree.top()), "{index} of {pages}");
        }
        assert_eq!(top_from(leaf, 3, 11, &path[1..]), None);
        assert_eq!(top_from(leaf, 3, 11, &[path.clone(), vec![HexBytes([9; 32])]].concat()), None);
    }
}
