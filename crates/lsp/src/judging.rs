//! The one thread that judges: it takes the world as it is, says what is new, and sleeps until something changes.
//!
//! What changes while it judges is taken together the next time, so that it never falls behind. As only this thread
//! publishes, an older result never follows a newer one.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use engine::{Engine, Error, Files, Live, Options, Refusal, Told};
use tower_lsp::Client;
use tower_lsp::ls_types::{Diagnostic, Uri};

use crate::Shared;
use crate::answers;
use crate::preferences::Preferences;
use crate::world::{Abilities, Document, Judged, Open, Refused};

/// The world at one moment.
pub struct Moment {
    pub generation: u64,
    pub surroundings: u64,
    pub client: Abilities,
    /// Each with its folder.
    pub documents: Vec<(Uri, Document, PathBuf)>,
    /// What each folder sees.
    pub files: BTreeMap<PathBuf, Files>,
    /// By folder.
    pub preferences: BTreeMap<PathBuf, Preferences>,
    pub open: Open,
    /// What was said before.
    pub judged: BTreeMap<Uri, Arc<Judged>>,
}

/// A history with documents in it.
struct Lane {
    folder: PathBuf,
    live: Live,
    /// The texts that it has taken.
    taken: BTreeMap<PathBuf, Arc<str>>,
}

/// All that is loaded.
#[derive(Default)]
struct Judge {
    lanes: Vec<Lane>,
    /// That of the last moment.
    surroundings: u64,
    /// Documents that belong to no history, with the text that was refused.
    refused: BTreeMap<PathBuf, (Arc<str>, Refusal)>,
    /// Files that are wrong, and what was said about them.
    wrong: BTreeMap<PathBuf, Vec<Error>>,
}

/// What one moment brings.
pub struct Verdict {
    pub judged: BTreeMap<Uri, Arc<Judged>>,
    /// By file, in place of what was said before; none: nothing any more.
    pub errors: Vec<(PathBuf, Vec<Error>)>,
    /// Whole sentences that were not said before.
    pub news: Vec<String>,
}

/// Judges for as long as the server lives.
pub fn run(shared: &Arc<Shared>, client: &Client, runtime: &tokio::runtime::Handle) {
    let mut judge = Judge::default();
    let mut preferences = BTreeMap::new();
    while let Some(moment) = shared.next_moment() {
        let today = (shared.today)();
        let before = moment.judged.clone();
        let loading = |root: &str| {
            if moment.client.progress {
                runtime.spawn(crate::progress(client.clone(), Arc::clone(shared), root.to_owned(), moment.generation));
            }
        };
        let judged = catch_unwind(AssertUnwindSafe(|| judge.judge(&shared.engine, &moment, today, &loading)));
        let verdict = judged.unwrap_or_else(|_| {
            // What is loaded may be half changed.
            judge = Judge::default();
            let news =
                vec!["safestep failed on an open file; please report it with the output of the server".to_owned()];
            Verdict { judged: silent(&moment), errors: Vec::new(), news }
        });
        let news = shared.told(&moment, &verdict);
        // Hints and lenses may come or go though nothing else is said.
        let switched =
            preferences.iter().any(|(folder, old)| moment.preferences.get(folder).is_some_and(|it| it != old));
        preferences.clone_from(&moment.preferences);
        runtime.block_on(publish(client, &moment, &before, verdict, switched));
        for status in news {
            runtime.block_on(client.send_notification::<crate::requests::Status>(status));
        }
    }
}

/// Nothing is said about anything.
fn silent(moment: &Moment) -> BTreeMap<Uri, Arc<Judged>> {
    let documents = moment.documents.iter().filter_map(|(uri, document, folder)| {
        let files = moment.files.get(folder)?.clone();
        let judged = Judged::new(uri.clone(), document, None, files, Arc::clone(&moment.open), moment.generation);
        Some((uri.clone(), Arc::new(judged)))
    });
    documents.collect()
}

async fn publish(
    client: &Client,
    moment: &Moment,
    before: &BTreeMap<Uri, Arc<Judged>>,
    verdict: Verdict,
    mut elsewhere: bool,
) {
    for (path, errors) in verdict.errors {
        let Some(uri) = moment.open.get(&path).map(|(uri, _)| uri.clone()).or_else(|| Uri::from_file_path(&path))
        else {
            continue;
        };
        let text = moment.documents.iter().find(|(_, document, _)| document.path == path);
        let text = text.map(|(_, document, _)| Arc::clone(&document.text));
        let said: Vec<Diagnostic> =
            errors.iter().map(|error| answers::error(error, text.as_ref(), moment.client)).collect();
        client.publish_diagnostics(uri, said, None).await;
    }
    for sentence in verdict.news {
        client.show_message(tower_lsp::ls_types::MessageType::ERROR, sentence).await;
    }
    for (uri, now) in &verdict.judged {
        let old = before.get(uri);
        let same = old.is_some_and(|old| old.result == now.result);
        // Who was edited asks by itself.
        elsewhere |= !same && old.is_some_and(|old| old.source.text() == now.source.text());
        if !moment.client.pulls && (!same || old.is_some_and(|old| old.version != now.version)) {
            client.publish_diagnostics(uri.clone(), now.diagnostics.to_vec(), Some(now.version)).await;
        }
    }
    if !moment.client.pulls {
        for uri in before.keys().filter(|uri| !verdict.judged.contains_key(*uri)) {
            client.publish_diagnostics(uri.clone(), Vec::new(), None).await;
        }
    }
    if elsewhere {
        let (client, Abilities { pulls, refresh, .. }) = (client.clone(), moment.client);
        // A client that refuses asks again when it likes.
        tokio::spawn(async move {
            if pulls {
                let _ = client.workspace_diagnostic_refresh().await;
            }
            if refresh.inlay_hints {
                let _ = client.inlay_hint_refresh().await;
            }
            if refresh.code_lenses {
                let _ = client.code_lens_refresh().await;
            }
        });
    }
}

impl Judge {
    fn judge(&mut self, engine: &Engine, moment: &Moment, today: engine::Date, loading: &dyn Fn(&str)) -> Verdict {
        if self.surroundings != moment.surroundings {
            self.lanes.clear();
            self.refused.clear();
            self.surroundings = moment.surroundings;
        }
        let documents: Vec<&(Uri, Document, PathBuf)> =
            moment.documents.iter().filter(|(_, document, _)| !document.is_configuration()).collect();
        self.lanes.retain_mut(|lane| match moment.files.get(&lane.folder) {
            Some(files) => lane.update(files, &documents),
            None => false,
        });
        self.refused.retain(|path, _| documents.iter().any(|(_, document, _)| document.path == *path));
        for (_, document, folder) in &documents {
            let known = self.lanes.iter().any(|lane| lane.holds(document, folder));
            let same = |(text, _): &(Arc<str>, Refusal)| Arc::ptr_eq(text, &document.text);
            if known || self.refused.get(&document.path).is_some_and(same) {
                continue;
            }
            let Some(files) = moment.files.get(folder) else { continue };
            loading(&files.display(document.path.parent().unwrap_or(folder)));
            let Some(preferences) = moment.preferences.get(folder) else { continue };
            let options = options(document, preferences, moment.client, today);
            match Live::load(&engine.on(files.clone()), &options, &document.path) {
                Ok(live) => {
                    let mut lane = Lane { folder: folder.clone(), live, taken: BTreeMap::new() };
                    // A history that has one file more than when it was loaded.
                    self.lanes.retain(|old| old.folder != lane.folder || old.live.root() != lane.live.root());
                    if lane.update(files, &documents) {
                        self.refused.remove(&document.path);
                        self.lanes.push(lane);
                    }
                }
                Err(refusal) => {
                    self.refused.insert(document.path.clone(), (Arc::clone(&document.text), refusal));
                }
            }
        }
        let judged = documents.iter().filter_map(|(uri, document, folder)| self.say(uri, document, folder, moment));
        let judged = judged.map(|judged| (judged.uri.clone(), Arc::new(judged))).collect();
        let (errors, news) = self.complaints(&moment.documents);
        Verdict { judged, errors, news }
    }

    fn say(&self, uri: &Uri, document: &Document, folder: &PathBuf, moment: &Moment) -> Option<Judged> {
        let lane = self.lanes.iter().find(|lane| lane.holds(document, folder));
        let told = lane.and_then(|lane| lane.live.told(&document.path));
        let asked = moment.preferences.get(folder)?.all_files || document.untitled;
        let told: Option<&Arc<Told>> = told.filter(|told| told.is_migration || asked);
        let old = moment.judged.get(uri);
        let (generation, open) = (moment.generation, Arc::clone(&moment.open));
        let refused = match self.refused.get(&document.path) {
            Some((_, Refusal::Skipped(reason))) => Refused::Skipped(reason.clone()),
            Some((_, Refusal::Errors(errors))) => {
                Refused::Wrong(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            None => Refused::No,
        };
        if let Some(old) = old.filter(|old| old.holds_for(document, told)) {
            return Some(Judged { version: document.version, generation, open, refused, ..(**old).clone() });
        }
        let files = moment.files.get(folder)?.clone();
        let mut judged = Judged::new(uri.clone(), document, told.cloned(), files, open, generation);
        let diagnostics = answers::diagnostics(&judged, moment.client);
        judged.result = match old {
            Some(old) if *old.diagnostics == diagnostics => old.result,
            Some(old) => old.result + 1,
            None => 1,
        };
        judged.diagnostics = Arc::new(diagnostics);
        judged.refused = refused;
        Some(judged)
    }

    /// What is wrong with files that documents are judged by, as far as it was not said before. Of a configuration that is
    /// open its own text counts, and what it draws there is enough: a message at each keystroke would be in the way.
    fn complaints(&mut self, documents: &[(Uri, Document, PathBuf)]) -> (Vec<(PathBuf, Vec<Error>)>, Vec<String>) {
        let mut now: BTreeMap<PathBuf, Vec<Error>> = BTreeMap::new();
        for (_, refusal) in self.refused.values() {
            let Refusal::Errors(errors) = refusal else { continue };
            for error in errors {
                let of_file = now.entry(error.path.clone()).or_default();
                if !of_file.contains(error) {
                    of_file.push(error.clone());
                }
            }
        }
        let known: BTreeSet<String> = self.wrong.values().flatten().map(ToString::to_string).collect();
        let told = |path: &PathBuf| documents.iter().any(|(_, document, _)| document.path == *path);
        let untold = now.iter().filter(|(path, _)| !told(path)).flat_map(|(_, errors)| errors);
        let news = untold.map(ToString::to_string).filter(|error| !known.contains(error)).collect();
        for (_, document, _) in documents.iter().filter(|(_, document, _)| document.is_configuration()) {
            now.remove(&document.path);
            if !document.wrong.is_empty() {
                now.insert(document.path.clone(), document.wrong.clone());
            }
        }
        let gone = self.wrong.keys().filter(|path| !now.contains_key(*path)).map(|path| (path.clone(), Vec::new()));
        let changed = now.iter().filter(|(path, errors)| self.wrong.get(*path) != Some(errors));
        let errors = changed.map(|(path, errors)| (path.clone(), errors.clone())).chain(gone).collect();
        self.wrong = now;
        (errors, news)
    }
}

impl Lane {
    fn holds(&self, document: &Document, folder: &PathBuf) -> bool {
        self.folder == *folder && self.live.holds(&document.path)
    }

    /// Takes the texts as they are now. `false`: nothing of it is open, or it must be loaded again.
    fn update(&mut self, files: &Files, documents: &[&(Uri, Document, PathBuf)]) -> bool {
        let own = documents.iter().filter(|(_, document, folder)| self.holds(document, folder));
        let now: BTreeMap<PathBuf, Arc<str>> =
            own.map(|(_, document, _)| (document.path.clone(), Arc::clone(&document.text))).collect();
        if now.is_empty() {
            return false;
        }
        let same = |path: &PathBuf, text: &Arc<str>| self.taken.get(path).is_some_and(|old| Arc::ptr_eq(old, text));
        let edited = now.iter().filter(|(path, text)| !same(path, text)).map(|(path, _)| path.clone());
        // What is closed is on the disk again.
        let closed = self.taken.keys().filter(|path| !now.contains_key(*path)).cloned();
        let changed: Vec<PathBuf> = edited.chain(closed).collect();
        let open: Vec<PathBuf> = now.keys().cloned().collect();
        self.taken = now;
        self.live.update(files.clone(), &open, &changed)
    }
}

fn options(document: &Document, preferences: &Preferences, client: Abilities, today: engine::Date) -> Options {
    // A text without a name tells nothing about who runs it.
    let tool = if document.untitled { engine::tool("unknown") } else { None };
    Options {
        tool: preferences.tool.or(tool),
        majors: preferences.majors.clone(),
        one_file: !client.create,
        editor: true,
        today: Some(today),
        ..Options::default()
    }
}
