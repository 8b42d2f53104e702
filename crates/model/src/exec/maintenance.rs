//! VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn maintenance(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
