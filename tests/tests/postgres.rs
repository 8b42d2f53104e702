//! What is claimed about PostgreSQL, held against real servers. `SAFESTEP_PG=14-18` runs it, see `servers`.

#![allow(clippy::unwrap_used)]

use safestep_tests::servers;

#[test]
fn servers_are_the_majors_asked_for() {
    servers::on_each(|server| {
        let database = server.database("CREATE TABLE t (a int)");
        let version: String = database
            .connect()
            .query_one("SHOW server_version_num", &[])
            .unwrap()
            .get(0);
        assert_eq!(version.parse::<u32>().unwrap() / 10_000, server.major);
        let again = server.database("CREATE TABLE t (a int)");
        again.connect().batch_execute("INSERT INTO t VALUES (1)").unwrap();
        assert_eq!(
            database.connect().query("SELECT FROM t", &[]).unwrap().len(),
            0,
            "databases do not share rows"
        );
    });
}
