//! Every other object: views, sequences, triggers, policies, comments, privileges, renames.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn object(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
