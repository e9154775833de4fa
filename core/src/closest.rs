//! The name that was meant, for an input that says another one.

/// Longest names that are compared, in characters: comparing takes time in proportion to the product of both lengths.
const LONGEST: usize = 64;

/// The one of several names that an unknown one was probably meant to be: the same but for case and signs such as `_`,
/// or at few typing mistakes from it, one for each three characters. None if no name is that close.
pub fn closest<'a>(unknown: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let unknown = letters(unknown)?;
    let distance = |name: &'a str| Some((distance(&unknown, &letters(name)?), name));
    let (mistakes, name) = names.into_iter().filter_map(distance).min_by_key(|(mistakes, _)| *mistakes)?;
    let shorter = unknown.len().min(letters(name)?.len());
    (mistakes <= shorter.div_ceil(3).min(3) && mistakes < shorter).then_some(name)
}

/// What the reader of a problem is asked where a name is [closest] to what was found.
pub fn did_you_mean<'a>(unknown: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(unknown, names).map(|name| format!("did you mean `{name}`?"))
}

/// The letters and digits of a name, in lower case; none if it is too long to be one.
fn letters(name: &str) -> Option<Vec<char>> {
    let letters: Vec<_> = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    let comparable = !letters.is_empty() && letters.len() <= LONGEST;
    comparable.then_some(letters)
}

/// The smallest number of characters to insert, to drop, to replace or to exchange with their neighbour (the optimal
/// string alignment distance).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = above[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = core::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found() {
        let keys = ["max_age", "max_skew", "max_confidence", "quorum", "nodes", "epoch"];
        for (unknown, meant) in [
            ("max_agee", "max_age"),
            ("maxAge", "max_age"),
            ("MAX-AGE", "max_age"),
            ("mxa_age", "max_age"),
            ("max_confidance", "max_confidence"),
            ("qourum", "quorum"),
            ("node", "nodes"),
            ("Epoch", "epoch"),
        ] {
            assert_eq!(closest(unknown, keys), Some(meant), "{unknown}");
        }
        assert_eq!(did_you_mean("qorum", keys).unwrap(), "did you mean `quorum`?");
        assert_eq!(closest("BTC-PREP", ["ETH-PERP", "BTC-PERP"]), Some("BTC-PERP"));
        assert_eq!(closest("ETG", ["BTC", "ETH"]), Some("ETH"));
    }

    #[test]
    fn rejects_names_that_are_far_from_all() {
        for unknown in ["colour", "x", "", "___", "price", "eopch!eopch", "ageing"] {
            assert_eq!(closest(unknown, ["max_age", "quorum", "epoch"]), None, "{unknown}");
        }
        assert_eq!(closest(&"quorum".repeat(100_000), ["quorum"]), None);
        assert_eq!(closest("BTC", ["ETH", "SOL"]), None);
        assert_eq!(closest("a", ["b"]), None);
    }
}
