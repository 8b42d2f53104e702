//! The passes, each by itself, and the whole: `cargo bench -p safestep-tests`.
//!
//! Ratios between two versions on one machine mean something; the times themselves belong to the machine.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use engine::{Engine, Files, Options};
use model::runner::{Messages, Runner, RunnerTransaction};
use model::schema::{Born, Schema};
use model::trace::{MAJORS, Session, Settings, Unit, fold, trace};
use safestep_tests::generated;
use syntax::ast::Script;

const FILES: usize = 2000;
const LARGE: usize = 20 << 20;

fn scripts(texts: &[(String, String)]) -> Vec<Script> {
    texts.iter().map(|(_, text)| syntax::parse(text, &syntax::Options::default())).collect()
}

fn engine(texts: &[(String, String)]) -> Engine {
    let mut files = Files::memory(Path::new("/project"));
    for (name, text) in texts {
        files.put(&Path::new("/project/migrations").join(name), Some(text.as_str().into()));
    }
    Engine::new(files).unwrap()
}

/// Judges what lies below a path.
fn lint(engine: &Engine, path: &str) -> usize {
    let options = Options { paths: vec![PathBuf::from(path)], ..Options::default() };
    engine.lint(&options, None).unwrap().report.findings.len()
}

fn benchmarks(criterion: &mut Criterion) {
    let history = generated::history(FILES);
    let large = vec![("00001_seed.sql".to_owned(), format!("-- +goose Up\n{}", generated::large(LARGE)))];
    let bytes = |texts: &[(String, String)]| Throughput::Bytes(texts.iter().map(|(_, text)| text.len() as u64).sum());

    for (name, texts) in [("many", &history), ("large", &large)] {
        let mut group = criterion.benchmark_group("parse");
        group.sample_size(10).throughput(bytes(texts));
        group.bench_function(name, |bencher| bencher.iter_with_large_drop(|| scripts(texts)));
        group.finish();

        let mut group = criterion.benchmark_group("lint");
        group.sample_size(10).throughput(bytes(texts));
        // Each with a cache of its own, as a process begins.
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || engine(texts),
                |engine| black_box(lint(engine, "/project/migrations")),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }

    let parsed = scripts(&history);
    let settings = Settings { majors: MAJORS, external_timeouts: false };
    let runner = Runner {
        name: "goose",
        transaction: RunnerTransaction::Unit,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    let mut group = criterion.benchmark_group("model");
    group.sample_size(10).throughput(Throughput::Elements(FILES as u64));
    group.bench_function("fold", |bencher| {
        bencher.iter(|| {
            let begin = (Schema { complete: true, ..Schema::default() }, Session::default());
            parsed.iter().fold(begin, |(schema, session), script| {
                fold(&schema, &session, &Unit { script, runner: &runner }, &settings, Born::Before)
            })
        });
    });
    group.bench_function("judge", |bencher| {
        bencher.iter(|| {
            let begin = (Schema { complete: true, ..Schema::default() }, Session::default());
            parsed.iter().fold(begin, |(schema, session), script| {
                let trace = trace(&schema, &session, &Unit { script, runner: &runner }, &settings);
                (trace.after.aged(&schema, Born::Before), trace.session_after)
            })
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("keystroke");
    group.sample_size(10);
    // What an editor waits for: the last migration of a history whose statements are known.
    group.bench_function("last of many", |bencher| {
        let engine = engine(&history);
        let last = PathBuf::from("/project/migrations").join(&history.last().unwrap().0);
        let mut typed = 0;
        lint(&engine, last.to_str().unwrap());
        bencher.iter(|| {
            typed += 1;
            let mut files = engine.files.clone();
            let text = format!("{}ALTER TABLE t0 ADD COLUMN typed{typed} int;\n", history.last().unwrap().1);
            files.put(&last, Some(Arc::from(text)));
            lint(&engine.on(files), last.to_str().unwrap())
        });
    });
    group.finish();
}

fn main() {
    // Trees may be deep.
    let thread = std::thread::Builder::new().stack_size(engine::STACK).spawn(|| {
        let mut criterion = Criterion::default().configure_from_args();
        benchmarks(&mut criterion);
        criterion.final_summary();
    });
    thread.unwrap().join().unwrap();
}
