//! The language server: what the editor has open goes to the engine, what the engine says goes to the editor.
//!
//! Requests are handled concurrently, so every `did_*` handler stores the new text before its first await; otherwise
//! edits would overtake each other. One thread judges and publishes (see [`judging`]); requests wait until it has judged what
//! they ask about. No handler waits for an answer of the client, which may never come: the framework ends only when all
//! handlers have. Only this crate names the LSP framework.

mod actions;
mod answers;
mod convert;
mod edits;
mod incoming;
mod judging;
mod markup;
mod navigate;
mod outline;
mod preferences;
mod requests;
#[cfg(test)]
mod tests;
mod words;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diagnostics::Source;
use engine::{Date, Engine, Files, Names};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, watch};
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CodeActionOptions, CodeActionOrCommand, CodeActionParams, CodeActionProviderCapability, CodeActionResponse,
    CodeActionTriggerKind, CodeLens, CodeLensOptions, CodeLensParams, CompletionOptions, CompletionParams,
    CompletionResponse, ConfigurationItem, DiagnosticOptions, DiagnosticServerCapabilities,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentDiagnosticParams, DocumentDiagnosticReport, DocumentDiagnosticReportResult, DocumentHighlight,
    DocumentHighlightParams, DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandOptions, ExecuteCommandParams,
    FullDocumentDiagnosticReport, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams,
    HoverProviderCapability, InitializeParams, InitializeResult, InitializedParams, InlayHint, InlayHintParams,
    Location, MessageType, NumberOrString, OneOf, ReferenceParams, Registration, RelatedFullDocumentDiagnosticReport,
    RelatedUnchangedDocumentDiagnosticReport, SaveOptions, ServerCapabilities, ServerInfo, ShowDocumentParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions, TextDocumentSyncSaveOptions,
    UnchangedDocumentDiagnosticReport, Uri, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
    WorkspaceSymbolParams, WorkspaceSymbolResponse,
};
use tower_lsp::{Client, LanguageServer, LspService};

use judging::{Moment, Verdict};
use preferences::Preferences;
use world::{Abilities, Document, Judged, Snapshot, World};

/// What takes longer is shown as progress.
const PATIENCE: Duration = Duration::from_millis(300);

/// Between two looks whether the process that started the server still lives.
const ROUND: Duration = Duration::from_secs(2);

/// Bytes of a message that wait between the thread that reads and the framework.
const PIPE: usize = 1 << 16;

/// Requests that are handled at the same time. Most of them wait for the one thread that judges.
const CONCURRENCY: usize = 64;

/// Serves standard input and output until the client says exit or goes away, and tells whether it asked to shut down first.
///
/// # Errors
/// The threads cannot be started.
pub fn serve(today: fn() -> Date) -> std::result::Result<bool, String> {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let shared = Arc::new(Shared::new(Engine::new(Files::disk(&directory))?, today));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        // Trees of deeply nested statements are dropped here, by recursion.
        .thread_stack_size(engine::STACK)
        .enable_time()
        .build()
        .map_err(|error| format!("the server cannot be started: {error}"))?;
    let (mut taken, input) = tokio::io::duplex(PIPE);
    let handle = runtime.handle().clone();
    let relay = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        // An input that cannot be read is at its end.
        let _ = incoming::relay(&mut std::io::stdin().lock(), |message| {
            let framed = format!("Content-Length: {}\r\n\r\n{message}", message.len());
            handle.block_on(taken.write_all(framed.as_bytes())).is_ok()
        });
    });
    relay.map_err(|error| format!("the server cannot be started: {error}"))?;
    let served = Arc::clone(&shared);
    let ended = runtime.block_on(async {
        let serving = tokio::spawn(async move {
            let (service, socket) = service(served);
            let server = tower_lsp::Server::new(input, tokio::io::stdout(), socket);
            server.concurrency_level(CONCURRENCY).serve(service).await;
        });
        tokio::select! {
            ended = serving => ended,
            () = shared.orphaned.notified() => Ok(()),
        }
    });
    shared.change(|world| world.over = true);
    // A thread may still wait for input that nobody will send.
    runtime.shutdown_background();
    ended.map_err(|error| format!("the server failed: {error}"))?;
    Ok(shared.shut_down.load(Ordering::Relaxed))
}

fn service(shared: Arc<Shared>) -> (LspService<Server>, tower_lsp::ClientSocket) {
    LspService::build(|client| Server::start(client, shared))
        .custom_method("safestep/timeline", Server::timeline)
        .custom_method("safestep/statementAt", Server::statement_at)
        .custom_method("safestep/rangeOf", Server::range_of)
        .custom_method("safestep/plan", Server::plan)
        .custom_method("safestep/explain", Server::explain)
        .custom_method(incoming::REFUSE, Server::refuse)
        .finish()
}

/// Whether somebody still waits for what is made, of a text that is still the same.
type Wanted<'a> = &'a dyn Fn() -> bool;

struct Server {
    client: Client,
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    today: fn() -> Date,
    world: Mutex<World>,
    /// Wakes the thread that judges.
    changed: Condvar,
    /// The generation that was judged last.
    done: watch::Sender<u64>,
    /// Plans are made one after the other: each takes what there is of the machine.
    planning: Mutex<()>,
    /// What a document's history named at a generation: whoever asks once asks again.
    names: Mutex<Option<(Uri, u64, Arc<Names>)>>,
    shut_down: AtomicBool,
    /// The process that started the server is gone, though a child of its own may still hold the pipe.
    orphaned: Notify,
}

impl Shared {
    fn new(engine: Engine, today: fn() -> Date) -> Self {
        Self {
            engine,
            today,
            world: Mutex::default(),
            changed: Condvar::new(),
            done: watch::Sender::new(0),
            planning: Mutex::new(()),
            names: Mutex::default(),
            shut_down: AtomicBool::new(false),
            orphaned: Notify::new(),
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world and wakes the thread that judges.
    fn change(&self, change: impl FnOnce(&mut World)) {
        let mut world = self.world();
        change(&mut world);
        world.generation += 1;
        self.changed.notify_all();
    }

    fn client(&self) -> Abilities {
        self.world().client
    }

    fn preferences(&self, uri: &Uri) -> Preferences {
        let world = self.world();
        let folder = world.documents.get(uri).map(|document| world.folder_of(document));
        folder.map_or(&world.preferences, |folder| world.preferences_in(&folder)).clone()
    }

    /// Sleeps until something has changed; `None` at the end.
    fn next_moment(&self) -> Option<Moment> {
        let done = *self.done.borrow();
        let sleeping = |world: &mut World| !world.over && world.generation == done;
        let world = self.changed.wait_while(self.world(), sleeping).unwrap_or_else(PoisonError::into_inner);
        if world.over {
            return None;
        }
        let documents: Vec<_> = world
            .documents
            .iter()
            .map(|(uri, document)| (uri.clone(), document.clone(), world.folder_of(document)))
            .collect();
        Some(Moment {
            generation: world.generation,
            surroundings: world.surroundings,
            client: world.client,
            files: documents.iter().map(|(.., folder)| (folder.clone(), world.files(folder))).collect(),
            preferences: documents
                .iter()
                .map(|(.., folder)| (folder.clone(), world.preferences_in(folder).clone()))
                .collect(),
            documents,
            open: world.open(),
            judged: world.judged.clone(),
        })
    }

    /// Takes what was judged, tells who waits, and gives what is to be shown of each document that it says something new about.
    fn told(&self, moment: &Moment, verdict: &Verdict) -> Vec<requests::StatusParams> {
        let changed = |judged: &&Arc<Judged>| {
            let old = moment.judged.get(&judged.uri);
            !old.is_some_and(|old| Arc::ptr_eq(&old.findings, &judged.findings))
        };
        let news = verdict.judged.values().filter(changed).map(|judged| requests::status(judged)).collect();
        self.world().judged.clone_from(&verdict.judged);
        self.done.send_replace(moment.generation);
        news
    }

    /// What the engine says about a document as it is now; `None` when it is not open.
    async fn judged(&self, uri: &Uri) -> Option<Arc<Judged>> {
        let mut done = self.done.subscribe();
        loop {
            {
                let world = self.world();
                world.documents.get(uri)?;
                let judged = world.judged.get(uri).filter(|judged| judged.generation == world.generation);
                if let Some(judged) = judged {
                    return Some(Arc::clone(judged));
                }
                if *done.borrow_and_update() == world.generation {
                    return None;
                }
            }
            done.changed().await.ok()?;
        }
    }

    /// As [`Shared::judged`], after planning what can be done about it; `None` as well when it is edited before its turn.
    async fn planned<T: Send + 'static>(
        self: &Arc<Self>,
        uri: &Uri,
        plan: impl FnOnce(&Judged, Wanted) -> T + Send + 'static,
    ) -> Option<T> {
        let judged = self.judged(uri).await?;
        let shared = Arc::clone(self);
        // Goes with this future, which is dropped when the client takes its request back.
        let asked = Arc::new(());
        let asks = Arc::downgrade(&asked);
        let planning = tokio::task::spawn_blocking(move || {
            let _turn = shared.planning.lock().unwrap_or_else(PoisonError::into_inner);
            let wanted = || {
                let is_current = |it: &Document| *it.text == *judged.source.text();
                asks.strong_count() > 0 && shared.world().documents.get(&judged.uri).is_some_and(is_current)
            };
            wanted().then(|| plan(&judged, &wanted))
        });
        let planned = planning.await.ok().flatten();
        drop(asked);
        planned
    }

    /// The text of an open document, and whether it is a configuration.
    fn text(&self, uri: &Uri) -> Option<(Source, bool)> {
        let world = self.world();
        let document = world.documents.get(uri)?;
        let is_config = document.path.file_name().is_some_and(|name| name == engine::CONFIG_FILE);
        Some((Source::new(Arc::clone(&document.text)), is_config))
    }

    /// What the history of a document names.
    async fn names(self: &Arc<Self>, uri: &Uri) -> Option<(Arc<Names>, Snapshot)> {
        let snapshot = self.world().snapshot(uri)?;
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((of, generation, names)) = known
            && of == *uri
            && generation == snapshot.generation
        {
            return Some((names, snapshot));
        }
        let (shared, asked) = (Arc::clone(self), snapshot.clone());
        let reading = tokio::task::spawn_blocking(move || {
            shared.engine.on(asked.files.clone()).names(&asked.options((shared.today)()))
        });
        let names = Arc::new(reading.await.ok()?.ok()??);
        let kept = (uri.clone(), snapshot.generation, Arc::clone(&names));
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Some((names, snapshot))
    }
}

/// Shows that a history is read, if it takes long.
async fn progress(client: Client, shared: Arc<Shared>, root: String, generation: u64) {
    let mut done = shared.done.subscribe();
    let reached = |done: &u64| *done >= generation;
    if tokio::time::timeout(PATIENCE, done.wait_for(reached)).await.is_ok() {
        return;
    }
    let token = NumberOrString::String(format!("safestep {generation} {root}"));
    if client.create_work_done_progress(token.clone()).await.is_err() {
        return;
    }
    let shown = client.progress(token, "Reading migrations").with_message(root).begin().await;
    let _ = done.wait_for(reached).await;
    shown.finish().await;
}

impl Server {
    fn start(client: Client, shared: Arc<Shared>) -> Self {
        let (judged_by, told, runtime) = (Arc::clone(&shared), client.clone(), tokio::runtime::Handle::current());
        let judge = std::thread::Builder::new().name("judge".to_owned()).stack_size(engine::STACK);
        if let Err(error) = judge.spawn(move || judging::run(&judged_by, &told, &runtime)) {
            let client = client.clone();
            tokio::spawn(async move {
                client.show_message(MessageType::ERROR, format!("safestep cannot judge anything: {error}")).await;
            });
        }
        Self { client, shared }
    }

    fn path(&self, uri: &Uri) -> Option<PathBuf> {
        // Git and other views of a file are not the file.
        if !uri.as_str().starts_with("file:") {
            return None;
        }
        Some(self.shared.engine.files.absolute(&uri.to_file_path()?))
    }
}

/// Asks for what the user has set, for each folder and for files outside of all, where the client tells it.
async fn configure(client: Client, shared: Arc<Shared>) {
    if !shared.client().configuration {
        return;
    }
    let folders = shared.world().folders.clone();
    let scopes = std::iter::once(None).chain(folders.iter().map(Uri::from_file_path));
    let section = || Some("safestep".to_owned());
    let items = scopes.map(|scope_uri| ConfigurationItem { scope_uri, section: section() }).collect();
    if let Ok(values) = client.configuration(items).await {
        let mut values = values.into_iter();
        let settings = values.next().unwrap_or_default();
        prefer(&client, &shared, &settings, folders.into_iter().zip(values)).await;
    }
}

/// Takes over what was set, and what was set otherwise in some folders.
async fn prefer(
    client: &Client,
    shared: &Shared,
    settings: &Value,
    of_folders: impl IntoIterator<Item = (PathBuf, Value)>,
) {
    let initial = shared.world().initial.clone();
    let (preferences, wrong) = preferences::read(settings, &initial);
    let mut wrong = BTreeSet::from_iter(wrong);
    let mut own = BTreeMap::new();
    for (folder, settings) in of_folders {
        let (preferences, sentences) = preferences::read(&settings, &initial);
        own.insert(folder, preferences);
        wrong.extend(sentences);
    }
    let changed = {
        let world = shared.world();
        world.preferences != preferences || world.own != own
    };
    if changed {
        shared.change(|world| {
            world.preferences = preferences;
            world.own = own;
            world.surroundings += 1;
        });
    }
    for sentence in wrong {
        client.show_message(MessageType::WARNING, sentence).await;
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let client = answers::abilities(&params.capabilities);
        let mut folders: Vec<Uri> = params.workspace_folders.into_iter().flatten().map(|folder| folder.uri).collect();
        #[expect(deprecated, reason = "older clients say only this")]
        if folders.is_empty() {
            folders.extend(params.root_uri);
        }
        // A process that cannot be seen from here (other systems, containers) cannot be missed.
        let process = params.process_id.map(|id| PathBuf::from(format!("/proc/{id}"))).filter(|it| it.exists());
        if let Some(process) = process {
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                while process.exists() {
                    tokio::time::sleep(ROUND).await;
                }
                shared.orphaned.notify_one();
            });
        }
        let options = params.initialization_options.unwrap_or_default();
        // Some clients give what they would answer to `workspace/configuration`, others all of their settings.
        let (initial, _) = preferences::read(options.get("safestep").unwrap_or(&options), &Preferences::default());
        {
            let mut world = self.shared.world();
            world.client = client;
            world.preferences = initial.clone();
            world.initial = initial;
            world.folders = folders.iter().filter_map(|uri| self.path(uri)).collect();
        }
        let pull = DiagnosticOptions {
            identifier: Some("safestep".to_owned()),
            inter_file_dependencies: true,
            ..DiagnosticOptions::default()
        };
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(client.encoding.kind()),
                text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::INCREMENTAL),
                    save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
                    ..TextDocumentSyncOptions::default()
                })),
                hover_provider: Some(HoverProviderCapability::Simple(true)),
                code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                    code_action_kinds: Some(actions::KINDS.to_vec()),
                    ..CodeActionOptions::default()
                })),
                code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
                inlay_hint_provider: Some(OneOf::Left(true)),
                diagnostic_provider: client.pulls.then_some(DiagnosticServerCapabilities::Options(pull)),
                workspace: Some(WorkspaceServerCapabilities {
                    workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                        supported: Some(true),
                        change_notifications: Some(OneOf::Left(true)),
                    }),
                    ..WorkspaceServerCapabilities::default()
                }),
                completion_provider: Some(CompletionOptions {
                    trigger_characters: Some(words::TRIGGERS.map(str::to_owned).to_vec()),
                    ..CompletionOptions::default()
                }),
                document_symbol_provider: Some(OneOf::Left(true)),
                workspace_symbol_provider: Some(OneOf::Left(true)),
                definition_provider: Some(OneOf::Left(true)),
                references_provider: Some(OneOf::Left(true)),
                document_highlight_provider: Some(OneOf::Left(true)),
                execute_command_provider: Some(ExecuteCommandOptions {
                    commands: vec![actions::OPEN_RULE.to_owned()],
                    ..ExecuteCommandOptions::default()
                }),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: "safestep".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            offset_encoding: None,
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        let client = self.shared.client();
        let mut registrations = Vec::new();
        let mut register = |method: &str, options: Option<Value>| {
            registrations.push(Registration {
                id: method.to_owned(),
                method: method.to_owned(),
                register_options: options,
            });
        };
        if client.watches {
            // A branch moves in a file of its own, or, once git has packed them, in one with all others.
            let files = ["**/safestep.toml", "**/*.sql", "**/.git/HEAD", "**/.git/refs/**", "**/.git/packed-refs"];
            let watchers = files.map(|glob| json!({ "globPattern": glob }));
            register("workspace/didChangeWatchedFiles", Some(json!({ "watchers": watchers })));
        }
        if client.watches_configuration {
            register("workspace/didChangeConfiguration", Some(json!({ "section": "safestep" })));
        }
        if !registrations.is_empty() {
            let client = self.client.clone();
            // A client that refuses tells about files when they are edited or saved.
            tokio::spawn(async move { client.register_capability(registrations).await });
        }
        tokio::spawn(configure(self.client.clone(), Arc::clone(&self.shared)));
    }

    async fn shutdown(&self) -> Result<()> {
        self.shared.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let (path, untitled) = match self.path(&document.uri) {
            Some(path) => (path, false),
            None if document.uri.as_str().starts_with("untitled:") && document.language_id == "sql" => {
                let name = document.uri.as_str().rsplit([':', '/']).next().unwrap_or_default();
                let folder = self.shared.world().folders.first().cloned();
                let folder = folder.unwrap_or_else(|| self.shared.engine.files.directory().to_owned());
                // A place of its own, so that it is no neighbour of any file.
                (folder.join(".safestep untitled").join(name).with_extension("sql"), true)
            }
            None => return,
        };
        self.shared.change(|world| {
            let (text, version) = (document.text.into(), document.version);
            let mut opened = Document { path, text, version, untitled, in_force: None, wrong: Vec::new() };
            opened.read(&self.shared.engine);
            if opened.is_configuration() {
                world.surroundings += 1;
            }
            world.documents.insert(document.uri, opened);
        });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let encoding = self.shared.client().encoding;
        self.shared.change(|world| {
            let Some(document) = world.documents.get_mut(&params.text_document.uri) else { return };
            document.text = edits::apply(&document.text, encoding, params.content_changes);
            document.version = params.text_document.version;
            document.read(&self.shared.engine);
            if document.is_configuration() {
                world.surroundings += 1;
            }
        });
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        // The text is known. Whoever watches files hears of it as well.
        if !self.shared.client().watches {
            self.shared.change(|world| world.surroundings += 1);
        }
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        self.shared.change(|world| {
            let open = |uri: &Uri| world.documents.contains_key(uri);
            // What is open is as the editor has it.
            if !params.changes.iter().all(|change| open(&change.uri)) {
                world.surroundings += 1;
            }
        });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.shared.change(|world| {
            if world.documents.remove(&params.text_document.uri).is_some_and(|document| document.is_configuration()) {
                world.surroundings += 1;
            }
        });
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        if self.shared.client().configuration {
            tokio::spawn(configure(self.client.clone(), Arc::clone(&self.shared)));
        } else if let Some(settings) = params.settings.get("safestep") {
            prefer(&self.client, &self.shared, settings, []).await;
        }
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let paths = |folders: Vec<tower_lsp::ls_types::WorkspaceFolder>| -> Vec<PathBuf> {
            folders.iter().filter_map(|folder| self.path(&folder.uri)).collect()
        };
        let (added, removed) = (paths(params.event.added), paths(params.event.removed));
        self.shared.change(|world| {
            world.folders.retain(|folder| !removed.contains(folder));
            world.folders.extend(added);
            world.surroundings += 1;
        });
        tokio::spawn(configure(self.client.clone(), Arc::clone(&self.shared)));
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReportResult> {
        let judged = self.shared.judged(&params.text_document.uri).await;
        let result_id = judged.as_ref().map(|judged| judged.result.to_string());
        let report = match result_id {
            Some(result_id) if params.previous_result_id.as_ref() == Some(&result_id) => {
                DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
                    related_documents: None,
                    unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id },
                })
            }
            result_id => DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
                related_documents: None,
                full_document_diagnostic_report: FullDocumentDiagnosticReport {
                    result_id,
                    items: judged.map_or_else(Vec::new, |judged| judged.diagnostics.to_vec()),
                },
            }),
        };
        Ok(report.into())
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let client = self.shared.client();
        if let Some((source, is_config)) = self.shared.text(&at.text_document.uri)
            && let Some(word) = words::hover(&source, is_config, client, at.position)
        {
            return Ok(Some(word));
        }
        let judged = self.shared.judged(&at.text_document.uri).await;
        Ok(judged.and_then(|judged| answers::hover(&judged, self.shared.client(), at.position)))
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position;
        let Some((source, is_config)) = self.shared.text(&at.text_document.uri) else { return Ok(None) };
        // What was said last is near enough to put some rules first.
        let judged = self.shared.world().judged.get(&at.text_document.uri).map(Arc::clone);
        let found = judged.iter().flat_map(|judged| judged.findings.iter()).map(|finding| finding.rule);
        let found: Vec<&str> = found.collect();
        let items = words::completion(&source, is_config, self.shared.client(), at.position, &found);
        Ok(Some(CompletionResponse::Array(items)))
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let judged = self.shared.judged(&params.text_document.uri).await;
        let client = self.shared.client();
        Ok(judged.map(|judged| DocumentSymbolResponse::Nested(outline::symbols(&judged, client))))
    }

    /// Of the histories that open documents belong to.
    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        let (client, open) = {
            let world = self.shared.world();
            let migrations = world.documents.iter().filter(|(_, document)| !document.is_configuration());
            let open: Vec<(Uri, PathBuf)> = migrations.map(|(uri, it)| (uri.clone(), it.path.clone())).collect();
            (world.client, open)
        };
        let mut histories: Vec<Arc<Names>> = Vec::new();
        let mut found = Vec::new();
        for (uri, path) in open {
            if histories.iter().any(|names| names.units.iter().any(|unit| unit.path == path)) {
                continue;
            }
            let Some((names, snapshot)) = self.shared.names(&uri).await else { continue };
            found.extend(navigate::symbols(&names, &snapshot, client, &params.query));
            histories.push(names);
        }
        Ok(Some(WorkspaceSymbolResponse::Flat(found)))
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let named = self.shared.names(&at.text_document.uri).await;
        let client = self.shared.client();
        Ok(named.map(|(names, snapshot)| {
            GotoDefinitionResponse::Array(navigate::definition(&names, &snapshot, client, at.position))
        }))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let at = params.text_document_position;
        let named = self.shared.names(&at.text_document.uri).await;
        let (client, all) = (self.shared.client(), params.context.include_declaration);
        Ok(named.map(|(names, snapshot)| navigate::references(&names, &snapshot, client, at.position, all)))
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        let at = params.text_document_position_params;
        let named = self.shared.names(&at.text_document.uri).await;
        let client = self.shared.client();
        Ok(named.map(|(names, snapshot)| navigate::highlights(&names, &snapshot, client, at.position)))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        let rule = params.arguments.first().and_then(Value::as_str);
        let rule = rule.filter(|rule| engine::rules().any(|known| known.info.name == *rule));
        let (actions::OPEN_RULE, Some(rule)) = (params.command.as_str(), rule) else {
            return Err(Error::invalid_params(format!("{} is not understood", params.command)));
        };
        let page = engine::page(rule);
        match Uri::from_str(&page) {
            Ok(uri) if self.shared.client().shows => {
                let show = ShowDocumentParams { uri, external: Some(true), take_focus: None, selection: None };
                let client = self.client.clone();
                // A client that cannot after all has told its user.
                tokio::spawn(async move { client.show_document(show).await });
            }
            _ => self.client.show_message(MessageType::INFO, page).await,
        }
        Ok(None)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        if !self.shared.preferences(&params.text_document.uri).inlay_hints {
            return Ok(None);
        }
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.map(|judged| answers::inlay_hints(&judged, self.shared.client(), params.range)))
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        if !self.shared.preferences(&params.text_document.uri).code_lens {
            return Ok(None);
        }
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.map(|judged| answers::code_lenses(&judged, self.shared.client())))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let client = self.shared.client();
        let uri = params.text_document.uri.clone();
        // A menu of everything is no question about the split, unless it could have been there in another editor.
        let asked = params.context.trigger_kind != Some(CodeActionTriggerKind::AUTOMATIC)
            && (params.context.only.is_some() || !client.create);
        let actions =
            self.shared.planned(&uri, move |judged, wanted| actions::actions(judged, client, &params, wanted)).await;
        let Some(mut actions) = actions else { return Ok(None) };
        if !client.disabled {
            let told = actions.extract_if(.., |action| action.disabled.is_some());
            for reason in told.filter_map(|action| Some(action.disabled?.reason)).filter(|_| asked) {
                let message = format!("safestep does not split this migration: {reason}");
                self.client.show_message(MessageType::INFO, message).await;
            }
        }
        Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
    }
}
