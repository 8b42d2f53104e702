//! How much work a run does, counted instead of timed: what is read, parsed and judged for which question.
//!
//! A number that grows says that something is done twice. Rewrite with `UPDATE_EXPECT=1`, and say why in the commit.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine::{Class, Engine, Files, Live, Options};
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
        lint the last file               205 files read   714 statements    345 rules called
        fix the last file                210 files read   714 statements    345 rules called
        explain all                      200 files read   700 statements      0 rules called
        lint all                         353 files read  1404 statements  24288 rules called
        fix all                          506 files read  1404 statements  24288 rules called
        an editor opens the last file    205 files read   714 statements    345 rules called
        and asks again                   205 files read   714 statements    345 rules called
        a statement is typed             206 files read   718 statements    414 rules called
    "#]]
    .assert_eq(&out);
}

#[test]
fn an_editor_pays_for_what_an_edit_reaches() {
    let mut history = generated::history(FILES);
    let directory = Path::new("/project/migrations");
    let mut files = Files::memory(Path::new("/project"));
    // The last one is large, as a seed is.
    let rows = generated::large(1 << 18);
    history.push((format!("{:05}_seed.sql", FILES + 1), format!("-- +goose Up\n{rows}")));
    for (name, text) in &history {
        files.put(&directory.join(name), Some(text.as_str().into()));
    }
    let paths: Vec<PathBuf> = history.iter().map(|(name, _)| directory.join(name)).collect();
    let (first, last) = (&paths[0], &paths[FILES]);
    let engine = Engine::new(files.clone()).unwrap();
    let mut live = Live::load(&engine, &Options::default(), last).unwrap();

    let mut out = String::new();
    let mut update = |what: &str, open: &[&PathBuf], edit: Option<(&PathBuf, String)>| {
        let before = (live.work, engine.cache.statements_parsed(), engine.rules_called(), engine.files.reads());
        let changed: Vec<PathBuf> = edit.iter().map(|(path, _)| (*path).clone()).collect();
        if let Some((path, text)) = edit {
            files.put(path, Some(text.into()));
        }
        let open: Vec<PathBuf> = open.iter().map(|path| (*path).clone()).collect();
        assert!(live.update(files.clone(), &open, &changed));
        let work = live.work;
        let _ = writeln!(
            out,
            "{what:42}{:3} files read {:5} parsed {:5} folded {:5} judged {:4} rules called",
            engine.files.reads() - before.3,
            engine.cache.statements_parsed() - before.1,
            work.folded - before.0.folded,
            work.judged - before.0.judged,
            engine.rules_called() - before.2
        );
    };
    let text = |at: usize| history[at].1.clone();
    update("a large migration is opened", &[last], None);
    update("a statement is typed at its end", &[last], Some((last, format!("{}SELECT 1;\n", text(FILES)))));
    update("a word is typed at its start", &[last], Some((last, text(FILES).replacen("Up\n", "Up\nALTER TAB\n", 1))));
    update("and taken away", &[last], Some((last, text(FILES))));
    let made = text(FILES).replacen("Up\n", "Up\nCREATE TABLE typed ();\n", 1);
    update("a table is made at its start", &[last], Some((last, made)));
    update("the first migration is opened as well", &[last, first], None);
    update("a comment is typed in it", &[last, first], Some((first, format!("{}-- more\n", text(0)))));
    let typed = format!("{}ALTER TABLE t0 ADD COLUMN typed int;\n", text(0));
    update("a column is typed in it", &[last, first], Some((first, typed)));
    expect![[r#"
        a large migration is opened                 0 files read     0 parsed     0 folded  3323 judged   69 rules called
        a statement is typed at its end             1 files read     1 parsed     0 folded    28 judged   69 rules called
        a word is typed at its start                1 files read     1 parsed     0 folded  3323 judged   69 rules called
        and taken away                              1 files read     0 parsed     0 folded  3323 judged   69 rules called
        a table is made at its start                1 files read     1 parsed     0 folded    33 judged   69 rules called
        the first migration is opened as well       0 files read     0 parsed     0 folded     3 judged   69 rules called
        a comment is typed in it                    1 files read     0 parsed     0 folded     0 judged   69 rules called
        a column is typed in it                     1 files read     1 parsed   199 folded     4 judged  138 rules called
    "#]].assert_eq(&out);
}
