//! DROP of any object, with what CASCADE takes along.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn drop_objects(exec: &mut Exec, it: &ast::Drop, span: Span) {
    let _ = (exec, it, span);
}
