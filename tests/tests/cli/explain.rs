//! Pictures and plans.

use expect_test::expect;

use crate::goose;

#[test]
fn explain_draws_pictures() {
    let place = goose();
    let tags = |arguments: &[&str], starts: &[&str]| {
        let run = place.run(arguments);
        assert_eq!(run.code, Some(0), "{}", run.err);
        let tags = run.out.split('<').filter(|tag| starts.iter().any(|start| tag.starts_with(start)));
        tags.map(|tag| tag.trim_end().to_owned() + "\n").collect::<String>()
    };
    let groups = ["title id", "g class=\"file", "g class=\"column", "g class=\"lane"];
    expect![[r#"
        title id="safestep-title">Lock timelines
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column grows hurts" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="down">
        g class="column instant" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
    "#]]
    .assert_eq(&tags(&["explain", "--format", "svg"], &groups));
    expect![[r#"
        title id="safestep-title">Lock timelines
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column grows hurts" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="up">
        g class="column" data-statement="0">
        g class="column" data-statement="1">
        g class="column grows" data-statement="2">
        g class="column" data-statement="3">
        g class="column" data-statement="4">
        g class="file" data-path="db/migrations/00003_more_step2_add_users_age.sql" data-section="up">
        g class="column" data-statement="0">
        g class="column" data-statement="1">
        g class="column" data-statement="2">
        g class="column instant" data-statement="3">
        g class="lane" data-relation="users">
        g class="file" data-path="db/migrations/00002_more.sql" data-section="down">
        g class="column instant" data-statement="0">
        g class="column instant" data-statement="1">
        g class="lane" data-relation="users">
    "#]]
    .assert_eq(&tags(&["explain", "--format", "svg", "--fix"], &groups));
    expect![[r#"
        h1>Lock timelines
        h2>db/migrations/00002_more.sql
        h3>Before
        title id="t1-title">db/migrations/00002_more.sql
        h3>After --fix
        title id="t2-title">Rewritten into 2 files
        h3>Down
        title id="t3-title">db/migrations/00002_more.sql (Down)
    "#]]
    .assert_eq(&tags(&["explain", "--format", "html"], &["h1", "h2", "h3", "title id", "li"]));
    place.check(
        &["explain --fix"],
        &expect![[r#"
        $ safestep explain --fix
        stderr: safestep: --fix of explain is for --format html and svg; `safestep plan` tells the rewrite
        exit 2
    "#]],
    );
}

#[test]
fn explain_and_plan_draw() {
    let place = goose();
    place.check(&["explain", "plan"], &expect![[r#"
        $ safestep explain
        db/migrations/00002_more.sql as run by goose on PostgreSQL 14 to 18

              users
              │
         2 ╭  ▓▓b  CREATE INDEX users_email ON users (email)
         3 ╰  ██   ALTER TABLE users ADD COLUMN age int

        ██ reads and writes wait   ▓▓ writes wait
        b index built

        In a transaction opened by goose

         2  CREATE INDEX users_email ON users (email)
            takes   SHARE on users, an index is built
            blocks  writes to users, until commit
            limit   no lock_timeout: others queue behind it while it waits

         3  ALTER TABLE users ADD COLUMN age int
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit

        Long waits

          writes to users wait while an index is built on it (line 2)

        db/migrations/00002_more.sql (Down) as run by goose on PostgreSQL 14 to 18

              users
              │
         6 ╭  ██   ALTER TABLE users DROP COLUMN age
         7 ╰  ██   DROP INDEX users_email

        ██ reads and writes wait

        In a transaction opened by goose

         6  ALTER TABLE users DROP COLUMN age
            takes   ACCESS EXCLUSIVE on users
            blocks  reads and writes of users, until commit
            limit   no lock_timeout: others queue behind it while it waits
            breaks  code that names column age of users

         7  DROP INDEX users_email
            takes   ACCESS EXCLUSIVE on users
                    ACCESS EXCLUSIVE on users_email (index of users) (new)
            blocks  reads and writes of users, until commit

        No long waits: nothing blocks reads or writes while work grows with a table.
        exit 0
        $ safestep plan
        db/migrations/00002_more.sql becomes 2 parts in 2 files (--fix)

        1  db/migrations/00002_more.sql  outside a transaction
           before    ▓ SHARE on users, an index is built
           after     ▒ SHARE UPDATE EXCLUSIVE on users, an index is built

             CREATE INDEX CONCURRENTLY users_email ON users (email);

        2  db/migrations/00003_more_step2_add_users_age.sql  in a transaction
           before    █ ACCESS EXCLUSIVE on users
                     ▓ SHARE on users, an index is built
           after     █ ACCESS EXCLUSIVE on users

             DO $safestep$
             BEGIN
               IF NOT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = to_regclass('users_email') AND indisvalid) THEN
                 RAISE EXCEPTION USING MESSAGE = 'index users_email is missing or invalid', HINT = 'Run DROP INDEX CONCURRENTLY…
               END IF;
             END
             $safestep$;
             ALTER TABLE users ADD COLUMN age int;

        exit 0
    "#]]);
}
