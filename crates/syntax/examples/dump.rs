//! Prints the script of a file on one line per statement, each span as the text below it.
#![allow(clippy::print_stdout)]

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let script = syntax::parse(&text, &syntax::Options::default());
    for statement in &script.statements {
        let parsed = &statement.parsed;
        println!("{}..{} {}", statement.span.start, statement.end, drawn(&parsed.text, &format!("{:?}", parsed.kind)));
        if let Some(needs) = &parsed.needs {
            println!("    needs {} {} ‹{}›", needs.major, needs.construct, needs.span.slice(&parsed.text));
        }
    }
    println!("{:?} {:?}", script.comments, script.masked);
}

/// Replaces each `Span { start: 1, end: 2 }` by what stands there.
fn drawn(text: &str, debug: &str) -> String {
    let mut out = String::new();
    let mut rest = debug;
    while let Some(at) = rest.find("Span { start: ") {
        out.push_str(&rest[..at]);
        let inner = &rest[at + "Span { start: ".len()..];
        let close = inner.find(" }").unwrap_or(inner.len());
        let mut numbers = inner[..close].split(", end: ").filter_map(|number| number.parse::<usize>().ok());
        let (start, end) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        out.push('‹');
        out.push_str(text.get(start..end).unwrap_or("?"));
        out.push('›');
        rest = &inner[(close + 2).min(inner.len())..];
    }
    out.push_str(rest);
    out
}
