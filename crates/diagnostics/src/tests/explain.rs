use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect;
use model::effect::{
    Blocked, Breaks, Effect, FailsWhen, Failure, LockMode, WaitsFor, Work, blocks_reads, blocks_writes,
};
use model::name::QName;
use model::schema::{Born, RelationKind, Schema};
use model::trace::{Judged, Judgement, Opener, Session, Timeout, Timeouts, Trace, Transaction, Until};
use rules::Section;
use syntax::Span;
use syntax::ast::{Parsed, Script, Statement, StatementKind};

use super::{ASCII, COLOR, PLAIN, World};
use crate::{Explained, Style, explain, json};

const PATH: &str = "db/migrations/0007_orders.sql";

/// A trace written by hand.
pub(super) struct Traced {
    pub(super) world: World,
    script: Script,
    pub(super) trace: Trace,
    end: usize,
}

const MAJORS: RangeInclusive<u32> = 14..=18;

impl Traced {
    pub(super) fn new(text: &str) -> Self {
        let trace = Trace {
            judged: Vec::new(),
            transactions: Vec::new(),
            before: Schema::default(),
            after: Schema::default(),
            session_after: Session::default(),
            majors: MAJORS,
        };
        Traced { world: World::new(&[(PATH, text)]), script: Script::default(), trace, end: 0 }
    }

    /// The next statement, with what it locks; it holds what earlier statements of its transaction locked.
    pub(super) fn statement(&mut self, text: &str, transaction: Transaction, effects: Vec<Effect>) -> &mut Judgement {
        let source = self.world.sources.get(Path::new(PATH)).expect("the file is there").text();
        let start = self.end + source[self.end..].find(text).expect("the statement is in the text");
        self.end = start + text.len();
        let end = u32::try_from(self.end + 1).expect("short");
        let tag = ["INSERT", "BEGIN"].into_iter().find(|tag| text.starts_with(tag)).unwrap_or("ALTER TABLE");
        let parsed = Arc::new(Parsed { text: text.into(), kind: StatementKind::Other { tag }.into(), needs: None });
        self.script.statements.push(Statement { span: Span::new(start, self.end), end, parsed });
        let same = |it: &&Judged| it.transaction.id == transaction.id && transaction.until != Until::Statement;
        let held = self.trace.judged.iter().filter(same).flat_map(|it| it.effects.clone());
        let held = held.map(|it| (it.relation.clone(), it)).collect();
        let blocked = effects
            .iter()
            .filter(|effect| blocks_writes(effect.lock) && effect.born == Born::Before)
            .map(|effect| Blocked {
                relation: effect.relation.clone(),
                reads: blocks_reads(effect.lock),
                writes: true,
                rows: false,
            })
            .collect();
        let mut judgement = Judgement::idle(Schema::default(), held, vec!["public".to_owned()]);
        (judgement.effects, judgement.blocked) = (effects, blocked);
        let timeouts = Timeouts { lock: Timeout::Milliseconds(2000), statement: Timeout::Unset };
        self.trace.judged.push(Judged::new(transaction, timeouts, Arc::new(judgement)));
        let last = self.trace.judged.last_mut().expect("just pushed");
        Arc::get_mut(&mut last.judgement).expect("not shared")
    }

    fn text(&self, style: Style) -> String {
        explain::text(&[self.explained()], &self.world.report.assumed, &self.world.sources, style)
    }

    pub(super) fn explained(&self) -> Explained<'_> {
        Explained { path: Path::new(PATH), section: Section::Up, script: &self.script, trace: &self.trace }
    }
}

pub(super) fn lock(relation: &str, lock: LockMode, work: Work) -> Effect {
    Effect {
        relation: QName::new("public", relation),
        kind: RelationKind::Table,
        on: None,
        lock,
        work,
        born: Born::Before,
        empty: false,
        maybe: false,
    }
}

pub(super) const RUNNER: Transaction =
    Transaction { id: 1, inside: Some(true), opened_by: Opener::Runner, until: Until::Commit };

pub(super) fn alone(id: u32) -> Transaction {
    Transaction { id, inside: Some(false), opened_by: Opener::Nobody, until: Until::Statement }
}

/// One transaction with every shade and kind of work, and a statement behind it.
pub(super) fn orders() -> Traced {
    let mut it = Traced::new(
        "-- +goose Up
ALTER TABLE users ADD COLUMN email text;

CREATE INDEX orders_user_idx
  ON orders (user_id);
UPDATE order_items SET total = price * amount;
CREATE TABLE audit (id int);
ALTER TABLE orders ALTER COLUMN id TYPE bigint;

ALTER TABLE order_items VALIDATE CONSTRAINT order_items_total_check;
CREATE INDEX CONCURRENTLY i ON users (email);
",
    );
    it.statement(
        "ALTER TABLE users ADD COLUMN email text",
        RUNNER,
        vec![lock("users", LockMode::AccessExclusive, Work::Instant)],
    );
    it.trace.judged[0].timeouts.lock = Timeout::Unset;
    let mut index = lock("orders_user_idx", LockMode::AccessExclusive, Work::Build);
    index.on = Some(QName::new("public", "orders"));
    index.kind = RelationKind::Index;
    index.born = Born::Here;
    it.statement(
        "CREATE INDEX orders_user_idx\n  ON orders (user_id)",
        RUNNER,
        vec![lock("orders", LockMode::Share, Work::Build), index],
    );
    it.statement(
        "UPDATE order_items SET total = price * amount",
        RUNNER,
        vec![lock("order_items", LockMode::RowExclusive, Work::Rows)],
    );
    let mut audit = lock("audit", LockMode::AccessExclusive, Work::Instant);
    audit.born = Born::Here;
    it.statement("CREATE TABLE audit (id int)", RUNNER, vec![audit]);
    let rewrite = it.statement(
        "ALTER TABLE orders ALTER COLUMN id TYPE bigint",
        RUNNER,
        vec![lock("orders", LockMode::AccessExclusive, Work::Rewrite)],
    );
    rewrite.breaks = vec![Breaks::CachedPlans { relation: QName::new("public", "orders") }];
    rewrite.majors = Some((14, 15));
    it.statement(
        "ALTER TABLE order_items VALIDATE CONSTRAINT order_items_total_check",
        alone(2),
        vec![lock("order_items", LockMode::ShareUpdateExclusive, Work::Scan)],
    );
    let concurrently = it.statement(
        "CREATE INDEX CONCURRENTLY i ON users (email)",
        alone(3),
        vec![lock("users", LockMode::ShareUpdateExclusive, Work::Build)],
    );
    concurrently.waits_for = vec![WaitsFor::Writers, WaitsFor::Snapshots];
    concurrently.fails = Some(Failure {
        sqlstate: "25001",
        message: "CREATE INDEX CONCURRENTLY cannot run inside a transaction block".to_owned(),
        when: FailsWhen::Wrapped,
        span: Span::new(0, 1),
        majors: (14, 18),
    });
    it
}

#[test]
fn a_transaction_with_every_shade() {
    expect![[r#"
        db/migrations/0007_orders.sql as run by goose on PostgreSQL 14 to 18

              users
              │   orders
              │   │   order_items
              │   │   │
         2 ╭  ██  │   │    ALTER TABLE users ADD COLUMN email text
         4 │  ██  ▓▓b │    CREATE INDEX orders_user_idx ON orders (user_id)
         6 │  ██  ▓▓  ░░r  UPDATE order_items SET total = price * amount
         7 │  ██  ▓▓  ░░   CREATE TABLE audit (id int)
         8 ╰  ██  ██c ░░   ALTER TABLE orders ALTER COLUMN id TYPE bigint
        10    │   │   ▒▒s  ALTER TABLE order_items VALIDATE CONSTRAINT order_items_tota…
        11    ▒▒b │   │    CREATE INDEX CONCURRENTLY i ON users (email)

        ██ reads and writes wait   ▓▓ writes wait   ▒▒ DDL waits   ░░ weak lock
        s all rows read   b index built   c all rows copied   r rows written
        not drawn: 1 new relation, which nobody uses yet

        In a transaction opened by goose

         2  ALTER TABLE users ADD COLUMN email text
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit
            limit   no lock_timeout: others queue behind it while it waits

         4  CREATE INDEX orders_user_idx ON orders (user_id)
            takes   SHARE on orders, an index is built
            blocks  writes to orders, until commit
            limit   lock_timeout 2s

         6  UPDATE order_items SET total = price * amount
            takes   ROW EXCLUSIVE on order_items, rows are written

         7  CREATE TABLE audit (id int)
            takes   ACCESS EXCLUSIVE on audit (new)

         8  ALTER TABLE orders ALTER COLUMN id TYPE bigint
            takes   ACCESS EXCLUSIVE on orders, every row is copied
                    on PostgreSQL 14 to 15; less on other versions
            blocks  reads and writes of orders, until commit
            breaks  prepared statements on orders: cached plan must not change result
                    type

        Each in a transaction of its own

        10  ALTER TABLE order_items VALIDATE CONSTRAINT order_items_total_check
            takes   SHARE UPDATE EXCLUSIVE on order_items, every row is read

        11  CREATE INDEX CONCURRENTLY i ON users (email)
            takes   SHARE UPDATE EXCLUSIVE on users, an index is built
            waits   for every transaction that writes to the table
                    for every transaction with an older snapshot

        Long waits

          writes to orders wait while an index is built on it (line 4) and rows of
            order_items are written (line 6)
          reads and writes of users wait while an index is built on orders (line 4),
            rows of order_items are written (line 6) and every row of orders is copied
            (line 8)
          reads and writes of orders wait while every row of it is copied (line 8)
    "#]]
    .assert_eq(&orders().text(PLAIN));
}

#[test]
fn ascii() {
    expect![[r#"
        db/migrations/0007_orders.sql as run by goose on PostgreSQL 14 to 18

              users
              |   orders
              |   |   order_items
              |   |   |
         2 /  ##  |   |    ALTER TABLE users ADD COLUMN email text
         4 |  ##  ++b |    CREATE INDEX orders_user_idx ON orders (user_id)
         6 |  ##  ++  ..r  UPDATE order_items SET total = price * amount
         7 |  ##  ++  ..   CREATE TABLE audit (id int)
         8 \  ##  ##c ..   ALTER TABLE orders ALTER COLUMN id TYPE bigint
        10    |   |   --s  ALTER TABLE order_items VALIDATE CONSTRAINT order_items_to...
        11    --b |   |    CREATE INDEX CONCURRENTLY i ON users (email)

        ## reads and writes wait   ++ writes wait   -- DDL waits   .. weak lock
        s all rows read   b index built   c all rows copied   r rows written
        not drawn: 1 new relation, which nobody uses yet

        In a transaction opened by goose

         2  ALTER TABLE users ADD COLUMN email text
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit
            limit   no lock_timeout: others queue behind it while it waits

         4  CREATE INDEX orders_user_idx ON orders (user_id)
            takes   SHARE on orders, an index is built
            blocks  writes to orders, until commit
            limit   lock_timeout 2s

         6  UPDATE order_items SET total = price * amount
            takes   ROW EXCLUSIVE on order_items, rows are written

         7  CREATE TABLE audit (id int)
            takes   ACCESS EXCLUSIVE on audit (new)

         8  ALTER TABLE orders ALTER COLUMN id TYPE bigint
            takes   ACCESS EXCLUSIVE on orders, every row is copied
                    on PostgreSQL 14 to 15; less on other versions
            blocks  reads and writes of orders, until commit
            breaks  prepared statements on orders: cached plan must not change result
                    type

        Each in a transaction of its own

        10  ALTER TABLE order_items VALIDATE CONSTRAINT order_items_total_check
            takes   SHARE UPDATE EXCLUSIVE on order_items, every row is read

        11  CREATE INDEX CONCURRENTLY i ON users (email)
            takes   SHARE UPDATE EXCLUSIVE on users, an index is built
            waits   for every transaction that writes to the table
                    for every transaction with an older snapshot

        Long waits

          writes to orders wait while an index is built on it (line 4) and rows of
            order_items are written (line 6)
          reads and writes of users wait while an index is built on orders (line 4),
            rows of order_items are written (line 6) and every row of orders is copied
            (line 8)
          reads and writes of orders wait while every row of it is copied (line 8)
    "#]]
    .assert_eq(&orders().text(ASCII));
}

#[test]
fn color() {
    expect![[r#"
        [1mdb/migrations/0007_orders.sql[0m[2m as run by goose on PostgreSQL 14 to 18[0m

              [1musers[0m
              [2m│   [0m[1morders[0m
              [2m│   │   [0m[1morder_items[0m
              [2m│   │   │[0m
        [2m 2 ╭  [0m[31m██[0m  [2m│ [0m  [2m│ [0m   ALTER TABLE users ADD COLUMN email text
        [2m 4 │  [0m[31m██[0m  [33m▓▓[0m[1mb[0m [2m│ [0m   CREATE INDEX orders_user_idx ON orders (user_id)
        [2m 6 │  [0m[31m██[0m  [33m▓▓[0m  [2m░░[0m[1mr[0m  UPDATE order_items SET total = price * amount
        [2m 7 │  [0m[31m██[0m  [33m▓▓[0m  [2m░░[0m   CREATE TABLE audit (id int)
        [2m 8 ╰  [0m[31m██[0m  [31m██[0m[1mc[0m [2m░░[0m   ALTER TABLE orders ALTER COLUMN id TYPE bigint
        [2m10    [0m[2m│ [0m  [2m│ [0m  [36m▒▒[0m[1ms[0m  ALTER TABLE order_items VALIDATE CONSTRAINT order_items_tota…
        [2m11    [0m[36m▒▒[0m[1mb[0m [2m│ [0m  [2m│ [0m   CREATE INDEX CONCURRENTLY i ON users (email)

        [31m██[0m reads and writes wait   [33m▓▓[0m writes wait   [36m▒▒[0m DDL waits   [2m░░[0m weak lock
        [1ms[0m all rows read   [1mb[0m index built   [1mc[0m all rows copied   [1mr[0m rows written
        not drawn: 1 new relation, which nobody uses yet

        [1mIn a transaction opened by goose[0m

        [2m 2  [0m[36mALTER TABLE users ADD COLUMN email text[0m
            [2mtakes   [0m[31mACCESS EXCLUSIVE on users[0m
            [2mblocks  [0mreads and writes of users, until commit
            [2mlimit   [0mno lock_timeout: others queue behind it while it waits

        [2m 4  [0m[36mCREATE INDEX orders_user_idx ON orders (user_id)[0m
            [2mtakes   [0m[33mSHARE on orders, an index is built[0m
            [2mblocks  [0mwrites to orders, until commit
            [2mlimit   [0mlock_timeout 2s

        [2m 6  [0m[36mUPDATE order_items SET total = price * amount[0m
            [2mtakes   [0m[2mROW EXCLUSIVE on order_items, rows are written[0m

        [2m 7  [0m[36mCREATE TABLE audit (id int)[0m
            [2mtakes   [0m[2mACCESS EXCLUSIVE on audit (new)[0m

        [2m 8  [0m[36mALTER TABLE orders ALTER COLUMN id TYPE bigint[0m
            [2mtakes   [0m[31mACCESS EXCLUSIVE on orders, every row is copied[0m
                    on PostgreSQL 14 to 15; less on other versions
            [2mblocks  [0mreads and writes of orders, until commit
            [2mbreaks  [0mprepared statements on orders: cached plan must not change result
                    type

        [1mEach in a transaction of its own[0m

        [2m10  [0m[36mALTER TABLE order_items VALIDATE CONSTRAINT order_items_total_check[0m
            [2mtakes   [0m[36mSHARE UPDATE EXCLUSIVE on order_items, every row is read[0m

        [2m11  [0m[36mCREATE INDEX CONCURRENTLY i ON users (email)[0m
            [2mtakes   [0m[36mSHARE UPDATE EXCLUSIVE on users, an index is built[0m
            [2mwaits   [0mfor every transaction that writes to the table
                    for every transaction with an older snapshot

        [1;31mLong waits[0m

          [33mwrites to orders wait while an index is built on it (line 4) and rows of[0m
            [33morder_items are written (line 6)[0m
          [31mreads and writes of users wait while an index is built on orders (line 4),[0m
            [31mrows of order_items are written (line 6) and every row of orders is copied[0m
            [31m(line 8)[0m
          [31mreads and writes of orders wait while every row of it is copied (line 8)[0m
    "#]].assert_eq(&orders().text(COLOR));
}

#[test]
fn wire() {
    let it = orders();
    let mut short = orders();
    short.script.statements.drain(..4);
    short.trace.judged.drain(..4);
    expect![[r#"
        {
          "version": 1,
          "tool": "goose",
          "tool_guessed": false,
          "postgres": "14-18",
          "files": [
            {
              "path": "db/migrations/0007_orders.sql",
              "section": "up",
              "statements": [
                {
                  "index": 0,
                  "start": {
                    "byte": 183,
                    "line": 8,
                    "column": 1
                  },
                  "end": {
                    "byte": 229,
                    "line": 8,
                    "column": 47
                  },
                  "kind": "ALTER TABLE",
                  "in_transaction": true,
                  "transaction": 1,
                  "effects": [
                    {
                      "relation": "orders",
                      "kind": "table",
                      "on": null,
                      "lock": "ACCESS EXCLUSIVE",
                      "work": "rewrite",
                      "reads_blocked": true,
                      "writes_blocked": true,
                      "until": "commit"
                    }
                  ],
                  "waits_for": [],
                  "fails": null
                },
                {
                  "index": 1,
                  "start": {
                    "byte": 232,
                    "line": 10,
                    "column": 1
                  },
                  "end": {
                    "byte": 299,
                    "line": 10,
                    "column": 68
                  },
                  "kind": "ALTER TABLE",
                  "in_transaction": false,
                  "transaction": 2,
                  "effects": [
                    {
                      "relation": "order_items",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE UPDATE EXCLUSIVE",
                      "work": "scan",
                      "reads_blocked": false,
                      "writes_blocked": false,
                      "until": "statement"
                    }
                  ],
                  "waits_for": [],
                  "fails": null
                },
                {
                  "index": 2,
                  "start": {
                    "byte": 301,
                    "line": 11,
                    "column": 1
                  },
                  "end": {
                    "byte": 345,
                    "line": 11,
                    "column": 45
                  },
                  "kind": "ALTER TABLE",
                  "in_transaction": false,
                  "transaction": 3,
                  "effects": [
                    {
                      "relation": "users",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE UPDATE EXCLUSIVE",
                      "work": "build",
                      "reads_blocked": false,
                      "writes_blocked": false,
                      "until": "statement"
                    }
                  ],
                  "waits_for": [
                    "writers",
                    "snapshots"
                  ],
                  "fails": {
                    "sqlstate": "25001",
                    "message": "CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
                    "when": "wrapped",
                    "only_with_rows": false,
                    "postgres": "14-18"
                  }
                }
              ]
            }
          ]
        }
    "#]]
    .assert_eq(&json::explain(&[short.explained()], &it.world.report.assumed, &it.world.sources));
}

#[test]
fn statements_alike_are_told_once() {
    let inserts: Vec<String> = (0..200).map(|n| format!("INSERT INTO t VALUES ({n})")).collect();
    let mut it = Traced::new(&format!("BEGIN;\n{};\n\nSELECT 1;\n", inserts.join(";\n")));
    let begin = Transaction { opened_by: Opener::Explicit, ..RUNNER };
    it.statement("BEGIN", begin, Vec::new());
    for insert in &inserts {
        it.statement(insert, begin, vec![lock("t", LockMode::RowExclusive, Work::Rows)]);
    }
    it.statement("SELECT 1", alone(9), Vec::new());
    expect![[r#"
        db/migrations/0007_orders.sql as run by goose on PostgreSQL 14 to 18

               t
               │
          1 ╭  │    BEGIN
          2 │  ░░r  INSERT INTO t VALUES (0)
            ╰  ░░r  199 more like it
        203    │    SELECT 1

        ░░ weak lock
        r rows written

        In a transaction opened by BEGIN

          1  BEGIN

          2  INSERT INTO t VALUES (0)
             and 199 more like it
             takes   ROW EXCLUSIVE on t, rows are written

        Each in a transaction of its own

        203  SELECT 1

        No long waits: nothing blocks reads or writes while work grows with a table.
    "#]]
    .assert_eq(&it.text(PLAIN));
}

#[test]
fn many_relations_and_long_names() {
    let mut it = Traced::new("DROP SCHEMA a;\nSELECT 1;\n");
    let unknown = Transaction { id: 1, inside: None, opened_by: Opener::Nobody, until: Until::Run };
    let mut effects: Vec<Effect> = (0..30).map(|n| lock(&format!("t{n}"), LockMode::Share, Work::Instant)).collect();
    effects[20].lock = LockMode::AccessExclusive;
    effects[3].relation = QName::new("Sales", &"a_very_long_name_of_a_table_".repeat(3)[..63]);
    effects[5].maybe = true;
    it.statement("DROP SCHEMA a", unknown, effects);
    it.statement("SELECT 1", unknown, vec![lock("t0", LockMode::AccessShare, Work::Instant)]);
    expect![[r#"
        db/migrations/0007_orders.sql as run by goose on PostgreSQL 14 to 18

              t0
              │   t1
              │   │   t2
              │   │   │   "Sales".a_very_long_name_of_a_table_a_very_long_name_of_a_tab…
              │   │   │   │   t4
              │   │   │   │   │   t5
              │   │   │   │   │   │   t6
              │   │   │   │   │   │   │   t7
              │   │   │   │   │   │   │   │   t8
              │   │   │   │   │   │   │   │   │   t9
              │   │   │   │   │   │   │   │   │   │   t20
              │   │   │   │   │   │   │   │   │   │   │
         1 ┆  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ██   DROP SCHEMA a
         2 ┆  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ▓▓  ██   SELECT 1

        ██ reads and writes wait   ▓▓ writes wait
        not drawn: 19 relations with weaker locks

        In a transaction or not: nothing tells who runs it, with all pending migrations

         1  DROP SCHEMA a
            takes   ACCESS EXCLUSIVE on t20
                    SHARE on t0
                    SHARE on t1
                    SHARE on t2
                    SHARE on
                    "Sales".a_very_long_name_of_a_table_a_very_long_name_of_a_table_a_very_
                    SHARE on t4
                    SHARE on t5, if it gets there
                    SHARE on t6
                    and 22 more locks
            blocks  reads and writes of t20, writes to t0, t1, t2,
                    "Sales".a_very_long_name_of_a_table_a_very_long_name_of_a_table_a_very_,
                    t4, t5, t6, t7 and 21 more, until all pending migrations ran
            limit   lock_timeout 2s

         2  SELECT 1
            takes   ACCESS SHARE on t0

        No long waits: nothing blocks reads or writes while work grows with a table.
    "#]]
    .assert_eq(&it.text(PLAIN));
}

#[test]
fn nothing() {
    expect![[r#"
        db/migrations/0007_orders.sql as run by goose on PostgreSQL 14 to 18

        No statements.
    "#]]
    .assert_eq(&Traced::new("").text(PLAIN));
}
