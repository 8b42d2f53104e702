//! ALTER TABLE: subcommands, passes and what phase 3 does to the tables (tablecmds.c).

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn alter_table(exec: &mut Exec, it: &ast::AlterTable, span: Span) {
    let _ = (exec, it, span);
}
