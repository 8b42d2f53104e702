//! Functions, procedures, DO and CALL.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn routine(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
