//! SET statements. They are no steps: every part that they hold for gets them again, because it may run in another session.

use model::plan::Setting;
use syntax::Options;
use syntax::ast::{AlterAction, Expr, ObjectKind, StatementKind};

use crate::Request;

/// The setting that a statement makes or takes back; `all` for RESET ALL.
pub(crate) fn setting(kind: &StatementKind, text: &str) -> Option<Setting> {
    let sql = || crate::edit::terminated(text.to_owned());
    match kind {
        StatementKind::Set(it) => Some(Setting { name: it.name.clone(), sql: sql(), local: it.local }),
        // pg_dump begins its files with such a call.
        StatementKind::Select(query) => match query.targets.as_slice() {
            [Expr::Call { name, arguments }] if name.name == "set_config" => match arguments.as_slice() {
                [Expr::String(name), Expr::String(_), Expr::Bool(local)] => {
                    Some(Setting { name: name.to_lowercase(), sql: sql(), local: *local })
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Timeouts do not change what a statement does, so statements may move across them.
pub(crate) fn is_timeout(name: &str) -> bool {
    matches!(
        name,
        "lock_timeout"
            | "statement_timeout"
            | "idle_in_transaction_session_timeout"
            | "transaction_timeout"
            | "deadlock_timeout"
    )
}

/// Whether a step may do something else under the setting. An index holds what functions make of a row that depend on
/// nothing else, and is built with another memory; that no row is changed holds for VALIDATE too.
pub(crate) fn reaches(name: &str, sql: &str) -> bool {
    let of_rows = matches!(name, "session_replication_role" | "work_mem");
    let untouched = |kind: &StatementKind| match kind {
        StatementKind::CreateIndex(_) | StatementKind::Reindex(_) => true,
        StatementKind::Drop(it) => it.object == ObjectKind::Index,
        StatementKind::AlterTable(it) => {
            of_rows && it.subcommands.iter().all(|it| matches!(it.action, AlterAction::ValidateConstraint { .. }))
        }
        _ => false,
    };
    let script = || syntax::parse(sql, &Options::plain());
    !(of_rows || name.contains('.')) || !script().statements.iter().all(|it| untouched(&it.parsed.kind))
}

/// Where unqualified names are looked up under these settings.
pub(crate) fn search_path(settings: &[Setting], request: &Request) -> Vec<String> {
    let setting = settings.iter().rev().find(|it| matches!(it.name.as_str(), "search_path" | "all"));
    let Some(setting) = setting else { return request.session.search_path.clone() };
    let script = syntax::parse(&setting.sql, &Options::plain());
    match script.statements.first().map(|it| &*it.parsed.kind) {
        Some(StatementKind::Set(it)) => match &it.values {
            Some(values) => values.clone(),
            None => model::trace::Session::default().search_path,
        },
        // set_config('search_path', ...): names are qualified where the path is empty.
        Some(StatementKind::Select(query)) => match query.targets.first() {
            Some(Expr::Call { arguments, .. }) => match arguments.get(1) {
                Some(Expr::String(value)) => {
                    value.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        },
        _ => request.session.search_path.clone(),
    }
}

/// The settings in force, in order of their statements.
#[derive(Clone, Debug, Default)]
pub(crate) struct InForce(pub Vec<Setting>);

impl InForce {
    pub fn apply(&mut self, setting: Setting) {
        if setting.name == "all" {
            self.0.clear();
        }
        self.0.retain(|it| it.name != setting.name || (setting.local && !it.local));
        self.0.push(setting);
    }

    /// SET LOCAL ends with its transaction.
    pub fn end_transaction(&mut self) {
        self.0.retain(|it| !it.local);
    }
}
