//! A file of known length, read in order.

use std::io::{BufReader, Read, Seek, SeekFrom};

use ff::PrimeField;
use halo2curves::bn256::{Fr, G1Affine, G2Affine};
use rayon::prelude::*;

use super::{Format, ImportProblem, decode::Encoding};
use crate::progress::{Event, Observer, Stage};

/// Points read at a time.
const CHUNK_POINTS: usize = 4096;

/// A file, with its length and the position in it.
pub(crate) struct Source<R> {
    reader: BufReader<R>,
    length: u64,
    position: u64,
}

impl<R: Read + Seek> Source<R> {
    pub(crate) fn new(mut reader: R) -> Result<Self, ImportProblem> {
        let length = reader.seek(SeekFrom::End(0))?;
        reader.seek(SeekFrom::Start(0))?;
        Ok(Self { reader: BufReader::new(reader), length, position: 0 })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn seek(&mut self, position: u64) -> Result<(), ImportProblem> {
        self.position = self.reader.seek(SeekFrom::Start(position))?;
        Ok(())
    }

    /// Fails unless the file has exactly the length that its header implies.
    pub(crate) fn expect_length(&self, format: Format, expected: u64) -> Result<(), ImportProblem> {
        match self.length {
            found if found < expected => Err(ImportProblem::Incomplete { format, expected, found }),
            found if found > expected => Err(ImportProblem::Length { format, expected, found }),
            _ => Ok(()),
        }
    }

    /// Reads the first bytes, at most so many.
    pub(crate) fn start(&mut self, at_most: usize) -> Result<Vec<u8>, ImportProblem> {
        let mut bytes = vec![0; at_most.min(usize::try_from(self.length).unwrap_or(at_most))];
        self.seek(0)?;
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ImportProblem> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ImportProblem> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, ImportProblem> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// Reads k, which the order of the field's roots of unity bounds.
    pub(crate) fn k(&mut self) -> Result<u32, ImportProblem> {
        let k = self.u32()?;
        if k > Fr::S {
            let expected = format!("at most {}", Fr::S);
            return Err(ImportProblem::Header { field: "k", expected, found: k.to_string() });
        }
        Ok(k)
    }

    /// Reads `[τ^0]₁, [τ]₁, …`.
    pub(crate) fn powers(
        &mut self,
        count: usize,
        encoding: Encoding,
        observer: &dyn Observer,
    ) -> Result<Vec<G1Affine>, ImportProblem> {
        let report = |done: usize| {
            observer.event(Event::Progress { stage: Stage::ReadingPowers, done: done as u64, total: count as u64 });
        };
        let width = encoding.g1_bytes();
        let mut points = Vec::with_capacity(count);
        report(0);
        while points.len() < count {
            let mut chunk = vec![0; width * CHUNK_POINTS.min(count - points.len())];
            let start = self.position;
            self.fill(&mut chunk)?;
            let decoded: Result<Vec<G1Affine>, (usize, _)> = chunk
                .par_chunks_exact(width)
                .enumerate()
                .map(|(index, bytes)| encoding.g1(bytes).map_err(|error| (index, error)))
                .collect();
            points.extend(decoded.map_err(|(index, error)| ImportProblem::Point {
                point: format!("power {} of τ", points.len() + index),
                offset: start + (index * width) as u64,
                error,
            })?);
            report(points.len());
        }
        Ok(points)
    }

    /// Reads `[1]₂`, which must be the generator, and `[τ]₂`.
    pub(crate) fn generator_and_tau_g2(&mut self, encoding: Encoding) -> Result<G2Affine, ImportProblem> {
        let offset = self.position;
        if self.g2("[1]₂", encoding)? != G2Affine::generator() {
            return Err(ImportProblem::GeneratorG2 { offset });
        }
        self.g2("[τ]₂", encoding)
    }

    /// Reads a point of G2.
    pub(crate) fn g2(&mut self, name: &str, encoding: Encoding) -> Result<G2Affine, ImportProblem> {
        let offset = self.position;
        let mut bytes = vec![0; encoding.g2_bytes()];
        self.fill(&mut bytes)?;
        encoding.g2(&bytes).map_err(|error| ImportProblem::Point { point: name.to_owned(), offset, error })
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), ImportProblem> {
        let end = self.position.saturating_add(bytes.len() as u64);
        if end > self.length {
            return Err(ImportProblem::EndsEarly { found: self.length });
        }
        self.reader.read_exact(bytes)?;
        self.position = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn rejects_more_powers_than_there_are_roots_of_unity() {
        let k = |k: u32| Source::new(Cursor::new(k.to_le_bytes())).unwrap().k();
        assert_eq!(k(28).unwrap(), 28);
        let error = k(29).unwrap_err();
        assert!(matches!(error, ImportProblem::Header { field: "k", .. }), "{error}");
    }
}
