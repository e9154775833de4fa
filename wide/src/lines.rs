//! Points that each begin where a line of the cache does.

#![allow(unsafe_code, reason = "a slice of lines is one of points, and so is a mapped file")]

use core::ops::Deref;
use std::sync::Arc;

use halo2curves::bn256::G1Affine;
#[cfg(unix)]
use {memmap2::Mmap, std::fs::File, std::io};

/// Points that are read in no order: each is in one line of the cache, where a vector's are in two. Clones share them.
#[derive(Clone)]
pub struct Lines(Source);

#[derive(Clone)]
enum Source {
    Own(Arc<[Line]>),
    /// So many, from this byte on.
    #[cfg(unix)]
    Mapped {
        map: Arc<Mmap>,
        start: usize,
        count: usize,
    },
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line(G1Affine);

const _: () = assert!(size_of::<Line>() == size_of::<G1Affine>(), "a point fills a line");
// A mapped file's bytes are x and then y, each four words, the lowest first.
const _: () = assert!(core::mem::offset_of!(G1Affine, x) == 0 && core::mem::offset_of!(G1Affine, y) == 32);

impl Lines {
    /// Bytes of a point.
    pub const BYTES: usize = size_of::<Line>();

    /// Points that a file has from a byte on, as processors compute with them: x and y in Montgomery form, each as four
    /// little-endian words. Processes that map a file share its memory. Nothing of the points is checked.
    ///
    /// The file must be one that is replaced and never changed: what is changed while it is mapped changes here, too.
    ///
    /// # Errors
    /// If the operating system refuses, the file is shorter, or the points do not begin where a line does.
    #[cfg(unix)]
    pub fn map(file: &File, start: usize, count: usize) -> io::Result<Self> {
        if cfg!(target_endian = "big") {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: the mapping is read only, and any bytes are numbers, so that even a file that somebody changes
        // against the contract above is no more than a table of other points, which proofs are verified against.
        let map = unsafe { Mmap::map(file)? };
        let end = count.checked_mul(Self::BYTES).and_then(|bytes| bytes.checked_add(start));
        let fits = end.is_some_and(|end| end <= map.len());
        if !fits || !(map.as_ptr().addr() + start).is_multiple_of(align_of::<Line>()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self(Source::Mapped { map: Arc::new(map), start, count }))
    }

    /// The points as a file has them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let points: &[G1Affine] = self;
        // SAFETY: points are words and nothing between them, as their sizes say, and bytes need no alignment.
        unsafe { core::slice::from_raw_parts(points.as_ptr().cast(), size_of_val(points)) }
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Lines {}

impl FromIterator<G1Affine> for Lines {
    fn from_iter<I: IntoIterator<Item = G1Affine>>(points: I) -> Self {
        Self(Source::Own(points.into_iter().map(Line).collect()))
    }
}

impl Deref for Lines {
    type Target = [G1Affine];

    fn deref(&self) -> &[G1Affine] {
        let (start, count) = match &self.0 {
            Source::Own(lines) => (lines.as_ptr().cast(), lines.len()),
            #[cfg(unix)]
            Source::Mapped { map, start, count } => (map[*start..].as_ptr().cast(), *count),
        };
        // SAFETY: a line is a point and nothing else, as their sizes say; a mapping has so many from there on and lives
        // as long, as was checked when it was made.
        unsafe { core::slice::from_raw_parts(start, count) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use group::prime::PrimeCurveAffine as _;

    use super::*;

    fn points() -> Vec<G1Affine> {
        [G1Affine::generator(), G1Affine::identity(), -G1Affine::generator()].into()
    }

    #[test]
    fn points_are_in_a_line_each() {
        let lines: Lines = points().into_iter().collect();
        assert_eq!(*lines, *points());
        assert!(lines.iter().all(|point| core::ptr::from_ref(point).addr().is_multiple_of(64)));
        assert!(Lines::from_iter([]).is_empty());
    }

    #[test]
    #[cfg(unix)]
    fn mapped_points_are_those_that_were_written() {
        use std::io::Write as _;

        let lines: Lines = points().into_iter().collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 64]).unwrap();
        file.write_all(lines.bytes()).unwrap();
        let mapped = Lines::map(&file, 64, 3).unwrap();
        assert!(mapped == lines && mapped.clone() == lines);
        assert_eq!(mapped.bytes(), lines.bytes());
        assert!(Lines::map(&file, 256, 0).unwrap().is_empty());
        for (start, count) in [(64, 4), (65, 2), (0, usize::MAX), (usize::MAX - 63, 1), (320, 0)] {
            assert!(Lines::map(&file, start, count).is_err(), "{count} from {start}");
        }
    }
}
