//! Flyway: `V1_2__name.sql`, `U1_2__name.sql`, `R__name.sql`; a transaction around each file; statement by statement.
//!
//! Flyway looks at the first words of each statement: a file of nothing but statements that refuse a transaction runs
//! without one, and a file that mixes both kinds is refused, unless `mixed` is set or `V1_2__name.sql.conf` says
//! `executeInTransaction` (flyway, `PostgreSQLParser.java`). Prefix, separator and more come from its configuration.

use std::path::{Path, PathBuf};

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::lex::{self, TokenKind};
use syntax::{Options, Span};

use crate::emit::version::counted;
use crate::emit::{Sheet, Written, paired};
use crate::files::Files;
use crate::lines::lines;
use crate::migration::{Key, Problem, Role};
use crate::tool::{Evidence, OTHER_DIALECT, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, plain, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "flyway",
    label: "Flyway",
    evidence: Evidence {
        signature: |_| false,
        always_signed: false,
        files: &["flyway.conf", "flyway.toml", "conf/flyway.conf"],
        dependencies: &[
            ("pom.xml", "flyway-core"),
            ("pom.xml", "flyway-maven-plugin"),
            ("build.gradle", "flyway"),
            ("build.gradle", "org.flywaydb"),
            ("build.gradle.kts", "flyway"),
            ("build.gradle.kts", "org.flywaydb"),
            ("application.yml", "flyway"),
            ("application.yaml", "flyway"),
            ("application.properties", "spring.flyway"),
            ("Dockerfile", "flyway"),
            ("docker-compose.yml", "flyway"),
        ],
        words: &[],
        by_name: |_| true,
    },
    settings_files: &[
        "flyway.conf",
        "flyway.toml",
        "conf/flyway.conf",
        "application.yml",
        "application.yaml",
        "application.properties",
        "src/main/resources/application.yml",
        "src/main/resources/application.yaml",
        "src/main/resources/application.properties",
        "docker-compose.yml",
        "compose.yml",
        "build.gradle",
        "build.gradle.kts",
    ],
    settings,
    place,
    recursive: true,
    unique_version: true,
    directories: false,
    checksums: true,
    read,
    writer: WRITER,
};

/// Flyway's own names, and ours for them.
const KEYS: [(&str, &str); 8] = [
    ("sqlmigrationprefix", "prefix"),
    ("undosqlmigrationprefix", "undo prefix"),
    ("repeatablesqlmigrationprefix", "repeatable prefix"),
    ("sqlmigrationseparator", "separator"),
    ("mixed", "mixed"),
    ("group", "group"),
    ("url", "url"),
    ("transactionallock", "transactional lock"),
];

/// The nearest file that says something wins, key by key.
fn settings(files: &Files, found: &[PathBuf]) -> Settings {
    let mut settings = Settings::default();
    for text in found.iter().filter_map(|path| files.read(path).ok()) {
        for line in lines(&text.text) {
            let Some((key, value)) = assignment(line.text) else { continue };
            // Other programs have a `group` and a `url` too.
            let sound = match key.as_str() {
                "group" | "mixed" => matches!(value.as_str(), "true" | "false"),
                "url" => value.starts_with("jdbc:"),
                _ => true,
            };
            if let Some((_, ours)) = KEYS.iter().find(|(name, _)| sound && *name == key) {
                settings.0.entry(ours).or_insert(value);
            }
        }
    }
    if let Some(url) = settings.get("url") {
        let dialect = url.split_once("jdbc:").and_then(|(_, rest)| rest.split(':').next());
        // Wrappers such as `jdbc:tc:postgresql` and placeholders say nothing.
        let others =
            ["mysql", "mariadb", "sqlite", "sqlserver", "oracle", "h2", "hsqldb", "db2", "clickhouse", "snowflake"];
        if let Some(other) = dialect.filter(|dialect| others.contains(dialect)) {
            let reason = format!("{other}, by Flyway's configuration");
            settings.0.insert(OTHER_DIALECT, reason);
        }
    }
    settings
}

/// `flyway.sqlMigrationPrefix=V`, `sql-migration-prefix: "V"` and `FLYWAY_SQL_MIGRATION_PREFIX: V` are one key: its last part
/// in lower case without punctuation.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_start_matches("- ");
    let (key, value) = line.split_once(['=', ':']).filter(|_| !line.starts_with('#'))?;
    let key = key.trim().trim_matches('"').to_ascii_lowercase();
    // The one key of two parts.
    let key = if key.ends_with("transactional.lock") { "transactionallock" } else { key.rsplit('.').next()? };
    let key = key.replace(['-', '_', ' '], "");
    let key = key.strip_prefix("flyway").unwrap_or(&key);
    let key = key.strip_prefix("postgresql").unwrap_or(key).to_owned();
    let value = value.trim().trim_matches(['"', '\'']).to_owned();
    (!key.is_empty()).then_some((key, value))
}

fn place(path: &Path, settings: &Settings) -> Option<Place> {
    let file = path.file_name()?.to_str()?;
    let (stem, settings_file) = match file.strip_suffix(".conf") {
        Some(file) => (file.strip_suffix(".sql")?, true),
        None => (file.strip_suffix(".sql")?, false),
    };
    let separator = settings.get("separator").filter(|separator| !separator.is_empty()).unwrap_or("__");
    let (head, name) = stem.split_once(separator)?;
    let kinds = [
        (settings.get("repeatable prefix").unwrap_or("R"), Role::Up, true),
        (settings.get("undo prefix").unwrap_or("U"), Role::Down, false),
        (settings.get("prefix").unwrap_or("V"), Role::Up, false),
    ];
    let (key, version, role) = kinds.iter().find_map(|(prefix, role, repeatable)| {
        let version = head.strip_prefix(prefix)?;
        match (repeatable, version) {
            (true, "") => Some((Key::Repeatable(name.to_owned()), version, *role)),
            (true, _) => None,
            (false, _) => Some((Key::Numbers(numbers(version)?), version, *role)),
        }
    })?;
    Some(Place {
        root: root(path)?,
        key,
        version: version.to_owned(),
        name: name.to_owned(),
        role: if settings_file { Role::Settings } else { role },
    })
}

/// `1.2`, `1_2` and `20240101120000` as numbers without trailing zeros.
fn numbers(version: &str) -> Option<Vec<u128>> {
    let parts = version.split(['.', '_']).map(|part| part.parse().ok().filter(|_| !part.starts_with('+')));
    let mut numbers: Vec<u128> = parts.collect::<Option<_>>()?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// The location that Flyway is given holds directories too: the nearest one that is called so, else the file's own.
fn root(path: &Path) -> Option<PathBuf> {
    let named = path.ancestors().skip(1).find(|above| {
        above.file_name().and_then(|name| name.to_str()).is_some_and(|name| matches!(name, "migration" | "migrations"))
    });
    Some(named.or(path.parent())?.to_owned())
}

fn read(source: &Source, settings: &Settings) -> Reading {
    let mut problems = Vec::new();
    let own = source.companions.iter().find(|companion| companion.role == Role::Settings);
    let own = own.and_then(|own| {
        let found = lines(&own.text).filter_map(|line| assignment(line.text));
        found.filter(|(key, _)| key == "executeintransaction").last().map(|(_, value)| value == "true")
    });
    let mixed = settings.get("mixed") == Some("true");
    let runner = Runner {
        name: "Flyway",
        transaction: RunnerTransaction::Unit,
        messages: Messages::Each,
        opt_out: Some(match source.path.file_name() {
            Some(name) => format!("`executeInTransaction=false` in {}.conf", name.to_string_lossy()),
            None => "`executeInTransaction=false` in a .conf file".to_owned(),
        }),
        opted_out: false,
        resets_session: false,
    };
    let options = Options { copy_data: true, ..server_sql(Span::default()) };
    let mut units = plain::whole_files(source, &runner, options);
    for unit in &mut units {
        let refusing: Vec<Option<Span>> = refusing(&unit.text);
        let first = refusing.iter().flatten().next();
        let opted_out = match (own, first) {
            (Some(transaction), _) => !transaction,
            (None, None) => false,
            (None, Some(_)) if mixed => true,
            (None, Some(span)) => {
                let alone = refusing.iter().all(Option::is_some);
                if !alone && unit.path == source.path {
                    problems.push(Problem {
                        span: *span,
                        message: "Flyway refuses a statement that cannot run in a transaction beside others that can; move it \
                                  to a file of its own"
                            .to_owned(),
                        fatal: false,
                    });
                }
                alone
            }
        };
        unit.runner.opted_out = opted_out;
        unit.runner.transaction = match (opted_out, settings.get("group")) {
            (true, _) => RunnerTransaction::None,
            (false, Some("true")) => RunnerTransaction::AllPending,
            (false, _) => RunnerTransaction::Unit,
        };
    }
    Reading { units, problems }
}

/// For each statement: where it stands, if Flyway runs it outside a transaction.
fn refusing(text: &str) -> Vec<Option<Span>> {
    let tokens = lex::tokens(text);
    let statements = tokens.split(|token| token.kind == TokenKind::Semicolon);
    let statements = statements.map(|statement| statement.iter().filter(|token| !token.is_comment()));
    statements
        .filter_map(|statement| {
            let words: Vec<_> = statement.collect();
            let (first, last) = (words.first()?, words.last()?);
            let head: Vec<String> = words.iter().take(4).map(|it| it.span.slice(text).to_ascii_uppercase()).collect();
            let head: Vec<&str> = head.iter().map(String::as_str).collect();
            let refuses = matches!(
                head[..],
                ["CREATE" | "DROP", "DATABASE" | "TABLESPACE" | "SUBSCRIPTION", ..]
                    | ["CREATE" | "DROP", "INDEX", "CONCURRENTLY", ..]
                    | ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"]
                    | ["ALTER", "SYSTEM", ..]
                    | ["REINDEX", "SCHEMA" | "DATABASE" | "SYSTEM", ..]
                    | ["REINDEX", "VERBOSE", "SCHEMA" | "DATABASE" | "SYSTEM", ..]
                    | ["VACUUM", ..]
                    | ["DISCARD", "ALL", ..]
            );
            Some(refuses.then_some(first.span.to(last.span)))
        })
        .collect()
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions,
    path: |beside, version, name| {
        let file = beside.path.file_name()?.to_str()?;
        let at = file.find(&beside.version)?;
        let (prefix, rest) = (&file[..at], &file[at + beside.version.len()..]);
        let separator = &rest[..rest.find(&beside.name)?];
        Some(beside.path.with_file_name(format!("{prefix}{version}{separator}{name}.sql")))
    },
    write,
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: false,
    down_required: false,
    nothing: "",
    run: "`flyway migrate`",
    undo: Some("`flyway undo`"),
    repair: |_, _| "`flyway repair`, then ".to_owned(),
    advice: |settings| {
        (settings.get("transactional lock") != Some("false")).then_some(
            "Flyway itself holds a transaction open that CONCURRENTLY waits for; set `flyway.postgresql.transactional.lock=false`",
        )
    },
});

/// Times go on by a second; other versions, and times without room, get one more part.
fn versions(version: &str, count: usize, before: Option<&str>) -> Option<Vec<String>> {
    let fits = |versions: &[String]| {
        let last = versions.last().and_then(|last| numbers(last));
        match before.map(numbers) {
            Some(before) => last < before,
            None => true,
        }
    };
    if version.len() == 14
        && let Some(versions) = counted(version, count, before, 1).filter(|versions| fits(versions))
    {
        return Some(versions);
    }
    let separator = if version.contains('_') { '_' } else { '.' };
    let mut base = version.to_owned();
    for _ in 0..4 {
        let versions: Vec<String> = (1..=count).map(|number| format!("{base}{separator}{number}")).collect();
        if fits(&versions) {
            return Some(versions);
        }
        base = format!("{base}{separator}0");
    }
    None
}

fn write(sheet: &Sheet) -> Result<Written, String> {
    let file = sheet.path.file_name().and_then(|name| name.to_str()).ok_or("the file has no name")?;
    let undo = sheet.path.with_file_name(format!("U{}", file.strip_prefix('V').unwrap_or(file)));
    let up = format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined());
    let mut written = paired(sheet, undo, up.clone());
    let texts = [(sheet.path.clone(), up, sheet.transaction)].into_iter().chain(
        written.iter().skip(1).filter_map(|(path, text)| Some((path.clone(), text.clone()?, sheet.down_transaction))),
    );
    let texts: Vec<_> = texts.collect();
    for (path, text, transaction) in texts {
        let mut conf = path.into_os_string();
        conf.push(".conf");
        let conf = PathBuf::from(conf);
        let own = sheet.migration.companions.iter().find(|it| it.role == Role::Settings && it.path == conf);
        // Flyway sees for itself that a file of nothing but such statements needs no transaction.
        let found = refusing(&text);
        let seen = !found.is_empty() && found.iter().all(Option::is_some);
        let others = own
            .iter()
            .flat_map(|own| own.text.lines())
            .filter(|line| assignment(line).is_none_or(|(key, _)| key != "executeintransaction"));
        let mut lines: Vec<String> = others.map(str::to_owned).collect();
        if !transaction && !seen {
            lines.push("executeInTransaction=false".to_owned());
        }
        match (own, lines.is_empty()) {
            (None, true) => {}
            (Some(_), true) => written.push((conf, None)),
            (_, false) => written.push((conf, Some(format!("{}\n", lines.join("\n"))))),
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::{Mode, Setting};

    use crate::emit;
    use crate::testing::{DOWN, UP, draw, emitted, emitted_with, made, memory, plan, three_parts};

    #[test]
    fn versions_are_numbers_and_repeatables_come_last() {
        let files = memory(&[
            ("flyway.conf", "flyway.url=jdbc:postgresql://localhost/shop\n"),
            ("sql/migration/V2__b.sql", "SELECT 1;\n"),
            ("sql/migration/V10__c.sql", "SELECT 1;\n"),
            ("sql/migration/sub/V1_1_0__a.sql", "SELECT 1;\n"),
            ("sql/migration/U2__b.sql", "SELECT 2;\n"),
            ("sql/migration/V1.1__twice.sql", ""),
            ("sql/migration/R__views.sql", "SELECT 1;\n"),
            ("sql/migration/h2/V3__h.sql", "SELECT 1;\n"),
            ("sql/migration/notes.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            flyway in sql/migration, flyway.conf is there
              V1.1__twice.sql [1.1] twice
                problem at "": sql/migration/sub/V1_1_0__a.sql has the same version; give one of the two another
                up, transaction, each statement
              sub/V1_1_0__a.sql [1.1] a
                problem at "": sql/migration/V1.1__twice.sql has the same version; give one of the two another
                up, transaction, each statement
              V2__b.sql [2] b
                with sql/migration/U2__b.sql
                up, transaction, each statement
                down, transaction, each statement
              V10__c.sql [10] c
                up, transaction, each statement
              R__views.sql Repeatable("views") views
                up, transaction, each statement
            skipped sql/migration/h2/V3__h.sql: is for h2, by its name
            skipped sql/migration/notes.sql: lies among migrations of Flyway, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn statements_that_refuse_a_transaction_run_without_when_they_are_alone() {
        let files = memory(&[
            ("flyway.toml", "[flyway]\n"),
            (
                "V1__alone.sql",
                "-- why\ncreate unique /* x */ index concurrently i on t (a);\nDROP INDEX CONCURRENTLY j;\n",
            ),
            ("V2__mixed.sql", "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\n"),
            ("V3__conf.sql", "SET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY i ON t (a);\n"),
            ("V3__conf.sql.conf", "executeInTransaction=false\n"),
            ("V4__unseen.sql", "REINDEX INDEX CONCURRENTLY i;\n"),
            ("V5__none.sql", "-- nothing\n"),
        ]);
        expect![[r#"
            flyway in ., flyway.toml is there
              V1__alone.sql [1] alone
                up, no transaction, each statement
              V2__mixed.sql [2] mixed
                problem at "CREATE INDEX CONCURRENTLY i ON t (a)": Flyway refuses a statement that cannot run in a transaction beside others that can; move it to a file of its own
                up, transaction, each statement
              V3__conf.sql [3] conf
                with V3__conf.sql.conf
                up, no transaction, each statement
              V4__unseen.sql [4] unseen
                up, transaction, each statement
              V5__none.sql [5] none
                up, transaction, each statement
        "#]].assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn the_configuration_changes_names_and_transactions() {
        let files = memory(&[
            (
                "app/src/main/resources/application.yml",
                "spring:\n  flyway:\n    sql-migration-prefix: \"\"\n    group: true\n    mixed: true\n",
            ),
            ("app/src/main/resources/db/migration/20240101000000__a.sql", "SELECT 1;\n"),
            ("app/src/main/resources/db/migration/20240102000000__b.sql", "VACUUM;\nSELECT 1;\n"),
        ]);
        expect![[r#"
            flyway in app/src/main/resources/db/migration, app/src/main/resources/application.yml names flyway
              20240101000000__a.sql [20240101000000] a
                up, one transaction for all, each statement
              20240102000000__b.sql [20240102000000] b
                up, no transaction, each statement
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn parts_become_dotted_versions_with_undo_files() {
        let files = memory(&[
            ("flyway.toml", ""),
            ("sql/V5__orders.sql", UP),
            ("sql/U5__orders.sql", DOWN),
            ("sql/V6__next.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            ==== sql/U5.1__orders_step2_create_orders_note.sql
            DROP INDEX CONCURRENTLY orders_note;
            ==== sql/U5.2__orders_step3_validate_orders_total.sql
            -- There is nothing to undo.
            ==== sql/U5__orders.sql
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== sql/V5.1__orders_step2_create_orders_note.sql
            -- Step 2 of 3, split by safestep from V5__orders.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `flyway repair`, then `flyway migrate`.
            -- Roll back with `flyway undo`, once for each step, last step first.
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);
            ==== sql/V5.2__orders_step3_validate_orders_total.sql
            -- Step 3 of 3, split by safestep from V5__orders.sql.
            -- If it fails, nothing has changed: `flyway repair`, then `flyway migrate`.
            -- Roll back with `flyway undo`, once for each step, last step first.
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;
            ==== sql/V5__orders.sql
            -- Step 1 of 3, split by safestep. Then: V5.1__orders_step2_create_orders_note.sql, V5.2__orders_step3_validate_orders_total.sql.
            -- If it fails, nothing has changed: `flyway repair`, then `flyway migrate`.
            -- Roll back with `flyway undo`, once for each step, last step first.
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;
            note: Flyway itself holds a transaction open that CONCURRENTLY waits for; set `flyway.postgresql.transactional.lock=false`
        "#]].assert_eq(&emitted(&files, "sql/V5__orders.sql", &three_parts()));
    }

    #[test]
    fn versions_fit_between_their_neighbours() {
        let drawn = |version, count, before| super::versions(version, count, before).map(|found| found.join(" "));
        assert_eq!(drawn("5", 2, Some("6")).as_deref(), Some("5.1 5.2"));
        assert_eq!(drawn("5", 2, Some("5.2")).as_deref(), Some("5.0.1 5.0.2"));
        assert_eq!(drawn("1_13", 1, Some("1_14")).as_deref(), Some("1_13_1"));
        assert_eq!(drawn("20240601120000", 2, None).as_deref(), Some("20240601120001 20240601120002"));
        assert_eq!(
            drawn("20240601120000", 2, Some("20240601120001")).as_deref(),
            Some("20240601120000.1 20240601120000.2")
        );
    }

    #[test]
    fn what_flyway_does_not_see_gets_a_conf_file() {
        let files = memory(&[
            ("flyway.toml", "[flyway.postgresql]\ntransactional.lock = false\n"),
            ("V5__i.sql", "REINDEX INDEX i;\n"),
            ("V6__j.sql", "SET lock_timeout = '5s';\nCREATE INDEX j ON t (a);\n"),
        ]);
        let index = made(0, Mode::NonTx, "reindex_i", "REINDEX INDEX CONCURRENTLY i;", "");
        expect![[r#"
            ==== V5__i.sql
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: REINDEX INDEX CONCURRENTLY i;; then `flyway repair`, then `flyway migrate`.
            REINDEX INDEX CONCURRENTLY i;
            ==== V5__i.sql.conf
            executeInTransaction=false
        "#]]
        .assert_eq(&emitted(&files, "V5__i.sql", &plan(vec![vec![index]])));
        let mut build = plan(vec![vec![made(1, Mode::NonTx, "create_j", "CREATE INDEX CONCURRENTLY j ON t (a);", "")]]);
        build.parts[0].settings.push(Setting {
            name: "lock_timeout".to_owned(),
            sql: "SET lock_timeout = '5s';".to_owned(),
            local: false,
        });
        expect![[r#"
            ==== V6__j.sql
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: DROP INDEX CONCURRENTLY j; then `flyway repair`, then `flyway migrate`.
            SET lock_timeout = '5s';
            SET lock_timeout = 0;
            CREATE INDEX CONCURRENTLY j ON t (a);
            RESET lock_timeout;
            ==== V6__j.sql.conf
            executeInTransaction=false
        "#]]
        .assert_eq(&emitted(&files, "V6__j.sql", &build));
    }

    #[test]
    fn parts_need_files() {
        let files = memory(&[("migrations/V1__orders.sql", UP)]);
        let options = emit::Options { changed: true, one_file: true, ..emit::Options::default() };
        expect![[r#"
            withheld: the rewrite needs another file beside it for Flyway
        "#]]
        .assert_eq(&emitted_with(&files, "migrations/V1__orders.sql", &three_parts(), &options));
    }
}
