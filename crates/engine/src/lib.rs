//! The whole pipeline over an overlay of paths and texts: load, fold, judge, plan, emit, read back, prove.
//!
//! Command line and language server call only this crate. It holds no state but the parse cache and what an editor keeps in a [`Live`]; everything is read
//! through [`Files`], so unsaved text and rewritten files that are not written yet are judged like any other. It prints nothing and
//! writes nothing: a rewrite is a list of [`FileChange`]s for the caller.

mod explain;
mod findings;
mod fix;
mod live;
mod names;
pub mod outline;
mod proof;
mod view;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diagnostics::{FileChange, Planned, Report, Sources};
pub use model::plan::Class;
pub use model::symbols;
pub use project::config::{FILE_NAME as CONFIG_FILE, KEYS as CONFIG_KEYS, Key as ConfigKey, LEVELS as CONFIG_LEVELS};
pub use project::error::Error;
pub use project::files::Files;
pub use project::tool::Tool;
pub use rules::{Date, Group, Level, Rule, Section};
use syntax::Cache;
pub use syntax::Span;
pub use syntax::directive::VERBS as DIRECTIVES;
pub use syntax::mentions::Part as SymbolPart;

pub use explain::{Comparison, ExplainedSection, assumed};
pub use live::{Counts, Live, Refusal, Told};
pub use names::{NamedUnit, Names};
pub use view::{FileView, HistoryView, SectionView, View};

/// The parse cache and the files; cheap to keep for as long as a process lives.
#[derive(Debug)]
pub struct Engine {
    pub files: Files,
    pub cache: Arc<Cache>,
    rules: Arc<AtomicU64>,
    /// Trees of deeply nested statements are walked and dropped by recursion, so its threads have a large stack.
    pool: Arc<rayon::ThreadPool>,
}

/// Enough for the nesting that the parser itself accepts, in a debug build.
pub const STACK: usize = 256 << 20;

/// What the caller asks for; `safestep.toml` fills in what is `None`.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Files and directories. None: the pending migrations below the working directory.
    pub paths: Vec<PathBuf>,
    /// Of these paths only what would be judged without them: migrations that are pending.
    pub pending: bool,
    pub tool: Option<&'static Tool>,
    pub majors: Option<RangeInclusive<u32>>,
    /// A git revision: what it holds is applied.
    pub since: Option<String>,
    /// Rewrite applied migrations too.
    pub all_files: bool,
    /// Rewrites create no files: all steps stand in that of the original, or there is none.
    pub one_file: bool,
    /// Words are for the user of an editor.
    pub editor: bool,
    /// For directives with an expiry date.
    pub today: Option<Date>,
}

/// What a run of `lint` gives.
#[derive(Debug)]
pub struct Linted {
    pub report: Report,
    pub sources: Sources,
    /// The lowest level that the configuration calls a failure; `None`: no finding is one.
    pub fail_on: Option<Level>,
    /// What a fix writes; empty without one.
    pub changes: Vec<FileChange>,
}

impl Engine {
    /// # Errors
    /// The threads cannot be started.
    pub fn new(files: Files) -> Result<Self, String> {
        let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build();
        let pool = pool.map_err(|error| format!("worker threads cannot be started: {error}"))?;
        Ok(Self { files, cache: Arc::default(), rules: Arc::default(), pool: Arc::new(pool) })
    }

    /// The same engine on other files.
    #[must_use]
    pub fn on(&self, files: Files) -> Self {
        let Self { cache, rules, pool, .. } = self;
        Self { files, cache: Arc::clone(cache), rules: Arc::clone(rules), pool: Arc::clone(pool) }
    }

    /// How often a rule was called, once for each section of a file.
    #[must_use]
    pub fn rules_called(&self) -> u64 {
        self.rules.load(Ordering::Relaxed)
    }

    /// What is wrong with a `safestep.toml` of this text.
    #[must_use]
    pub fn wrong_config(&self, path: &Path, text: &Arc<str>) -> Vec<Error> {
        let mut files = self.files.clone();
        files.put(path, Some(Arc::clone(text)));
        let names: Vec<&str> = view::rule_names().collect();
        project::config::read(&files, path, &names).err().unwrap_or_default()
    }

    /// Judges migrations. With a class, rewrites are planned up to it and told in `changes`; findings that they remove are
    /// counted as fixed. Without one, each finding still tells its fix, and nothing changes.
    ///
    /// # Errors
    /// A named path that cannot be read, a wrong `safestep.toml`.
    pub fn lint(&self, options: &Options, fix: Option<Class>) -> Result<Linted, Vec<Error>> {
        self.pool.install(|| {
            let view = view::open(self, options)?;
            Ok(findings::lint(self, options, &view, fix))
        })
    }

    /// # Errors
    /// As [`Engine::lint`].
    pub fn explain(&self, options: &Options) -> Result<Vec<ExplainedSection>, Vec<Error>> {
        self.pool.install(|| Ok(explain::explain(&view::open(self, options)?)))
    }

    /// What [`Engine::lint`] without a class and [`Engine::explain`] tell, from one reading of the files.
    ///
    /// # Errors
    /// As [`Engine::lint`].
    pub fn judge(&self, options: &Options) -> Result<(Linted, Vec<ExplainedSection>), Vec<Error>> {
        self.pool.install(|| {
            let view = view::open(self, options)?;
            Ok((findings::lint(self, options, &view, None), explain::explain(&view)))
        })
    }

    /// What the history that holds the first of the paths names; `None` when it is in none.
    ///
    /// # Errors
    /// As [`Engine::lint`].
    pub fn names(&self, options: &Options) -> Result<Option<Names>, Vec<Error>> {
        self.pool.install(|| names::names(self, options))
    }

    /// What `--fix` at that class would write, file by file.
    ///
    /// # Errors
    /// As [`Engine::lint`].
    pub fn plan(&self, options: &Options, class: Class) -> Result<(Vec<Planned>, Sources), Vec<Error>> {
        self.pool.install(|| {
            let view = view::open(self, options)?;
            Ok(fix::plan(self, options, &view.histories, class))
        })
    }

    /// Every migration as [`Engine::explain`] tells it, beside what [`Engine::plan`] would run instead.
    ///
    /// # Errors
    /// As [`Engine::lint`].
    pub fn compare(&self, options: &Options, class: Class) -> Result<Vec<Comparison>, Vec<Error>> {
        self.pool.install(|| {
            let view = view::open(self, options)?;
            Ok(fix::compare(self, options, &view.histories, class))
        })
    }
}

/// The tool of that name, as `--tool` and `safestep.toml` spell it.
#[must_use]
pub fn tool(name: &str) -> Option<&'static Tool> {
    project::tool::named(name)
}

/// The names that [`tool`] knows.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    project::tool::ALL.iter().map(|tool| tool.name)
}

/// `16` or `14-18`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn majors(written: &str) -> Result<RangeInclusive<u32>, String> {
    project::config::majors(written)
}

/// The name that somebody meant, if one is near.
#[must_use]
pub fn closest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    project::config::closest(word, names)
}

/// All rules, by name.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    rules::ALL.iter().copied()
}

/// The page of a rule.
#[must_use]
pub fn page(rule: &str) -> String {
    format!("{}#{rule}", findings::DOCS)
}

/// Where the working directory lies below the root of its repository; nowhere outside of one.
#[must_use]
pub fn below_root(files: &Files) -> PathBuf {
    project::git::prefix(files.directory()).unwrap_or_default()
}

/// Writes all changes or none.
///
/// # Errors
/// The file that could not be written, and why; nothing has changed then.
pub fn write(files: &Files, changes: &[FileChange]) -> Result<(), Error> {
    let changes: Vec<_> = changes.iter().map(|change| fix::to_project(files, change)).collect();
    project::write::write_all(&changes)
}
