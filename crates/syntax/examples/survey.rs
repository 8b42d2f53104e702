//! Reads SQL files and says what was understood: for people who work on this crate.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use syntax::ast::StatementKind;

fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let verbose = args.iter().position(|a| a == "-v").map(|i| args.remove(i)).is_some();
    let split = args.iter().position(|a| a == "--split").map(|i| args.remove(i)).is_some();
    let mut files = Vec::new();
    for root in &args {
        walk(root.into(), &mut files);
    }
    files.sort();
    let texts: Vec<(PathBuf, Vec<u8>)> =
        files.into_iter().filter_map(|f| std::fs::read(&f).ok().map(|t| (f, t))).collect();
    let bytes: usize = texts.iter().map(|(_, t)| t.len()).sum();
    let start = Instant::now();
    let mut statements = 0;
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let options = syntax::Options::default();
    for (path, bytes) in &texts {
        let (text, script) = syntax::parse_bytes(bytes, &options, None);
        statements += script.statements.len();
        for statement in &script.statements {
            let debug = format!("{:?}", statement.parsed.kind);
            let name = debug.split(['(', ' ']).next().unwrap_or("").to_owned();
            if let StatementKind::Invalid(error) | StatementKind::Template(error) = &statement.parsed.kind {
                if verbose {
                    println!(
                        "{}: {name} {} | {}",
                        path.display(),
                        error.message,
                        statement.parsed.text.chars().take(100).collect::<String>().replace('\n', " ")
                    );
                }
            }
            let body = match &statement.parsed.kind {
                StatementKind::Do(d) => Some((&d.body, d.language.as_str())),
                StatementKind::CreateFunction(f) => f.body.as_ref().map(|b| (b, f.language.as_str())),
                _ => None,
            };
            if let Some((body, language)) = body {
                *kinds.entry(format!("bodies {language}")).or_default() += 1;
                *kinds.entry(format!("lowered {language}")).or_default() += body.statements.len();
                *kinds.entry(format!("opaque {language}")).or_default() += body.opaque.len();
                for span in &body.opaque {
                    if verbose && matches!(language, "plpgsql" | "sql") {
                        println!(
                            "{}: opaque {}",
                            path.display(),
                            span.slice(&statement.parsed.text).chars().take(160).collect::<String>().replace('\n', " ")
                        );
                    }
                }
            }
            let mut rest = debug.as_str();
            while let Some(at) = rest.find("Span { start: ") {
                let inner = &rest[at + 14..];
                let close = inner.find(" }").unwrap();
                let mut n = inner[..close].split(", end: ").map(|n| n.parse::<usize>().unwrap());
                let (s, e) = (n.next().unwrap(), n.next().unwrap());
                if statement.parsed.text.get(s..e).is_none() {
                    println!("{}: BAD SPAN {s}..{e} in {}", path.display(), statement.parsed.text);
                }
                rest = &inner[close..];
            }
            *kinds.entry(name).or_default() += 1;
        }
        if split {
            if let Ok(pieces) = pg_query::split_with_parser(&text) {
                let theirs: Vec<usize> = pieces
                    .iter()
                    .map(|p| {
                        let at = p.as_ptr() as usize - text.as_ptr() as usize;
                        let lead = script_lead(p);
                        at + lead
                    })
                    .collect();
                let ours: Vec<usize> = script.statements.iter().map(|s| s.span.start as usize).collect();
                if theirs != ours {
                    println!("{}: SPLIT {theirs:?} {ours:?}", path.display());
                }
                *kinds.entry("split compared".into()).or_default() += 1;
            } else {
                *kinds.entry("split failed there".into()).or_default() += 1;
            }
        }
    }
    println!("{} files {bytes} bytes {statements} statements {:?}", texts.len(), start.elapsed());
    println!("{kinds:?}");
}

fn script_lead(p: &str) -> usize {
    let tokens = syntax::lex::tokens(p);
    tokens.iter().find(|t| !t.is_comment()).map_or(0, |t| t.span.start as usize)
}

fn walk(path: PathBuf, out: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            walk(entry.path(), out);
        }
    } else if path.extension().is_some_and(|e| e == "sql") {
        out.push(path);
    }
}
