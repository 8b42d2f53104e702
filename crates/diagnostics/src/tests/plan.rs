use std::path::PathBuf;

use expect_test::expect;
use model::effect::{Effect, LockMode, Work};
use model::name::QName;
use model::plan::Class;
use model::schema::{Born, RelationKind};

use super::{ASCII, PLAIN, USERS, users};
use crate::{Planned, PlannedPart, Withheld, json, plan};

fn lock(relation: &str, lock: LockMode, work: Work) -> Effect {
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

pub(super) fn planned() -> Planned {
    let share = vec![
        lock("users", LockMode::ShareRowExclusive, Work::Instant),
        lock("orders", LockMode::ShareRowExclusive, Work::Scan),
    ];
    let mut instant = share.clone();
    instant[1].work = Work::Instant;
    Planned {
        path: PathBuf::from(USERS),
        class: Class::Unsafe,
        assumptions: vec!["No other relation is called users_email_idx".to_owned()],
        parts: vec![
            PlannedPart {
                path: PathBuf::from(USERS),
                transaction: true,
                sql: "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders\n  ADD CONSTRAINT orders_user_fk\n  FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n".to_owned(),
                from: vec![2],
                before: share.clone(),
                after: instant,
                after_deploy: None,
            },
            PlannedPart {
                path: PathBuf::from("db/migrations/0009_validate_orders_user_fk.sql"),
                transaction: false,
                sql: "-- checks the rows that were there\n\nALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;".to_owned(),
                from: vec![2],
                before: share,
                after: vec![
                    lock("orders", LockMode::ShareUpdateExclusive, Work::Scan),
                    lock("users", LockMode::RowShare, Work::Instant),
                ],
                after_deploy: Some("no running code writes orders without a user".to_owned()),
            },
            PlannedPart {
                path: PathBuf::from("db/migrations/0010_comment.sql"),
                transaction: true,
                sql: "SELECT 1;".to_owned(),
                from: vec![],
                before: vec![],
                after: vec![],
                after_deploy: None,
            },
        ],
        withheld: vec![Withheld {
            statement: 0,
            span: users().span(USERS, "ADD COLUMN email text"),
            reason: "a trigger of users may read the column".to_owned(),
        }],
    }
}

#[test]
fn parts_with_their_locks() {
    expect![[r#"
        db/migrations/0007_users.sql becomes 3 parts in 3 files (--fix=unsafe)

        1  db/migrations/0007_users.sql  in a transaction
           before    ▓ SHARE ROW EXCLUSIVE on orders, every row is read
                     ▓ SHARE ROW EXCLUSIVE on users
           after     ▓ SHARE ROW EXCLUSIVE on orders
                     ▓ SHARE ROW EXCLUSIVE on users

             SET LOCAL lock_timeout = '2s';
             ALTER TABLE orders
               ADD CONSTRAINT orders_user_fk
               FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;

        2  db/migrations/0009_validate_orders_user_fk.sql  outside a transaction
           wait      for a deploy: no running code writes orders without a user
           before    ▓ SHARE ROW EXCLUSIVE on orders, every row is read
                     ▓ SHARE ROW EXCLUSIVE on users
           after     ▒ SHARE UPDATE EXCLUSIVE on orders, every row is read
                     ░ ROW SHARE on users

             -- checks the rows that were there

             ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;

        3  db/migrations/0010_comment.sql  in a transaction
           before    no lock that others wait for
           after     no lock that others wait for

             SELECT 1;

           provided  No other relation is called users_email_idx
           kept      line 2: a trigger of users may read the column
    "#]]
    .assert_eq(&plan::text(&[planned()], &users().sources, PLAIN));
}

#[test]
fn as_markdown() {
    let mut planned = planned();
    planned.parts.truncate(2);
    expect![[r#"
        ## db/migrations/0007_users.sql becomes 2 parts in 2 files (unsafe)

        ### 1. 0007_users.sql, in a transaction

        - **before** SHARE ROW EXCLUSIVE on orders, every row is read; SHARE ROW EXCLUSIVE on users
        - **after** SHARE ROW EXCLUSIVE on orders; SHARE ROW EXCLUSIVE on users

        ```sql
        SET LOCAL lock_timeout = '2s';
        ALTER TABLE orders
          ADD CONSTRAINT orders_user_fk
          FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;
        ```

        ### 2. 0009_validate_orders_user_fk.sql, outside a transaction

        - **wait** for a deploy: no running code writes orders without a user
        - **before** SHARE ROW EXCLUSIVE on orders, every row is read; SHARE ROW EXCLUSIVE on users
        - **after** SHARE UPDATE EXCLUSIVE on orders, every row is read; ROW SHARE on users

        ```sql
        -- checks the rows that were there

        ALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;
        ```

        - **provided** No other relation is called users_email_idx
        - **kept** line 2: a trigger of users may read the column
    "#]]
    .assert_eq(&plan::markdown(&[planned], &users().sources));
    assert_eq!(plan::markdown(&[], &users().sources), "Nothing to rewrite.\n");
}

#[test]
fn ascii_and_nothing() {
    assert!(plan::text(&[planned()], &users().sources, ASCII).is_ascii());
    expect![[r#"
        Nothing to rewrite.
    "#]]
    .assert_eq(&plan::text(&[], &users().sources, PLAIN));
}

#[test]
fn wire() {
    expect![[r#"
        {
          "version": 1,
          "files": [
            {
              "path": "db/migrations/0007_users.sql",
              "class": "unsafe",
              "assumptions": [
                "No other relation is called users_email_idx"
              ],
              "parts": [
                {
                  "path": "db/migrations/0007_users.sql",
                  "transaction": true,
                  "sql": "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders\n  ADD CONSTRAINT orders_user_fk\n  FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID;\n",
                  "from": [
                    2
                  ],
                  "locks_before": [
                    {
                      "relation": "users",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "instant",
                      "reads_blocked": false,
                      "writes_blocked": true
                    },
                    {
                      "relation": "orders",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "scan",
                      "reads_blocked": false,
                      "writes_blocked": true
                    }
                  ],
                  "locks_after": [
                    {
                      "relation": "users",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "instant",
                      "reads_blocked": false,
                      "writes_blocked": true
                    },
                    {
                      "relation": "orders",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "instant",
                      "reads_blocked": false,
                      "writes_blocked": true
                    }
                  ],
                  "after_deploy": null
                },
                {
                  "path": "db/migrations/0009_validate_orders_user_fk.sql",
                  "transaction": false,
                  "sql": "-- checks the rows that were there\n\nALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;",
                  "from": [
                    2
                  ],
                  "locks_before": [
                    {
                      "relation": "users",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "instant",
                      "reads_blocked": false,
                      "writes_blocked": true
                    },
                    {
                      "relation": "orders",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE ROW EXCLUSIVE",
                      "work": "scan",
                      "reads_blocked": false,
                      "writes_blocked": true
                    }
                  ],
                  "locks_after": [
                    {
                      "relation": "orders",
                      "kind": "table",
                      "on": null,
                      "lock": "SHARE UPDATE EXCLUSIVE",
                      "work": "scan",
                      "reads_blocked": false,
                      "writes_blocked": false
                    },
                    {
                      "relation": "users",
                      "kind": "table",
                      "on": null,
                      "lock": "ROW SHARE",
                      "work": "instant",
                      "reads_blocked": false,
                      "writes_blocked": false
                    }
                  ],
                  "after_deploy": "no running code writes orders without a user"
                },
                {
                  "path": "db/migrations/0010_comment.sql",
                  "transaction": true,
                  "sql": "SELECT 1;",
                  "from": [],
                  "locks_before": [],
                  "locks_after": [],
                  "after_deploy": null
                }
              ],
              "withheld": [
                {
                  "statement": 0,
                  "start": {
                    "byte": 31,
                    "line": 2,
                    "column": 19
                  },
                  "end": {
                    "byte": 52,
                    "line": 2,
                    "column": 40
                  },
                  "reason": "a trigger of users may read the column"
                }
              ]
            }
          ]
        }
    "#]].assert_eq(&json::plan(&[planned()], &users().sources));
}

#[test]
fn work_that_ended_before_a_stronger_lock_came() {
    let part = PlannedPart {
        path: PathBuf::from(USERS),
        transaction: true,
        sql: "SELECT 1;".to_owned(),
        from: vec![0],
        before: vec![
            lock("users", LockMode::AccessExclusive, Work::Instant),
            lock("users", LockMode::Share, Work::Build),
            lock("orders", LockMode::AccessExclusive, Work::Scan),
            lock("orders", LockMode::Share, Work::Instant),
        ],
        after: vec![],
        after_deploy: None,
    };
    let planned = Planned { parts: vec![part], assumptions: vec![], withheld: vec![], ..planned() };
    expect![[r#"
        db/migrations/0007_users.sql becomes 1 part in 1 file (--fix=unsafe)

        1  db/migrations/0007_users.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on orders, every row is read
                     █ ACCESS EXCLUSIVE on users
                     ▓ SHARE on users, an index is built
           after     no lock that others wait for

             SELECT 1;

    "#]]
    .assert_eq(&plan::text(&[planned], &users().sources, PLAIN));
}
