//! What is parsed again and what is not.

use std::sync::Arc;

use crate::{Cache, Options, parse_cached};

#[test]
fn unchanged_statements() {
    let cache = Cache::default();
    let options = Options::default();
    let first = parse_cached("SELECT 1; DROP TABLE a;", &options, &cache);
    assert_eq!((cache.statements_parsed(), cache.hits()), (2, 0));
    let second = parse_cached("-- moved\nSELECT 1;\nDROP TABLE b;", &options, &cache);
    assert_eq!((cache.statements_parsed(), cache.hits()), (3, 1));
    assert!(Arc::ptr_eq(&first.statements[0].parsed, &second.statements[0].parsed));
}

/// The same text can mean something else in another dialect.
#[test]
fn dialects() {
    let cache = Cache::default();
    let text = "SELECT ${x}";
    let template = parse_cached(text, &Options::default(), &cache);
    let plain = parse_cached(text, &Options::plain(), &cache);
    assert_eq!(cache.statements_parsed(), 2);
    assert_ne!(template.statements[0].parsed, plain.statements[0].parsed);
}

/// What is said of an open parenthesis depends on what follows.
#[test]
fn open_ends() {
    let cache = Cache::default();
    let options = Options::default();
    let open = "INSERT INTO a VALUES ('x;";
    for text in [open.to_owned(), format!("{open}\n{open}"), open.to_owned()] {
        let read = |script: crate::ast::Script| script.statements.into_iter().map(|it| it.parsed).collect::<Vec<_>>();
        assert_eq!(read(parse_cached(&text, &options, &cache)), read(crate::parse(&text, &options)));
    }
}

#[test]
fn bounded() {
    let cache = Cache::new(16 * 2 * 100);
    let options = Options::default();
    for number in 0..1000 {
        let _ = parse_cached(&format!("SELECT {number:>40}"), &options, &cache);
    }
    let _ = parse_cached(&format!("SELECT {:>40}", 0), &options, &cache);
    assert_eq!((cache.statements_parsed(), cache.hits()), (1001, 0));
}

#[test]
fn threads() {
    let cache = Cache::default();
    let text: String = (0..200).map(|number| format!("CREATE TABLE t{number} (id int);\n")).collect();
    let expected = crate::parse(&text, &Options::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let script = parse_cached(&text, &Options::default(), &cache);
                assert!(
                    script.statements.iter().zip(&expected.statements).all(|(ours, other)| ours.parsed == other.parsed)
                );
            });
        }
    });
    assert_eq!(cache.statements_parsed() + cache.hits(), 800);
}
