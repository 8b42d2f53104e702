//! Partitions.

use expect_test::expect;

use super::{check, wrapped};

const EVENTS: &str = "
CREATE TABLE events (id bigint NOT NULL, day date NOT NULL, note text DEFAULT 'x', PRIMARY KEY (id, day), CHECK (id > 0))
    PARTITION BY RANGE (day);
CREATE INDEX ON events (note);
";

#[test]
fn a_partition_is_attached() {
    check(
        &wrapped(EVENTS),
        "CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');",
        expect![[r#"
            == create_events_2024
            CREATE TABLE events_2024 (LIKE events INCLUDING COMPRESSION INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING STORAGE);  --
                undo DROP TABLE events_2024;
            ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');  --
        "#]],
    );
    check(
        &wrapped(EVENTS),
        "
create table events_2024 partition of events -- this year
  for values from ('2024-01-01') to ('2025-01-01') partition by list (id);
",
        expect![[r#"
            == create_events_2024
            -- this year
            create table events_2024 (like events including compression including constraints including defaults including generated including indexes including storage) partition by list (id);  --
                undo drop table events_2024;
            alter table events attach partition events_2024 for values from ('2024-01-01') to ('2025-01-01');  --
        "#]],
    );
}

#[test]
fn what_a_partition_gets_must_be_known() {
    const SQL: &str = "CREATE TABLE p PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');";
    check(
        &wrapped("").unknown(),
        SQL,
        expect![[r#"
        unchanged
        withheld 0.0: what a partition gets from events is not known
    "#]],
    );
    let with_default = format!("{EVENTS} CREATE TABLE other PARTITION OF events DEFAULT;");
    check(
        &wrapped(&with_default),
        SQL,
        expect![[r#"
        unchanged
        withheld 0.0: events has a default partition, which must be read under a lock that blocks reads and writes
    "#]],
    );
    check(
        &wrapped(EVENTS),
        "CREATE TABLE IF NOT EXISTS p PARTITION OF events DEFAULT;",
        expect![[r#"
            unchanged
            withheld 0.0: ATTACH PARTITION, which would not block the parent, knows no IF NOT EXISTS; leave that out
        "#]],
    );
}

#[test]
fn detaching_concurrently_leaves_something_behind() {
    let attached =
        format!("{EVENTS} CREATE TABLE p PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');");
    check(
        &wrapped(&attached),
        "ALTER TABLE events DETACH PARTITION p;",
        expect![[r#"
            unchanged
            withheld 0.0: DETACH PARTITION CONCURRENTLY would leave a CHECK constraint on the partition that DETACH PARTITION does not leave; write CONCURRENTLY if that may stay
        "#]],
    );
}
