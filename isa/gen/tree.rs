//! Builds the decision tree of the decoder. Each node selects a child by a few adjacent bits. A leaf has at most one
//! row and the rows that specialise it. The tree is data instead of nested `match`, because loads cost less than the
//! mispredicted branches of an irregular instruction mix.

use super::XLENS;
use super::parse::Row;
use super::pattern::{Cube, ones};
use std::collections::{BTreeSet, HashMap};

/// The number of bits that index the root; see `build`.
const FIRST_BITS: u32 = 6;

/// The most bits that one node examines.
const MAX_WIDTH: u32 = 7;

/// Entries: a leaf is `1<<31 | count << 16 | first candidate`; a node is `first entry << 10 | width << 5 | shift`.
pub struct Tree {
    pub first: Vec<u32>,
    pub entries: Vec<u32>,
    pub candidates: Vec<usize>,
}

struct Builder<'a> {
    rows: &'a [Row],
    tree: Tree,
    seen: HashMap<Vec<u32>, u32>,
    leaves: HashMap<Vec<usize>, u32>,
}

/// The tree for one XLEN.
pub fn build(rows: &[Row], xlen: u8) -> Tree {
    let index = XLENS.iter().position(|x| *x == xlen).unwrap_or(0);
    let mut set = Vec::new();
    for (i, row) in rows.iter().enumerate().filter(|(_, r)| r.xlens[index]) {
        set.extend(row.pattern.cubes().into_iter().map(|cube| (i, cube)));
    }
    let tree = Tree { first: Vec::new(), entries: Vec::new(), candidates: Vec::new() };
    let mut builder = Builder { rows, tree, seen: HashMap::new(), leaves: HashMap::new() };
    // The bits that index the root depend on the length: funct3 and the quadrant, or the major opcode.
    for index in 0..1 << FIRST_BITS {
        let (mask, value) = match index {
            0..32 => (0xe003, (index & 0x1c) << 11 | index & 3),
            _ => (0x7f, (index & 31) << 2 | 3),
        };
        let set = within(&set, Cube { mask, value });
        let entry = builder.node(&set, mask);
        builder.tree.first.push(entry);
    }
    builder.tree
}

impl Builder<'_> {
    fn node(&mut self, set: &[(usize, Cube)], decided: u32) -> u32 {
        let total: BTreeSet<usize> = set.iter().map(|(row, _)| *row).collect();
        let mut best: Option<((usize, u32), u32)> = None;
        for width in (1..=MAX_WIDTH).take_while(|_| total.len() > 1) {
            for shift in (0..=32 - width).filter(|shift| ones(width) << shift & decided == 0) {
                let sizes = bucket_sizes(set, shift, width);
                // The sum of squares penalizes bits that many rows ignore, since those rows are in many buckets.
                let score = (sizes.iter().map(|n| n * n).sum(), width);
                let most = sizes.into_iter().max().unwrap_or(0);
                if most < total.len() && best.is_none_or(|(s, _)| score < s) {
                    best = Some((score, shift));
                }
            }
        }
        match best {
            Some(((_, width), shift)) => self.split(set, decided, shift, width),
            None => self.leaf(total),
        }
    }

    fn split(&mut self, set: &[(usize, Cube)], decided: u32, shift: u32, width: u32) -> u32 {
        let decided = decided | ones(width) << shift;
        let table: Vec<u32> = (0..1u32 << width).map(|v| self.node(&select(set, shift, width, v), decided)).collect();
        let entries = &mut self.tree.entries;
        let base = *self.seen.entry(table.clone()).or_insert_with(|| {
            entries.extend(&table);
            (entries.len() - table.len()) as u32
        });
        base << 10 | width << 5 | shift
    }

    fn leaf(&mut self, rows: BTreeSet<usize>) -> u32 {
        let mut chain: Vec<usize> = rows.into_iter().collect();
        // Fewer free bits first: a row comes after the rows that specialise it.
        chain.sort_by_key(|row| self.rows[*row].pattern.cube.mask.count_zeros());
        let candidates = &mut self.tree.candidates;
        *self.leaves.entry(chain.clone()).or_insert_with(|| {
            candidates.extend(&chain);
            1 << 31 | (chain.len() as u32) << 16 | (candidates.len() - chain.len()) as u32
        })
    }
}

/// The number of rows that match each value of a field. The cubes of a row are adjacent in `set`.
fn bucket_sizes(set: &[(usize, Cube)], shift: u32, width: u32) -> Vec<usize> {
    let mut buckets = vec![(0, usize::MAX); 1 << width];
    for (row, cube) in set {
        let (mask, value) = (cube.mask >> shift & ones(width), cube.value >> shift & ones(width));
        let free = !mask & ones(width);
        let mut rest = free;
        loop {
            let (size, last) = &mut buckets[(value | rest) as usize];
            if *last != *row {
                (*size, *last) = (*size + 1, *row);
            }
            if rest == 0 {
                break;
            }
            rest = (rest - 1) & free;
        }
    }
    buckets.into_iter().map(|(size, _)| size).collect()
}

fn select(set: &[(usize, Cube)], shift: u32, width: u32, value: u32) -> Vec<(usize, Cube)> {
    within(set, Cube { mask: ones(width) << shift, value: value << shift })
}

fn within(set: &[(usize, Cube)], choice: Cube) -> Vec<(usize, Cube)> {
    let fits = set.iter().filter(|(_, cube)| cube.meet(choice).is_some());
    fits.map(|(row, c)| (*row, Cube { mask: c.mask | choice.mask, value: c.value | choice.value })).collect()
}
