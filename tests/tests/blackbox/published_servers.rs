//! Servers that others have published, as integrations: the workspaces of `examples/servers`, with the real servers.
//!
//! Each is checked against its pins, and then held to its mission: a read that is allowed gives what is there, a call
//! beyond the mission's condition is refused, and what changes something waits, is approved, and has happened once,
//! which is looked up where it happened.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};
use writ_tests::{Acme, Person, Server, Worker, program};

use crate::clients::environment::{Environment, run};

const TIME: &str = "examples/servers/time";
const GIT: &str = "examples/servers/git";
const FILESYSTEM: &str = "examples/servers/filesystem";
const SQLITE: &str = "examples/servers/sqlite";

/// A workspace with its published server installed.
struct Office {
    workspace: Acme,
    environment: Environment,
}

/// One run in a served workspace.
struct Open {
    worker: Worker,
    lea: Person,
    /// It stands last, since the others speak to it.
    _server: Server,
}

#[tokio::test]
async fn time_in_two_offices() {
    let office = Office::of(TIME);
    office.check().await;
    let open = office.run("plan_call", json!({ "here": "Asia/Tokyo", "there": "Asia/Kolkata" })).await;
    let told = open.read("clock_convert_time", conversion("Asia/Kolkata")).await;
    assert!(told.contains("T08:30:00+05:30") && told.contains("-3.5h"), "{told}");
    open.worker.call("clock_convert_time", conversion("Europe/Berlin")).await.refused("not_permitted");
    open.worker.call("clock_get_current_time", json!({ "timezone": "Europe/Berlin" })).await.refused("not_permitted");
}

#[tokio::test]
async fn a_commit_in_one_repository() {
    let office = Office::of(GIT);
    let repository = office.workspace.file("repository");
    staged_change(&repository);
    office.check().await;
    let open = office.run("commit", json!({})).await;
    let repo = |more: Json| {
        let mut arguments = json!({ "repo_path": "repository" });
        arguments.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        arguments
    };

    let diff = open.read("git_git_diff_staged", repo(json!({}))).await;
    assert!(diff.contains("+the second line"), "{diff}");
    let log = open.read("git_git_log", repo(json!({ "max_count": 1 }))).await;
    assert!(log.contains("docs: the first line"), "{log}");
    open.worker.call("git_git_status", json!({ "repo_path": "." })).await.refused("not_permitted");
    open.worker.call("git_git_log", repo(json!({ "max_count": 100 }))).await.refused("not_permitted");
    open.worker.call("git_git_commit", repo(json!({ "message": "feat: more" }))).await.refused("not_permitted");
    open.worker.call("git_git_commit", repo(json!({ "message": "docs: x [skip ci]" }))).await.refused("not_permitted");
    // The server has it, and marks it as harmless or not; the operator has not named it, so that it does not exist.
    open.worker.call("git_git_reset", repo(json!({}))).await.refused("unknown_name");

    let message = json!({ "message": "docs: the second line" });
    let decision = open.worker.propose("git_git_commit", repo(message)).await;
    assert_eq!(
        git(&repository, &["rev-list", "--count", "HEAD"]).trim(),
        "1",
        "nothing happens before a person agrees"
    );
    open.is_approved_and_done(&decision).await;
    assert_eq!(git(&repository, &["log", "--format=%s"]), "docs: the second line\ndocs: the first line\n");
    assert_eq!(git(&repository, &["status", "--porcelain"]), "", "what was staged is in the commit");
}

#[tokio::test]
async fn one_letter_and_its_reply() {
    let office = Office::of(FILESYSTEM);
    let letters = office.workspace.file("letters");
    for (path, text) in [
        ("incoming/noor.txt", "My jacket is torn."),
        ("incoming/elias.txt", "Where is my order?"),
        ("keys.txt", "secret"),
    ] {
        let path = letters.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::create_dir(letters.join("templates")).unwrap();
    fs::create_dir(letters.join("replies")).unwrap();
    office.check().await;
    let params = json!({ "letter": "incoming/noor.txt", "reply": "replies/noor.txt" });
    let open = office.run("reply", params).await;

    let letter = open.read("files_read_text_file", json!({ "path": "incoming/noor.txt" })).await;
    assert!(letter.contains("My jacket is torn."), "{letter}");
    let outside = letters.join("keys.txt");
    for path in ["incoming/elias.txt", "keys.txt", "templates/../keys.txt", outside.to_str().unwrap()] {
        open.worker.call("files_read_text_file", json!({ "path": path })).await.refused("not_permitted");
    }
    let elsewhere = json!({ "path": "incoming/noor.txt", "content": "never mind" });
    open.worker.call("files_write_file", elsewhere).await.refused("not_permitted");

    let reply = json!({ "path": "replies/noor.txt", "content": "We are sorry." });
    let decision = open.worker.propose("files_write_file", reply.clone()).await;
    let path = letters.join("replies/noor.txt");
    assert!(!path.exists(), "nothing happens before a person agrees");
    open.is_approved_and_done(&decision).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "We are sorry.");

    fs::write(&path, "We are sorry, Noor.").unwrap();
    open.said("files_write_file", reply).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "We are sorry, Noor.", "the same call again is not done again");
}

#[tokio::test]
async fn one_statement_that_a_person_has_seen() {
    let office = Office::of(SQLITE);
    let database = office.workspace.file("warehouse.db");
    office.make(
        &database,
        "CREATE TABLE stock (product TEXT, pieces INTEGER); INSERT INTO stock VALUES ('jacket', 5), ('shoe', 7); \
         CREATE TABLE wages (person TEXT, amount INTEGER);",
    );
    office.check().await;
    let open = office.run("recount", json!({})).await;

    let columns = open.read("warehouse_describe_table", json!({ "table_name": "stock" })).await;
    assert!(columns.contains("product") && columns.contains("pieces"), "{columns}");
    for table in ["wages", "stock); DROP TABLE stock; --"] {
        open.worker.call("warehouse_describe_table", json!({ "table_name": table })).await.refused("not_permitted");
    }
    for query in [
        "DELETE FROM stock",
        "UPDATE wages SET amount = 0 WHERE person = 'ana'",
        "UPDATE stock SET pieces = 0",
        "UPDATE stock SET pieces = 0 WHERE product = 'shoe'; DROP TABLE wages",
    ] {
        open.worker.call("warehouse_write_query", json!({ "query": query })).await.refused("not_permitted");
    }

    let query = json!({ "query": "UPDATE stock SET pieces = pieces - 1 WHERE product = 'jacket'" });
    let decision = open.worker.propose("warehouse_write_query", query.clone()).await;
    assert_eq!(office.stock(&database), "[('jacket', 5), ('shoe', 7)]", "nothing happens before a person agrees");
    open.is_approved_and_done(&decision).await;
    open.said("warehouse_write_query", query).await;
    assert_eq!(office.stock(&database), "[('jacket', 4), ('shoe', 7)]", "it happened once");

    let query = json!({ "query": "SELECT * FROM stock WHERE product = 'jacket'" });
    let decision = open.worker.propose("warehouse_read_query", query).await;
    let read = open.is_approved_and_done(&decision).await;
    assert!(read["result"].to_string().contains("'pieces': 4"), "{read}");
}

#[tokio::test]
async fn a_server_that_is_not_what_was_pinned_is_not_called() {
    let office = Office::of(TIME);
    // The server writes this zone into the descriptions of its tools: other words for a model, under the same names.
    office.workspace.edit(("integrations/clock.yaml", "Europe/Berlin", "Asia/Tokyo"));
    let why = program::writ(&["check", office.workspace.word()]).await.refused();
    for tool in ["convert_time", "get_current_time"] {
        assert!(why.contains(&format!("`{tool}` is not what was pinned")), "{why}");
    }
    let open = office.run("plan_call", json!({ "here": "Asia/Tokyo", "there": "Asia/Kolkata" })).await;
    open.worker.call("clock_convert_time", conversion("Asia/Kolkata")).await.refused("tool_quarantined");
}

impl Office {
    fn of(path: &str) -> Self {
        let example = path.strip_prefix("examples/").unwrap();
        let (workspace, environment) = (Acme::of(example), Environment::of(example));
        environment.link_into(workspace.folder());
        Self { workspace, environment }
    }

    /// The definitions fit the server as it is, and there is nothing to remark on.
    async fn check(&self) {
        let said = program::writ(&["check", self.workspace.word(), "--json"]).await.json();
        assert_eq!(said, json!({ "errors": 0, "warnings": 0 }));
    }

    /// A run on behalf of Ana.
    async fn run(&self, mission: &str, params: Json) -> Open {
        let server = Server::start(&self.workspace).await;
        let person = async |name: &str| Person::of(self.workspace.word(), name, server.address()).await;
        let (ana, lea) = tokio::join!(person("ana"), person("lea"));
        let started = ana.post("/api/runs", &json!({ "mission": mission, "params": params })).await.ok();
        Open { worker: Worker::of(&started, server.address()), lea, _server: server }
    }

    /// Makes a database, as whoever has it would.
    fn make(&self, database: &Path, statements: &str) {
        const SCRIPT: &str = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])";
        run(self.python().args(["-c", SCRIPT]).arg(database).arg(statements));
    }

    /// What the database holds, looked up behind everybody's back.
    fn stock(&self, database: &Path) -> String {
        const SCRIPT: &str = "import sqlite3, sys; \
            print(sqlite3.connect(sys.argv[1]).execute('SELECT * FROM stock ORDER BY product').fetchall())";
        run(self.python().args(["-c", SCRIPT]).arg(database)).trim().to_owned()
    }

    fn python(&self) -> Command {
        Command::new(self.environment.interpreter())
    }
}

impl Open {
    /// What a tool said, as text, whatever became of the call.
    async fn said(&self, tool: &str, arguments: Json) -> (String, bool) {
        let params = json!({ "name": tool, "arguments": arguments });
        let response = self.worker.request("tools/call", Some(tool), params).send().await.expect("an answer");
        let text = response.text().await.expect("a whole answer");
        let answer: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{tool}: `{text}`: {error}"));
        let result = &answer["result"];
        let blocks = result["content"].as_array().unwrap_or_else(|| panic!("no content: {text}"));
        let texts: Vec<&str> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
        (texts.join("\n"), result["isError"] == true)
    }

    /// What a read said.
    async fn read(&self, tool: &str, arguments: Json) -> String {
        let (text, is_error) = self.said(tool, arguments).await;
        assert!(!is_error, "{tool}: {text}");
        text
    }

    /// Lea approves what waits, and it is done.
    async fn is_approved_and_done(&self, decision: &str) -> Json {
        self.lea.approve(decision).await;
        let done = self.worker.wait(decision).await;
        assert_eq!(done["status"], "succeeded", "{done}");
        done
    }
}

fn conversion(target: &str) -> Json {
    json!({ "source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": target })
}

/// A repository with one commit, and a change that waits for the next.
fn staged_change(repository: &Path) {
    fs::create_dir(repository).unwrap();
    let readme = repository.join("README.md");
    git(repository, &["init", "--quiet", "--initial-branch", "main"]);
    git(repository, &["config", "user.name", "Ana Prieto"]);
    git(repository, &["config", "user.email", "ana@example.com"]);
    fs::write(&readme, "the first line\n").unwrap();
    git(repository, &["add", "README.md"]);
    git(repository, &["commit", "--quiet", "--message", "docs: the first line"]);
    fs::write(&readme, "the first line\nthe second line\n").unwrap();
    git(repository, &["add", "README.md"]);
}

/// Runs git as on a machine where nobody has configured it.
fn git(repository: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    run(command.arg("-C").arg(repository).args(words))
}
