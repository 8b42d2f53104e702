//! SELECT, INSERT, UPDATE, DELETE, MERGE, COPY, TRUNCATE, LOCK TABLE.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn truncate_or_lock(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}

pub(super) fn data(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
