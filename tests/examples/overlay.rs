//! Scratch: rewrites every unit of a history (JSON on stdin) into an overlay directory.
use model::plan::Class;
use model::runner::*;
use model::schema::*;
use model::trace::*;
use syntax::{Options, Span};
#[derive(serde::Deserialize)]
struct Unit0 { name: String, sql: String, tx: Option<bool> }
#[derive(serde::Deserialize)]
struct Recipe { repo: String, pre: String, units: Vec<Unit0> }
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let out = std::path::PathBuf::from(&args[1]);
    let allowed = if args[2] == "unsafe" { Class::Unsafe } else { Class::Safe };
    let recipes: Vec<Recipe> = serde_json::from_reader(std::io::stdin()).unwrap();
    let settings = Settings { majors: 14..=18, external_timeouts: true };
    let options = Options::default();
    let mut reasons: std::collections::BTreeMap<String, usize> = std::default::Default::default();
    let mut parts_total = 0; let mut changed_total = 0;
    for r in recipes {
        let empty = Schema { complete: true, ..Schema::default() };
        let plain = Runner { name: "x", transaction: RunnerTransaction::None, messages: Messages::Each, opt_out: None, opted_out: false, resets_session: true };
        let pre = syntax::parse(&r.pre, &options);
        let mut session = Session::default();
        let mut schema = { let t = trace(&empty, &session, &Unit { script: &pre, runner: &plain }, &settings); session = t.session_after.clone(); t.after.aged(&empty, Born::Before) };
        for u in r.units {
            let runner = match u.tx {
                Some(true) => Runner { transaction: RunnerTransaction::Unit, ..plain.clone() },
                Some(false) => plain.clone(),
                None => Runner { messages: Messages::Whole, ..plain.clone() },
            };
            let script = syntax::parse(&u.sql, &options);
            let start = std::time::Instant::now();
            let t = trace(&schema, &session, &Unit { script: &script, runner: &runner }, &settings);
            for (i, j) in t.judged.iter().enumerate() {
                if let Some(f) = &j.fails { println!("FAILS {} {} {:?} {}: {}", r.repo, u.name, f.when, f.message, script.statements[i].parsed.text.replace('\n', " ").chars().take(150).collect::<String>()); }
            }
            let chosen: Vec<(usize, usize)> = t.judged.iter().enumerate().flat_map(|(s, j)| (0..j.operations.len()).map(move |o| (s, o))).collect();
            let outcome = rewrite::rewrite(&rewrite::Request { text: &u.sql, section: Span::new(0, u.sql.len()), script: &script, options: &options, trace: &t, session: &session, runner: &runner, marks: &[], chosen: &chosen, allowed, parameters: rewrite::Parameters { batch: 100, pause: 0 } });
            let ms = start.elapsed().as_millis();
            if ms > 500 { println!("SLOW {} {} {ms}ms", r.repo, u.name); }
            for (s, o, reason) in &outcome.plan.withheld {
                *reasons.entry(format!("{:?}: {}", t.judged[*s].operations[*o].kind, reason)).or_default() += 1;
                if reason.contains("same schema") || reason.contains("would fail") || reason.contains("still block") || reason.contains("not understood") || reason.contains("not known") || reason.contains("told apart") || reason.contains("must run as") {
                    println!("WITHHELD {} {} {s}.{o} {reason}: {}", r.repo, u.name, script.statements[*s].parsed.text.replace('\n', " ").chars().take(200).collect::<String>());
                }
            }
            if outcome.changed {
                changed_total += 1; parts_total += outcome.plan.parts.len();
                let dir = out.join(r.repo.replace('/', "__")).join(format!("{}.d", u.name.split('#').next().unwrap()));
                std::fs::create_dir_all(&dir).unwrap();
                for (i, p) in outcome.plan.parts.iter().enumerate() {
                    let mut text = String::from(if p.transaction { "-- part\n" } else { "-- no-transaction\n" });
                    for s in &p.settings { text += &s.sql; text.push('\n'); }
                    for s in &p.steps { if s.spaced { text.push('\n'); } text += &s.sql; text.push('\n'); }
                    std::fs::write(dir.join(format!("{i:04}_{}.sql", p.title)), text).unwrap();
                }
            }
            if outcome.changed {
                let mut now = schema.clone();
                let mut again = 0;
                for p in &outcome.plan.parts {
                    let mut text = String::new();
                    for s in &p.settings { text += &s.sql; text.push('\n'); }
                    for s in &p.steps { text += &s.sql; text.push('\n'); }
                    let script = syntax::parse(&text, &options);
                    let runner = Runner { transaction: if p.transaction { RunnerTransaction::Unit } else { RunnerTransaction::None }, ..plain.clone() };
                    let t2 = trace(&now, &session, &Unit { script: &script, runner: &runner }, &settings);
                    let chosen: Vec<(usize, usize)> = t2.judged.iter().enumerate().flat_map(|(s, j)| (0..j.operations.len()).map(move |o| (s, o))).collect();
                    let second = rewrite::rewrite(&rewrite::Request { text: &text, section: Span::new(0, text.len()), script: &script, options: &options, trace: &t2, session: &session, runner: &runner, marks: &[], chosen: &chosen, allowed, parameters: rewrite::Parameters { batch: 100, pause: 0 } });
                    if second.changed { again += 1; println!("AGAIN {} {}\n{text}--->", r.repo, u.name); for p in &second.plan.parts { println!("== {}", p.title); for s in &p.steps { println!("{}", s.sql); } } }
                    for (i, j) in t2.judged.iter().enumerate() {
                        if let Some(f) = &j.fails { if f.when == model::effect::FailsWhen::Always { println!("PARTFAILS {} {} {}: {}", r.repo, u.name, f.message, script.statements[i].parsed.text); } }
                    }
                    now = t2.after.aged(&t2.before, Born::Pending);
                }
                let _ = again;
            }
            schema = t.after.aged(&t.before, Born::Before);
        }
    }
    println!("changed {changed_total} into {parts_total} parts");
    let mut list: Vec<_> = reasons.into_iter().collect();
    list.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (reason, n) in list.iter().take(70) { println!("{n:6} {reason}"); }
}
