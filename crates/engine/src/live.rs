//! A history as an editor keeps it: loaded once, and judged again only where a text has changed.
//!
//! States before each migration are kept, so an edit costs the migration that it is in, and the later ones only when it
//! leaves another schema. Of the migration itself only the statements are judged again that the edit reaches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diagnostics::{FileChange, Finding, Fix, Planned, Sources};
use model::plan::Class;
use model::schema::Schema;
use model::trace::{Record, Session, Settings, Trace, Unit, fold, trace_again};
use project::load::{History, Request};
use project::migration::{Key, Migration};
use rayon::prelude::*;
use syntax::ast::Script;

use crate::explain::{self, Comparison, ExplainedSection};
use crate::findings::{self, Found};
use crate::view::{self, Begin, FileView, HistoryView, SectionView};
use crate::{Engine, Error, Files, Options, fix};

/// One history, with the files of it that are open.
#[derive(Debug)]
pub struct Live {
    engine: Engine,
    options: Options,
    history: Arc<History>,
    settings: Settings,
    /// By migration and unit.
    scripts: Vec<Vec<Arc<Script>>>,
    /// Before each migration, and after the last one.
    states: Vec<State>,
    /// By migration.
    open: BTreeMap<usize, Opened>,
    /// Why git cannot tell what is pending, as whole sentences.
    pub notes: Vec<String>,
    /// How much work was done since the history was loaded.
    pub work: Counts,
}

type State = (Schema, Session);

/// Work that was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Migrations executed only for the schema that they leave.
    pub folded: usize,
    /// Statements judged, and not taken over from before the edit.
    pub judged: usize,
    /// Sections that all rules looked at.
    pub linted: usize,
}

#[derive(Debug)]
struct Opened {
    /// By section of the migration.
    sections: Vec<(SectionView, Record)>,
    told: Option<Arc<Told>>,
}

/// What is said about one open migration: it stays as it is while the history goes on.
#[derive(Debug)]
pub struct Told {
    engine: Engine,
    options: Options,
    view: HistoryView,
    found: Found,
    /// Of all its files, without their fixes; see [`Told::offer`].
    pub findings: Vec<Finding>,
    /// Of all its files.
    pub sections: Vec<ExplainedSection>,
    /// It would be found without being opened; other SQL files are nobody's business unless asked.
    pub is_migration: bool,
    /// What its tool is known by.
    pub because: String,
    /// Not applied anywhere as far as git knows; `None` when git cannot tell.
    pub pending: Option<bool>,
    /// Why git cannot tell, as a whole sentence; `None` as well where there is no repository.
    pub unknown: Option<String>,
    /// Its tool complains of the file when it is edited after it was applied.
    pub checksum: bool,
}

/// Why a file is not part of any history.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// As a phrase: `is a schema dump, not a migration`.
    Skipped(String),
    /// A wrong configuration, or a neighbour that cannot be read.
    Errors(Vec<Error>),
}

impl Live {
    /// Loads the history that a file belongs to, which may exist only in the overlay of the engine's files.
    ///
    /// # Errors
    /// The file is left out, or it cannot be known how it is judged.
    pub fn load(engine: &Engine, options: &Options, path: &Path) -> Result<Self, Refusal> {
        engine.pool.install(|| load(engine, options, path))
    }

    /// Takes the texts that the files have now. The files named in `open` are judged, those in `changed` are read again.
    /// `false`: a text now points at another tool, or a file is gone; load the history again.
    pub fn update(&mut self, files: Files, open: &[PathBuf], changed: &[PathBuf]) -> bool {
        let pool = Arc::clone(&self.engine.pool);
        pool.install(|| self.update_here(files, open, changed))
    }

    /// The file belongs to a migration of this history.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        project::load::of_file(&self.history, path).is_some()
    }

    /// The directory that holds all of it.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.history.root
    }

    /// What is said about the migration of an open file.
    #[must_use]
    pub fn told(&self, path: &Path) -> Option<&Arc<Told>> {
        let at = project::load::of_file(&self.history, path)?;
        self.open.get(&at)?.told.as_ref()
    }

    fn update_here(&mut self, files: Files, open: &[PathBuf], changed: &[PathBuf]) -> bool {
        self.engine = self.engine.on(files);
        let mut dirty: Vec<usize> =
            changed.iter().filter_map(|path| project::load::of_file(&self.history, path)).collect();
        dirty.sort_unstable();
        dirty.dedup();
        // What is told of the texts before goes, so that the history can be changed in place where nobody else has it.
        for at in &dirty {
            if let Some(opened) = self.open.get_mut(at) {
                opened.told = None;
            }
            let Some(migration) = project::load::renew(&self.engine.files, &self.history, *at) else { return false };
            let old = self.history.migrations[*at].units.iter().zip(&self.scripts[*at]);
            let mut old = old.map(Some).chain(std::iter::repeat(None));
            let read = |unit| Arc::new(view::parse_again(&self.engine, unit, old.next().flatten()));
            self.scripts[*at] = migration.units.iter().map(read).collect();
            Arc::make_mut(&mut self.history).migrations[*at] = migration;
        }
        let wanted: Vec<usize> = open.iter().filter_map(|path| project::load::of_file(&self.history, path)).collect();
        self.open.retain(|at, _| wanted.contains(at));
        for at in wanted {
            self.open.entry(at).or_insert_with(|| {
                dirty.push(at);
                Opened { sections: Vec::new(), told: None }
            });
        }
        self.judge(dirty);
        true
    }

    /// Judges migrations again, and those behind them for as far as their schemas differ from before.
    fn judge(&mut self, mut dirty: Vec<usize>) {
        dirty.sort_unstable();
        dirty.dedup();
        let mut dirty = dirty.into_iter().peekable();
        let latest = self.states.last().cloned();
        while let Some(mut at) = dirty.next() {
            while at < self.history.migrations.len() {
                let after = self.execute(at);
                let reached = self.states.get(at + 1).is_some_and(|known| *known == after);
                if at + 1 < self.states.len() {
                    self.states[at + 1] = after;
                } else {
                    self.states.push(after);
                }
                if reached {
                    break;
                }
                at += 1;
                dirty.next_if(|next| *next <= at);
            }
        }
        if !matches!((&latest, self.states.last()), (Some(old), Some(new)) if old.0 == new.0) {
            self.open.values_mut().for_each(|opened| opened.told = None);
        }
        let missing: Vec<usize> =
            self.open.iter().filter(|(_, opened)| opened.told.is_none()).map(|(at, _)| *at).collect();
        for at in missing {
            let (told, folded) = self.tell(at);
            self.work.folded += folded;
            if let Some(opened) = self.open.get_mut(&at) {
                self.work.linted += opened.sections.len();
                opened.told = Some(Arc::new(told));
            }
        }
    }

    /// Executes one migration and gives the state that it leaves; an open one is judged.
    fn execute(&mut self, at: usize) -> State {
        let migration = &self.history.migrations[at];
        let born = view::born(migration);
        let begins = if view::stands_alone(migration) { State::default() } else { self.states[at].clone() };
        let Some(up) = migration.units.iter().position(|unit| unit.section == project::migration::Section::Up) else {
            return begins;
        };
        let unit_of = |index: usize| Unit { script: &self.scripts[at][index], runner: &migration.units[index].runner };
        let Some(opened) = self.open.get_mut(&at) else {
            self.work.folded += 1;
            return fold(&begins.0, &begins.1, &unit_of(up), &self.settings, born);
        };
        opened.told = None;
        let mut old = std::mem::take(&mut opened.sections);
        let downs = (0..migration.units.len()).filter(|index| *index != up);
        let (mut schema, mut state) = (begins.0.clone(), begins.clone());
        for index in std::iter::once(up).chain(downs) {
            let session = if index == up { begins.1.clone() } else { Session::default() };
            let earlier = old.iter().position(|(section, _)| section.unit == index).map(|it| old.swap_remove(it));
            let was = earlier.as_ref().map(|(section, _)| (section.trace.before.clone(), section.trace.after.clone()));
            let earlier = earlier.as_ref().map(|(section, record)| (&*section.trace, record.clone()));
            let (trace, record) = trace_again(&schema, &session, &unit_of(index), &self.settings, earlier);
            self.work.judged += record.judged;
            if index == up {
                // To age a schema copies what is new in it, which may be much.
                let was = was.filter(|(before, _)| before.is_same(&begins.0));
                let like = was.as_ref().zip(self.states.get(at + 1)).map(|((_, after), (aged, _))| (after, aged));
                let aged = like.and_then(|like| trace.after.aged_like(&begins.0, born, like));
                schema = aged.unwrap_or_else(|| trace.after.aged(&begins.0, born));
                state = (schema.clone(), trace.session_after.clone());
            }
            let trace: Arc<Trace> = Arc::new(trace);
            let script = self.scripts[at][index].clone();
            opened.sections.push((SectionView { unit: index, script, session, trace }, record));
        }
        state
    }

    /// Also gives how many sections of other migrations were executed for it.
    fn tell(&self, at: usize) -> (Told, usize) {
        let migration: &Migration = &self.history.migrations[at];
        let sections = self.open.get(&at).into_iter().flat_map(|it| &it.sections).map(|(section, _)| section.clone());
        // Who opens a file names it.
        let pending = migration.pending.unwrap_or(true);
        let file = FileView { migration: at, pending, sections: sections.collect() };
        let latest = self.states.last().map_or_else(Schema::default, |(schema, _)| schema.clone());
        let mut files = vec![file];
        let folded = view::judge_undone(&self.history, &self.scripts, &self.settings, &latest, &mut files);
        let history = Arc::clone(&self.history);
        let view = HistoryView { history, settings: self.settings.clone(), files, latest };
        let found = findings::find(&self.engine, &self.options, &view, &view.files[0]);
        let judged = findings::finish(&self.engine, &view, &view.files[0], found.clone(), &[]);
        let told = Told {
            engine: self.engine.on(self.engine.files.clone()),
            options: self.options.clone(),
            found,
            findings: judged.findings,
            sections: explain::sections(&view, &view.files[0]),
            is_migration: project::load::is_migration(&self.engine.files, &self.history, migration),
            because: self.history.because.clone(),
            pending: migration.pending,
            unknown: self.notes.iter().find(|note| *note != project::git::NO_REPOSITORY).cloned(),
            checksum: self.history.tool.checksums && !matches!(migration.key, Key::Repeatable(_)),
            view,
        };
        (told, folded)
    }
}

impl Told {
    /// The fix of some of the findings and of nothing else, at the lowest class that has one.
    #[must_use]
    pub fn offer(&self, findings: &[&Finding]) -> Option<Arc<Fix>> {
        let is_wanted = |it: &Finding| findings.iter().any(|wanted| wanted.fingerprint == it.fingerprint);
        let wanted = self.findings.iter().enumerate().filter(|(_, it)| is_wanted(it)).map(|(at, _)| at).collect();
        let found = Found { wanted, ..self.found.clone() };
        self.engine.pool.install(|| fix::offer(&self.engine, &self.options, &self.view, &self.view.files[0], &found))
    }

    /// The safe fix of as much as leaves the migration in one piece.
    #[must_use]
    pub fn offer_whole(&self) -> Option<Arc<Fix>> {
        let Self { engine, options, view, found, .. } = self;
        engine.pool.install(|| fix::offer_whole(engine, options, view, &view.files[0], found))
    }

    /// What fixing everything up to a class would write, and whether that takes the migration apart.
    #[must_use]
    pub fn fix(&self, class: Class) -> (Vec<FileChange>, bool) {
        let fixed = self.engine.pool.install(|| fix::fix(&self.engine, &self.options, &self.view, class));
        (fixed.changes, fixed.split)
    }

    /// The migration beside what it would run after fixing everything up to a class.
    #[must_use]
    pub fn compare(&self, class: Class) -> Vec<Comparison> {
        let histories = std::slice::from_ref(&self.view);
        self.engine.pool.install(|| fix::compare(&self.engine, &self.options, histories, class))
    }

    /// The steps that fixing everything up to a class would write; `None` when there is nothing to say.
    #[must_use]
    pub fn plan(&self, class: Class) -> (Vec<Planned>, Sources) {
        self.engine.pool.install(|| fix::plan(&self.engine, &self.options, std::slice::from_ref(&self.view), class))
    }
}

fn load(engine: &Engine, options: &Options, path: &Path) -> Result<Live, Refusal> {
    let names: Vec<&str> = view::rule_names().collect();
    let paths = [path.to_owned()];
    let request = Request {
        paths: &paths,
        pending: false,
        tool: options.tool,
        editor: options.editor,
        since: options.since.as_deref(),
        rule_names: &names,
    };
    let project = project::load::load(&engine.files, &request).map_err(Refusal::Errors)?;
    let own = |history: &History| project::load::of_file(history, path).is_some();
    let Some(history) = project.histories.into_iter().find(own) else {
        let skipped = project.skipped.into_iter().find(|skipped| skipped.path == path);
        return Err(Refusal::Skipped(skipped.map_or_else(|| "is no migration".to_owned(), |skipped| skipped.reason)));
    };
    let parse = |migration: &Migration| -> Vec<Arc<Script>> {
        migration.units.iter().map(|unit| Arc::new(view::parse(engine, unit))).collect()
    };
    let scripts = history.migrations.par_iter().map(parse).collect();
    let (settings, Begin { schema, session }) = view::beginning(options, &history);
    let mut live = Live {
        engine: engine.on(engine.files.clone()),
        options: options.clone(),
        settings,
        history: Arc::new(history),
        scripts,
        states: vec![(schema, session)],
        open: BTreeMap::new(),
        notes: project.notes,
        work: Counts::default(),
    };
    live.judge(vec![0]);
    Ok(live)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::expect;

    use super::*;

    const DIRECTORY: &str = "/project/migrations";

    fn path(name: &str) -> PathBuf {
        Path::new(DIRECTORY).join(name)
    }

    /// An editor with some files open.
    struct Editor {
        engine: Engine,
        live: Live,
        open: Vec<PathBuf>,
    }

    impl Editor {
        fn new(files: &[(&str, &str)], open: &[&str]) -> Self {
            let mut all = Files::memory(Path::new("/project"));
            for (name, text) in files {
                all.put(&path(name), Some((*text).into()));
            }
            let engine = Engine::new(all).expect("threads");
            let open: Vec<PathBuf> = open.iter().map(|name| path(name)).collect();
            let mut live = Live::load(&engine, &Options::default(), &open[0]).expect("a history");
            assert!(live.update(engine.files.clone(), &open, &[]));
            Self { engine, live, open }
        }

        /// Types a text and draws the work that it takes and what is said then, which is what a new editor says.
        fn edit(&mut self, name: &str, text: &str) -> String {
            let before = self.live.work;
            self.engine.files.put(&path(name), Some(text.into()));
            assert!(self.live.update(self.engine.files.clone(), &self.open, &[path(name)]), "loaded again");
            let Counts { folded, judged, linted } = self.live.work;
            let mut drawn = format!(
                "{} folded, {} judged, {} linted\n",
                folded - before.folded,
                judged - before.judged,
                linted - before.linted
            );
            drawn.push_str(&self.draw());
            drawn
        }

        fn draw(&self) -> String {
            let mut drawn = String::new();
            for path in &self.open {
                let options = Options { paths: vec![path.clone()], ..Options::default() };
                let (anew, sections) = self.engine.judge(&options).expect("judged");
                let told = self.live.told(path).expect("told");
                let say = |it: &Finding| format!("  {}:{} {}\n", it.path.display(), it.span.start, it.message);
                let findings: String = told.findings.iter().map(say).collect();
                assert_eq!(findings, anew.report.findings.iter().map(say).collect::<String>());
                let fixed = self.engine.lint(&options, Some(Class::Safe)).expect("judged").changes;
                assert_eq!(format!("{:?}", told.fix(Class::Safe).0), format!("{fixed:?}"));
                for (new, old) in sections.iter().zip(&told.sections) {
                    assert!(new.trace.after == old.trace.after);
                    assert_eq!(new.text, old.text);
                }
                let _ = write!(drawn, "{}\n{findings}", path.display());
            }
            drawn
        }
    }

    const FIRST: &str = "-- +goose Up\nCREATE TABLE a (id bigint PRIMARY KEY, n int);\n-- +goose Down\nDROP TABLE a;\n";
    const SECOND: &str = "-- +goose Up\nCREATE TABLE b (id bigint PRIMARY KEY);\n";
    const THIRD: &str = "-- +goose Up\nCREATE INDEX a_n ON a (n);\n";

    #[test]
    fn an_edit_is_felt_where_it_matters() {
        let mut editor =
            Editor::new(&[("1_a.sql", FIRST), ("2_b.sql", SECOND), ("3_i.sql", THIRD)], &["1_a.sql", "3_i.sql"]);
        expect![[r#"
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 building index a_n holds SHARE on a: writes wait until it is built
        "#]]
        .assert_eq(&editor.draw());
        // A comment changes no schema.
        expect![[r#"
            0 folded, 0 judged, 2 linted
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 building index a_n holds SHARE on a: writes wait until it is built
        "#]]
        .assert_eq(&editor.edit("1_a.sql", &FIRST.replace("Up\n", "Up\n-- as it began\n")));
        expect![[r#"
            1 folded, 3 judged, 3 linted
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 this fails: column "n" does not exist (42703)
        "#]]
        .assert_eq(&editor.edit("1_a.sql", &FIRST.replace("n int", "m int")));
        expect![[r#"
            1 folded, 3 judged, 3 linted
            /project/migrations/1_a.sql
              migrations/1_a.sql:54 syntax error at end of input
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 building index a_n holds SHARE on a: writes wait until it is built
        "#]]
        .assert_eq(&editor.edit("1_a.sql", &FIRST.replace("n int)", "n int")));
        expect![[r#"
            1 folded, 3 judged, 3 linted
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 building index a_n holds SHARE on a: writes wait until it is built
        "#]]
        .assert_eq(&editor.edit("1_a.sql", FIRST));
        expect![[r#"
            0 folded, 2 judged, 3 linted
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 building index a_n holds SHARE on a: writes wait until it is built
              migrations/3_i.sql:40 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on b, reads and writes wait behind it
              migrations/3_i.sql:54 adding the UNIQUE constraint holds ACCESS EXCLUSIVE on b: reads and writes wait until its index is built
        "#]].assert_eq(&editor.edit("3_i.sql", &format!("{THIRD}ALTER TABLE b ADD UNIQUE (id);\n")));
        // Not open, but it counts.
        expect![[r#"
            1 folded, 1 judged, 3 linted
            /project/migrations/1_a.sql
            /project/migrations/3_i.sql
              migrations/3_i.sql:13 this fails: column "n" does not exist (42703)
              migrations/3_i.sql:40 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on b, reads and writes wait behind it
              migrations/3_i.sql:54 adding the UNIQUE constraint holds ACCESS EXCLUSIVE on b: reads and writes wait until its index is built
        "#]].assert_eq(&editor.edit("2_b.sql", &format!("{SECOND}ALTER TABLE a DROP COLUMN n;\n")));
    }

    /// The column goes with the Down section before, and nobody brings `m` back.
    #[test]
    fn an_older_down_section_meets_what_later_ones_leave() {
        let add = "-- +goose Up\nALTER TABLE a ADD COLUMN m int;\n-- +goose Down\nALTER TABLE a ADD COLUMN n int;\n";
        let drop = "-- +goose Up\nALTER TABLE a DROP COLUMN n;\n-- +goose Down\nALTER TABLE a DROP COLUMN m;\n";
        let files = [("1_a.sql", FIRST), ("2_m.sql", add), ("3_n.sql", drop)];
        let mut editor = Editor::new(&files, &["2_m.sql", "3_n.sql"]);
        expect![[r#"
            /project/migrations/2_m.sql
              migrations/2_m.sql:13 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
            /project/migrations/3_n.sql
              migrations/3_n.sql:13 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/3_n.sql:27 running code that uses a.n fails once the column is gone
        "#]].assert_eq(&editor.draw());
        expect![[r#"
            1 folded, 1 judged, 2 linted
            /project/migrations/2_m.sql
              migrations/2_m.sql:13 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/2_m.sql:74 this fails: column "id" of relation "a" already exists (42701)
            /project/migrations/3_n.sql
              migrations/3_n.sql:13 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/3_n.sql:27 running code that uses a.n fails once the column is gone
        "#]].assert_eq(&editor.edit("2_m.sql", &add.replace("COLUMN n", "COLUMN id")));
    }

    #[test]
    fn up_sections_go_missing_and_come_twice() {
        let whole = "-- migrate:up\nALTER TABLE a DROP COLUMN n;\n-- migrate:down\nALTER TABLE a ADD COLUMN n int;\n";
        let first = "-- migrate:up\nCREATE TABLE a (n int);\n-- migrate:down\nDROP TABLE a;\n";
        let mut editor = Editor::new(&[("1_a.sql", first), ("2_n.sql", whole)], &["2_n.sql"]);
        expect![[r#"
            0 folded, 0 judged, 2 linted
            /project/migrations/2_n.sql
              migrations/2_n.sql:0 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/2_n.sql:14 running code that uses a.n fails once the column is gone
              migrations/2_n.sql:0 dbmate refuses SQL before `-- migrate:up`; put the marker above it
              migrations/2_n.sql:29 dbmate refuses `-- migrate:down` before `-- migrate:up`; change their order
              migrations/2_n.sql:77 dbmate refuses a file without `-- migrate:up`; add it above the first statement
        "#]]
        .assert_eq(&editor.edit("2_n.sql", &whole.replace("-- migrate:up\n", "")));
        expect![[r#"
            0 folded, 0 judged, 2 linted
            /project/migrations/2_n.sql
              migrations/2_n.sql:14 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/2_n.sql:28 running code that uses a.n fails once the column is gone
        "#]].assert_eq(&editor.edit("2_n.sql", whole));
        expect![[r#"
            0 folded, 2 judged, 3 linted
            /project/migrations/2_n.sql
              migrations/2_n.sql:38 no lock_timeout is set: while this waits for ACCESS EXCLUSIVE on a, reads and writes wait behind it
              migrations/2_n.sql:52 running code that uses a.n fails once the column is gone
              migrations/2_n.sql:24 dbmate runs a second section of one kind, but then fails to record it; move it to a file of its own
        "#]].assert_eq(&editor.edit("2_n.sql", "-- migrate:up\nSELECT 1;\n-- migrate:up\nALTER TABLE a DROP COLUMN n;\n-- migrate:down\n"));
    }

    #[test]
    fn one_finding_is_fixed_by_itself() {
        let text = "-- +goose Up\nCREATE INDEX a_n ON a (n);\nALTER TABLE a ALTER COLUMN n SET NOT NULL;\n";
        let editor = Editor::new(&[("1_a.sql", FIRST), ("2_i.sql", text)], &["2_i.sql"]);
        let told = editor.live.told(&editor.open[0]).expect("told");
        let written = |findings: &[&Finding]| {
            let fix = told.offer(findings).expect("a fix");
            let files = fix.files.iter().filter_map(|change| change.new.clone());
            files.chain(fix.edits.iter().map(|edit| edit.text.clone())).collect::<Vec<_>>().join("\n")
        };
        let of = |rule: &str| told.findings.iter().find(|finding| finding.rule == rule).expect(rule);
        let index = written(&[of("blocking-index-creation")]);
        assert!(index.contains("CONCURRENTLY") && !index.contains("VALIDATE"), "{index}");
        let column = written(&[of("set-not-null-scan")]);
        assert!(!column.contains("CONCURRENTLY") && column.contains("VALIDATE"), "{column}");
        let all = written(&told.findings.iter().collect::<Vec<_>>());
        assert!(all.contains("CONCURRENTLY") && all.contains("VALIDATE"), "{all}");
    }

    #[test]
    fn files_open_and_close_and_belong_elsewhere() {
        let mut editor = Editor::new(&[("1_a.sql", FIRST), ("3_i.sql", THIRD)], &["3_i.sql"]);
        editor.open.push(path("1_a.sql"));
        assert!(editor.live.update(editor.engine.files.clone(), &editor.open, &[]));
        assert_eq!(editor.live.root(), Path::new(DIRECTORY));
        assert!(editor.live.told(&path("1_a.sql")).is_some_and(|told| told.is_migration));
        editor.open.remove(0);
        assert!(editor.live.update(editor.engine.files.clone(), &editor.open, &[]));
        assert!(editor.live.told(&path("3_i.sql")).is_none());
        // Written for another tool now.
        editor.engine.files.put(&path("1_a.sql"), Some("-- migrate:up\nSELECT 1;\n".into()));
        assert!(!editor.live.update(editor.engine.files.clone(), &editor.open, &[path("1_a.sql")]));
        editor.engine.files.put(&path("1_a.sql"), None);
        assert!(!editor.live.update(editor.engine.files.clone(), &editor.open, &[path("1_a.sql")]));
        let refused = Live::load(&editor.engine, &Options::default(), &path("1_a.sql"));
        assert!(matches!(refused, Err(Refusal::Errors(_))));
        editor.engine.files.put(Path::new("/project/safestep.toml"), Some("exclude = [\"migrations\"]".into()));
        let refused = Live::load(&editor.engine, &Options::default(), &path("3_i.sql"));
        assert!(matches!(refused, Err(Refusal::Skipped(_))));
    }

    #[test]
    fn a_down_file_may_belong_elsewhere_as_well() {
        let (up, down) = ("2024-01-01-000000_a/up.sql", "2024-01-01-000000_a/down.sql");
        let mut editor = Editor::new(&[("../diesel.toml", ""), (up, "SELECT 1;\n"), (down, "SELECT 2;\n")], &[down]);
        let marked = [("-- written down\n", true), ("-- +migrate Up\n", false)];
        for (text, stays) in marked {
            editor.engine.files.put(&path(down), Some(text.into()));
            let updated = editor.live.update(editor.engine.files.clone(), &editor.open, &[path(down)]);
            assert_eq!(updated, stays, "{text}");
        }
    }

    #[test]
    fn a_file_that_nobody_runs_is_judged_for_whoever_asks() {
        let mut files = Files::memory(Path::new("/project"));
        files.put(Path::new("/project/queries/report.sql"), Some("DROP TABLE x;\n".into()));
        let engine = Engine::new(files).expect("threads");
        let path = PathBuf::from("/project/queries/report.sql");
        let mut live = Live::load(&engine, &Options::default(), &path).expect("a history");
        assert!(live.update(engine.files.clone(), std::slice::from_ref(&path), &[]));
        let told = live.told(&path).expect("told");
        assert!(!told.is_migration && !told.findings.is_empty());
    }
}
