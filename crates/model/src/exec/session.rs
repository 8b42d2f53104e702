//! SET, transaction control.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn session(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
