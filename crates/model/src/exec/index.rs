//! CREATE INDEX and REINDEX.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn create_index(exec: &mut Exec, it: &ast::CreateIndex, span: Span) {
    let _ = (exec, it, span);
}

pub(super) fn reindex(exec: &mut Exec, it: &ast::Reindex, span: Span) {
    let _ = (exec, it, span);
}
