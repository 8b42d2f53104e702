//! How much work a run does, counted instead of timed: what is read, parsed and judged for which question.
//!
//! A number that grows says that something is done twice. Rewrite with `UPDATE_EXPECT=1`, and say why in the commit.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine::{Class, Engine, Files, Options};
use expect_test::expect;
use safestep_tests::generated;

const FILES: usize = 200;

/// What one question costs: files read, statements asked for, how many of these were parsed, and rules called.
fn cost(engine: &Engine, ask: impl FnOnce(&Engine)) -> [u64; 4] {
    let counts = || {
        let (parsed, known) = (engine.cache.statements_parsed(), engine.cache.hits());
        [engine.files.reads(), parsed + known, parsed, engine.rules_called()]
    };
    let before = counts();
    ask(engine);
    let after = counts();
    [0, 1, 2, 3].map(|at| after[at] - before[at])
}

#[test]
fn every_statement_is_parsed_once() {
    let mut history = generated::history(FILES);
    let directory = Path::new("/project/migrations");
    let mut files = Files::memory(Path::new("/project"));
    for (name, text) in &history {
        files.put(&directory.join(name), Some(text.as_str().into()));
    }
    let statements: u64 =
        history.iter().map(|(_, text)| syntax::parse(text, &syntax::Options::default()).statements.len() as u64).sum();
    let (last, text) = history.pop().unwrap();
    let last = directory.join(last);
    let one = Options { paths: vec![last.clone()], ..Options::default() };
    let all = Options { paths: vec![PathBuf::from("migrations")], ..Options::default() };

    let mut out = format!("{FILES} files, {statements} statements\n");
    let new = || Engine::new(files.clone()).unwrap();
    let mut draw = |name: &str, [read, asked, _, rules]: [u64; 4]| {
        let _ = writeln!(out, "{name:32}{read:4} files read {asked:5} statements {rules:6} rules called");
    };
    for (name, options) in [("the last file", &one), ("all", &all)] {
        let cost_of_explain = cost(&new(), |it| drop(it.explain(options).unwrap()));
        assert_eq!(cost_of_explain[2], statements, "each is parsed once");
        draw(&format!("explain {name}"), cost_of_explain);
        draw(&format!("lint {name}"), cost(&new(), |it| drop(it.lint(options, None).unwrap())));
        draw(&format!("fix {name}"), cost(&new(), |it| drop(it.lint(options, Some(Class::Safe)).unwrap())));
    }

    let engine = new();
    draw("an editor opens the last file", cost(&engine, |it| drop(it.judge(&one).unwrap())));
    let again = cost(&engine, |it| drop(it.judge(&one).unwrap()));
    assert_eq!(again[2], 0, "nothing is parsed twice");
    draw("and asks again", again);
    let mut typed = files.clone();
    typed.put(&last, Some(format!("{text}ALTER TABLE t0 ADD COLUMN typed int;\n").into()));
    let typed = cost(&engine.on(typed), |it| drop(it.judge(&one).unwrap()));
    assert_eq!(typed[2], 1, "only the new statement is parsed");
    draw("a statement is typed", typed);
    expect![[r#"
        200 files, 700 statements
        explain the last file            200 files read   700 statements      0 rules called
        lint the last file               210 files read   728 statements    345 rules called
        fix the last file                215 files read   728 statements    345 rules called
        explain all                      200 files read   700 statements      0 rules called
        lint all                         308 files read  1218 statements  17457 rules called
        fix all                          362 files read  1218 statements  17457 rules called
        an editor opens the last file    210 files read   728 statements    345 rules called
        and asks again                   210 files read   728 statements    345 rules called
        a statement is typed             212 files read   735 statements    414 rules called
    "#]]
    .assert_eq(&out);
}
