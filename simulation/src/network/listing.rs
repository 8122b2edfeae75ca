//! A listing of the object store: `ListObjectsV2`, in one page.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The keys of a bucket that a listing tells, as XML. `keys`: all keys with their sizes, in order.
pub(super) fn listing<'a>(query: &str, keys: impl Iterator<Item = (&'a str, usize)>) -> String {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (mut prefix, mut delimiter) = (String::new(), None);
    for (name, value) in pairs {
        match name {
            "prefix" => prefix = decoded(value),
            "delimiter" => delimiter = Some(decoded(value)),
            _ => {}
        }
    }
    let mut folders = BTreeSet::new();
    let mut body = String::from("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (key, size) in keys {
        let Some(rest) = key.strip_prefix(&prefix) else {
            continue;
        };
        let folder = delimiter.as_deref().and_then(|delimiter| {
            let (folder, _) = rest.split_once(delimiter)?;
            Some(format!("{prefix}{folder}{delimiter}"))
        });
        if let Some(folder) = folder {
            folders.insert(folder);
            continue;
        }
        write!(
            body,
            "<Contents><Key>{key}</Key><Size>{size}</Size></Contents>"
        )
        .expect("a `String` takes every write");
    }
    for folder in folders {
        write!(
            body,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        )
        .expect("a `String` takes every write");
    }
    body.push_str("</ListBucketResult>");
    body
}

/// A value of a query. A run's name is percent-encoded in its key, and then once more here.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let hex = |digit: Option<u8>| char::from(digit?).to_digit(16);
        let byte = match byte {
            b'%' => match (hex(rest.next()), hex(rest.next())) {
                (Some(high), Some(low)) => u8::try_from(high * 16 + low).expect("two digits"),
                _ => b'%',
            },
            byte => byte,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).expect("keys are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_below_the_prefix_are_listed_and_folders_once() {
        let keys = ["ledger/r%40x/books/1", "ledger/r%40x/run.json", "lists/a"];
        let list = |query: &str| listing(query, keys.iter().map(|key| (*key, 7)));
        let books = list("list-type=2&prefix=ledger%2Fr%2540x%2Fbooks%2F");
        assert!(books.contains("<Key>ledger/r%40x/books/1</Key><Size>7</Size>"));
        assert!(!books.contains("run.json"));
        let runs = list("delimiter=%2F&list-type=2&prefix=ledger%2F");
        assert_eq!(runs.matches("<Prefix>ledger/r%40x/</Prefix>").count(), 1);
        assert!(!runs.contains("<Key>"));
    }
}
