//! Histories of any length, for benchmarks and for counting work: the statement kinds that projects write most.

use std::fmt::Write as _;

/// Migrations for goose, in order: name and text. No statement comes twice.
pub fn history(files: usize) -> Vec<(String, String)> {
    (0..files).map(|number| (format!("{:05}_change.sql", number + 1), migration(number))).collect()
}

/// Every fourth migration begins a table; the three behind it change the table.
fn migration(number: usize) -> String {
    let (table, before) = (number / 4, (number / 4).saturating_sub(1));
    let body = match number % 4 {
        0 => format!(
            "CREATE TABLE t{table} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    name text NOT NULL,\n    \
             amount numeric(12, 2) DEFAULT 0 CHECK (amount >= 0),\n    parent bigint REFERENCES t{before} (id),\n    \
             created_at timestamptz NOT NULL DEFAULT now()\n);\nCREATE INDEX t{table}_name ON t{table} (name);\n\
             COMMENT ON TABLE t{table} IS 'things of kind {table}';\n"
        ),
        1 => format!(
            "SET LOCAL lock_timeout = '{}ms';\nALTER TABLE t{table} ADD COLUMN state text NOT NULL DEFAULT 'new', ADD COLUMN note text;\n\
             UPDATE t{table} SET state = 'old' WHERE created_at < '2024-01-01';\n\
             INSERT INTO t{table} (name, state) VALUES ('first', 'new'), ('second', 'new');\n",
            2000 + table
        ),
        2 => format!(
            "CREATE INDEX t{table}_state ON t{table} (state, created_at);\n\
             ALTER TABLE t{table} ALTER COLUMN note SET NOT NULL;\n\
             CREATE VIEW v{table} AS SELECT t.id, t.name, count(*) FILTER (WHERE t.state = 'new') AS fresh\n    \
             FROM t{table} AS t GROUP BY t.id, t.name;\n"
        ),
        _ => format!(
            "ALTER TABLE t{table} ADD CONSTRAINT t{table}_state CHECK (state IN ('new', 'old'));\n\
             CREATE FUNCTION f{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := lower(NEW.name); RETURN NEW; END $$;\n\
             CREATE TRIGGER f{table} BEFORE INSERT ON t{table} FOR EACH ROW EXECUTE FUNCTION f{table}();\n\
             DROP INDEX t{table}_name;\n"
        ),
    };
    format!("-- +goose Up\n{body}")
}

/// One file of about that many bytes: a table and what is put into it, row by row and in blocks, with changes in between.
pub fn large(bytes: usize) -> String {
    let mut text = String::from("CREATE TABLE seed (id bigint PRIMARY KEY, name text, amount numeric);\n");
    let mut row = 0;
    while text.len() < bytes {
        if row % 1000 == 0 {
            let _ =
                writeln!(text, "ALTER TABLE seed ADD COLUMN c{row} text;\nCREATE INDEX seed_c{row} ON seed (c{row});");
        }
        let _ = writeln!(text, "INSERT INTO seed (id, name, amount) VALUES ({row}, 'name of row {row}', {row}.25);");
        row += 1;
    }
    text
}
