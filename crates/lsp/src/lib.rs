//! The language server: what the editor has open goes to the engine, what the engine says goes to the editor.
//!
//! Requests are handled concurrently, so every `did_*` handler stores the new text before its first await; otherwise
//! edits would overtake each other. One task judges and publishes, so that an older result never follows a newer one.
//! Only this crate names the LSP framework.

mod answers;
mod convert;
mod navigate;
mod outline;
#[cfg(test)]
mod tests;
mod words;
mod world;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diagnostics::Source;
use engine::{Class, Date, Engine, Files, Names};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CodeActionKind, CodeActionOptions, CodeActionOrCommand, CodeActionParams, CodeActionProviderCapability,
    CodeActionResponse, CodeActionTriggerKind, CompletionOptions, CompletionParams, CompletionResponse,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, DocumentHighlight, DocumentHighlightParams, DocumentSymbolParams,
    DocumentSymbolResponse, ExecuteCommandOptions, ExecuteCommandParams, GotoDefinitionParams, GotoDefinitionResponse,
    Hover, HoverParams, HoverProviderCapability, InitializeParams, InitializeResult, InitializedParams, InlayHint,
    InlayHintParams, Location, MessageType, OneOf, ReferenceParams, Registration, ResourceOperationKind, SaveOptions,
    ServerCapabilities, ServerInfo, ShowDocumentParams, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, Uri,
};
use tower_lsp::{Client, LanguageServer, LspService};

use convert::Encoding;
use world::{Abilities, Document, Judged, Snapshot, World};

/// Typing goes on when the next change comes within this time.
const PAUSE: Duration = Duration::from_millis(25);

/// Changes that are waited for before something is said all the same.
const PATIENCE: usize = 20;

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
    let served = Arc::clone(&shared);
    let ended = runtime.block_on(async {
        let serving = tokio::spawn(async move {
            let (service, socket) = LspService::new(|client| Server::start(client, served));
            tower_lsp::Server::new(tokio::io::stdin(), tokio::io::stdout(), socket).serve(service).await;
        });
        serving.await
    });
    // A thread may still wait for input that nobody will send.
    runtime.shutdown_background();
    ended.map_err(|error| format!("the server failed: {error}"))?;
    Ok(shared.shut_down.load(Ordering::Relaxed))
}

struct Server {
    client: Client,
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    today: fn() -> Date,
    world: Mutex<World>,
    changed: Notify,
    shut_down: AtomicBool,
    /// What a document's history named at a generation: whoever asks once asks again.
    names: Mutex<Option<(Uri, u64, Arc<Names>)>>,
}

impl Shared {
    fn new(engine: Engine, today: fn() -> Date) -> Self {
        let (world, changed, shut_down) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        Self { engine, today, world, changed, shut_down, names: Mutex::default() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world and wakes the task that judges.
    fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world());
        self.changed.notify_one();
    }

    /// What the engine says about a document as it is now; `None` when it is not open or cannot be judged.
    async fn judged(self: &Arc<Self>, uri: &Uri) -> Option<Arc<Judged>> {
        let snapshot = {
            let world = self.world();
            match world.judged.get(uri) {
                Some((generation, judged)) if *generation == world.generation => return Some(Arc::clone(judged)),
                _ => world.snapshot(uri)?,
            }
        };
        self.judge(snapshot).await.ok()
    }

    async fn judge(self: &Arc<Self>, snapshot: Snapshot) -> std::result::Result<Arc<Judged>, Vec<String>> {
        let (uri, generation) = (snapshot.uri.clone(), snapshot.generation);
        let shared = Arc::clone(self);
        let judging = tokio::task::spawn_blocking(move || snapshot.judge(&shared.engine, (shared.today)()));
        let judged = judging.await.map_err(|error| vec![format!("safestep failed on {}: {error}", uri.as_str())])?;
        let judged = Arc::new(judged?);
        let mut world = self.world();
        if world.generation == generation && world.documents.contains_key(&uri) {
            world.judged.insert(uri, (generation, Arc::clone(&judged)));
        }
        Ok(judged)
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

    /// Judges what waits and publishes it, for as long as the server lives.
    async fn watch(self: Arc<Self>, client: Client) {
        loop {
            self.changed.notified().await;
            let closed = std::mem::take(&mut self.world().closed);
            for uri in closed {
                if !self.world().documents.contains_key(&uri) {
                    client.publish_diagnostics(uri, Vec::new(), None).await;
                }
            }
            while !self.world().waiting.is_empty() {
                self.settle().await;
                let snapshot = {
                    let mut world = self.world();
                    world.waiting.pop_front().and_then(|uri| world.snapshot(&uri))
                };
                if let Some(snapshot) = snapshot {
                    self.publish(&client, snapshot).await;
                }
            }
        }
    }

    /// Waits until nobody types.
    async fn settle(&self) {
        for _ in 0..PATIENCE {
            let before = self.world().generation;
            tokio::time::sleep(PAUSE).await;
            if self.world().generation == before {
                break;
            }
        }
    }

    async fn publish(self: &Arc<Self>, client: &Client, snapshot: Snapshot) {
        let result = self.judge(snapshot.clone()).await;
        let (said, news) = {
            let mut world = self.world();
            if !world.is_current(&snapshot) {
                return;
            }
            match result {
                Ok(judged) => {
                    world.errors.remove(&snapshot.uri);
                    (answers::diagnostics(&judged, world.client), Vec::new())
                }
                Err(errors) => (Vec::new(), world.news(&snapshot.uri, errors)),
            }
        };
        for error in news {
            client.show_message(MessageType::ERROR, error).await;
        }
        client.publish_diagnostics(snapshot.uri, said, Some(snapshot.document.version)).await;
    }

    fn client(&self) -> Abilities {
        self.world().client
    }
}

impl Server {
    fn start(client: Client, shared: Arc<Shared>) -> Self {
        tokio::spawn(Arc::clone(&shared).watch(client.clone()));
        Self { client, shared }
    }

    fn store(&self, uri: Uri, text: String, version: i32) {
        // A buffer without a file has no place among the migrations.
        if !uri.as_str().starts_with("file:") {
            return;
        }
        let Some(path) = uri.to_file_path() else { return };
        let path = self.shared.engine.files.absolute(&path);
        self.shared.change(|world| {
            world.documents.insert(uri.clone(), Document { path, text: text.into(), version });
            world.touch(Some(&uri));
        });
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let capabilities = &params.capabilities;
        let encodings = capabilities.general.as_ref().and_then(|it| it.position_encodings.as_deref());
        let edit = capabilities.workspace.as_ref().and_then(|it| it.workspace_edit.as_ref());
        let operations = edit.and_then(|edit| edit.resource_operations.as_deref()).unwrap_or_default();
        let operation = |kind| operations.contains(&kind);
        let document = capabilities.text_document.as_ref();
        let publish = document.and_then(|it| it.publish_diagnostics.as_ref());
        let watches = capabilities.workspace.as_ref().and_then(|it| it.did_change_watched_files.as_ref());
        let client = Abilities {
            encoding: Encoding::agree(encodings),
            related: publish.and_then(|it| it.related_information).unwrap_or_default(),
            // Operations stand among document changes, so who says only the first (Neovim) takes the second.
            document_changes: edit.and_then(|edit| edit.document_changes).unwrap_or(!operations.is_empty()),
            watches: watches.and_then(|it| it.dynamic_registration).unwrap_or_default(),
            create: operation(ResourceOperationKind::Create),
            delete: operation(ResourceOperationKind::Delete),
            shows: capabilities.window.as_ref().and_then(|it| it.show_document.as_ref()).is_some_and(|it| it.support),
        };
        let mut folders: Vec<Uri> = params.workspace_folders.into_iter().flatten().map(|folder| folder.uri).collect();
        #[expect(deprecated, reason = "older clients say only this")]
        if folders.is_empty() {
            folders.extend(params.root_uri);
        }
        let folder = |uri: &Uri| Some(self.shared.engine.files.absolute(&uri.to_file_path()?));
        {
            let mut world = self.shared.world();
            world.client = client;
            world.folders = folders.iter().filter_map(folder).collect();
        }
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(client.encoding.kind()),
                text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                    open_close: Some(true),
                    change: Some(TextDocumentSyncKind::FULL),
                    save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
                    ..TextDocumentSyncOptions::default()
                })),
                hover_provider: Some(HoverProviderCapability::Simple(true)),
                code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                    code_action_kinds: Some(vec![CodeActionKind::QUICKFIX, answers::FIX_ALL]),
                    ..CodeActionOptions::default()
                })),
                inlay_hint_provider: Some(OneOf::Left(true)),
                completion_provider: Some(CompletionOptions {
                    trigger_characters: Some(words::TRIGGERS.map(str::to_owned).to_vec()),
                    ..CompletionOptions::default()
                }),
                document_symbol_provider: Some(OneOf::Left(true)),
                definition_provider: Some(OneOf::Left(true)),
                references_provider: Some(OneOf::Left(true)),
                document_highlight_provider: Some(OneOf::Left(true)),
                execute_command_provider: Some(ExecuteCommandOptions {
                    commands: vec![answers::OPEN_RULE.to_owned()],
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
        if !self.shared.client().watches {
            return;
        }
        let watchers = json!({ "watchers": [{ "globPattern": "**/safestep.toml" }, { "globPattern": "**/*.sql" }] });
        let files = Registration {
            id: "files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: Some(watchers),
        };
        // A client that refuses tells about files when they are edited or saved.
        let _ = self.client.register_capability(vec![files]).await;
    }

    async fn shutdown(&self) -> Result<()> {
        self.shared.shut_down.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.store(document.uri, document.text, document.version);
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        // The whole text is asked for, so the last change is all of it.
        if let Some(change) = params.content_changes.into_iter().next_back() {
            self.store(params.text_document.uri, change.text, params.text_document.version);
        }
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.shared.change(|world| world.touch(Some(&params.text_document.uri)));
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        self.shared.change(|world| world.touch(None));
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        self.shared.change(|world| {
            world.documents.remove(&uri);
            world.judged.remove(&uri);
            world.errors.remove(&uri);
            world.touch(None);
            world.closed.push(uri);
        });
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
        let judged = self.shared.world().judged.get(&at.text_document.uri).map(|(_, judged)| Arc::clone(judged));
        let found = judged.iter().flat_map(|judged| &judged.findings).map(|finding| finding.rule);
        let found: Vec<&str> = found.collect();
        let items = words::completion(&source, is_config, self.shared.client(), at.position, &found);
        Ok(Some(CompletionResponse::Array(items)))
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let judged = self.shared.judged(&params.text_document.uri).await;
        let client = self.shared.client();
        Ok(judged.map(|judged| DocumentSymbolResponse::Nested(outline::symbols(&judged, client))))
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
        let (answers::OPEN_RULE, Some(rule)) = (params.command.as_str(), rule) else {
            return Err(Error::invalid_params(format!("{} is not understood", params.command)));
        };
        let page = engine::page(rule);
        match Uri::from_str(&page) {
            Ok(uri) if self.shared.client().shows => {
                let show = ShowDocumentParams { uri, external: Some(true), take_focus: None, selection: None };
                // A client that cannot after all has told its user.
                let _ = self.client.show_document(show).await;
            }
            _ => self.client.show_message(MessageType::INFO, page).await,
        }
        Ok(None)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let judged = self.shared.judged(&params.text_document.uri).await;
        Ok(judged.map(|judged| answers::inlay_hints(&judged, self.shared.client(), params.range)))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri;
        let Some(judged) = self.shared.judged(&uri).await else { return Ok(None) };
        let client = self.shared.client();
        let only = params.context.only.as_deref();
        // A kind asks for everything below it.
        let wanted = |kind: &CodeActionKind| {
            let below = |asked: &CodeActionKind| {
                kind.as_str()
                    .strip_prefix(asked.as_str())
                    .is_some_and(|rest| asked.as_str().is_empty() || rest.is_empty() || rest.starts_with('.'))
            };
            only.is_none_or(|only| only.iter().any(below))
        };
        let mut actions = Vec::new();
        if wanted(&CodeActionKind::QUICKFIX) {
            actions.extend(answers::quick_fixes(&judged, client, params.range));
        }
        let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::AUTOMATIC) && only.is_none();
        let fixable = judged.findings.iter().any(|it| it.fix.as_ref().is_some_and(|fix| fix.class == Class::Safe));
        if wanted(&answers::FIX_ALL) && fixable && !automatic {
            let shared = Arc::clone(&self.shared);
            let snapshot = self.shared.world().snapshot(&uri);
            let changes = tokio::task::spawn_blocking(move || {
                let snapshot = snapshot?;
                let engine = shared.engine.on(snapshot.files.clone());
                let linted = engine.lint(&snapshot.options((shared.today)()), Some(Class::Safe)).ok()?;
                Some(linted.changes)
            });
            let changes = changes.await.ok().flatten().unwrap_or_default();
            actions.extend(answers::fix_all(&judged, client, &changes));
        }
        Ok(Some(actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()))
    }
}
