//! Enums, domains, composite types.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn types(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
