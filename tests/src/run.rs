//! Running SQL the ways migration tools send it.

use postgres::Client;

/// Why a migration stopped.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Failure {
    /// Index of the statement, if they were sent one by one.
    #[serde(skip)]
    pub statement: Option<usize>,
    pub sqlstate: String,
    pub message: String,
}

/// Sends the whole text as one message of the simple protocol. The server makes one implicit transaction of it, unless the
/// text says otherwise. A failure is rolled back; so is a transaction that the text leaves open.
pub fn whole(client: &mut Client, text: &str) -> Result<(), Failure> {
    let result = client.batch_execute(text).map_err(|error| failure(&error));
    close_transaction(client);
    result
}

/// Sends one message per statement, each its own transaction unless a statement opens one, and stops at the first failure. As
/// [`whole`], it leaves no transaction open.
pub fn each(client: &mut Client, statements: &[&str]) -> Result<(), Failure> {
    let result = statements.iter().enumerate().try_for_each(|(index, sql)| {
        execute(client, sql).map_err(|error| Failure { statement: Some(index), ..failure(&error) })
    });
    close_transaction(client);
    result
}

/// Sends one message per statement between BEGIN and COMMIT, and ROLLBACK at the first failure. A failing COMMIT is a failure
/// without a statement.
pub fn in_transaction(client: &mut Client, statements: &[&str]) -> Result<(), Failure> {
    client.batch_execute("BEGIN").map_err(|error| failure(&error))?;
    let result = statements.iter().enumerate().try_for_each(|(index, sql)| {
        execute(client, sql).map_err(|error| Failure { statement: Some(index), ..failure(&error) })
    });
    let result = result.and_then(|()| client.batch_execute("COMMIT").map_err(|error| failure(&error)));
    close_transaction(client);
    result
}

/// Runs one statement by the simple protocol. COPY FROM STDIN gets no rows, which the plain call would wait for.
pub fn execute(client: &mut Client, sql: &str) -> Result<(), postgres::Error> {
    let words: Vec<String> = sql.split_whitespace().map(str::to_ascii_uppercase).collect();
    if words.first().is_some_and(|word| word == "COPY") && words.windows(2).any(|pair| pair == ["FROM", "STDIN"]) {
        return client.copy_in(sql)?.finish().map(drop);
    }
    client.batch_execute(sql)
}

/// What the server said about a failure. A lost connection has the SQLSTATE 08006.
pub fn failure(error: &postgres::Error) -> Failure {
    let (sqlstate, message) = match error.as_db_error() {
        Some(error) => (error.code().code().to_owned(), error.message().to_owned()),
        None => ("08006".to_owned(), error.to_string()),
    };
    Failure { statement: None, sqlstate, message }
}

/// Outside a transaction ROLLBACK is only a warning.
fn close_transaction(client: &mut Client) {
    let _ = client.batch_execute("ROLLBACK");
}
