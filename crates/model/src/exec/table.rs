//! CREATE TABLE, CREATE TABLE AS, ALTER TABLE ALL IN TABLESPACE.

use syntax::Span;
use syntax::ast;

use super::Exec;

pub(super) fn create_table(exec: &mut Exec, it: &ast::CreateTable, span: Span) {
    let _ = (exec, it, span);
}

pub(super) fn create_table_as(exec: &mut Exec, it: &ast::CreateTableAs, span: Span) {
    let _ = (exec, it, span);
}

pub(super) fn alter_all_in_tablespace(exec: &mut Exec, it: &ast::StatementKind, span: Span) {
    let _ = (exec, it, span);
}
