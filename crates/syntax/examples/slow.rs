#![allow(clippy::unwrap_used)]
//! Timing of bad inputs.
#![allow(clippy::print_stdout)]
use std::time::Instant;
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let time = |name: &str, text: &str| {
        let t = Instant::now();
        let script = syntax::parse(text, &syntax::Options::default());
        println!(
            "{:>9.1?} {} statements, {} bytes: {}",
            t.elapsed(),
            script.statements.len(),
            text.len(),
            name.escape_debug()
        );
    };
    for line in [
        "CREATE '\n",
        "SELECT /*\n",
        "/*",
        "SELECT $a$ '\n",
        "COPY t FROM stdin;\nx\n",
        "(",
        "\\x \\",
        "${",
        "{{ ",
        "'\n;",
        ";'\nDROP ",
    ] {
        time(line, &line.repeat(n / line.len()));
    }
    let text: String = (0..n / 15).map(|number| format!("SELECT $t{number}$\n")).collect();
    time("dollars", &text);
    let deep = |open: &str, inner: &str, close: &str, times: usize| {
        format!("SELECT {}{inner}{}", open.repeat(times), close.repeat(times))
    };
    for times in [500, n / 10] {
        for text in [
            deep("(", "1", ")", times),
            deep("ARRAY[", "1", "]", times),
            deep("(SELECT ", "1", ")", times),
            deep("NOT ", "true", "", times),
            deep("- ", "1", "", times),
            deep("CASE WHEN true THEN ", "1", " END", times),
            deep("f(", "1", ")", times),
            deep("", "1", " + 1", times),
            deep("", "'a'", " || b", times),
            deep("", "a", " AND a", times),
            deep("", "1", "::int", times),
            deep("", "1", " UNION ALL SELECT 1", times),
            format!("CREATE TABLE t (a int DEFAULT {})", "1 + ".repeat(times) + "1"),
            format!("SELECT 1 {}{}", "/*".repeat(times), "*/".repeat(times)),
            "SELECT 1 ".to_owned() + &"/*".repeat(times),
            format!("DO $$BEGIN {} {} END$$", "IF f() THEN ".repeat(times), "END IF;".repeat(times)),
            "SELECT ".to_owned() + &"(".repeat(times) + ";\nSELECT 1;",
        ] {
            time(&text[..30], &text);
        }
    }
}
