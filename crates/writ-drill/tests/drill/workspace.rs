//! A support desk in a few files, with its data in CSV files beside them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use writ_drill::{DrillError, Finding, Outcome, Sabotage, Summary, drill};
use writ_engine::pin::Snapshot;
use writ_engine::upstream::{ServerDescription, UpstreamTool};
use writ_engine::workspace::Workspace;

const FILES: [(&str, &str); 12] = [
    ("writ.yaml", "trail: { origin: test.example/drill }\n"),
    ("data/cases.csv", "case_id,customer_id,agent,note\nk-1,c-1,ana,asks\nk-2,c-2,zoe,waits\n"),
    ("data/customers.csv", "customer_id,email\nc-1,one@example.com\nc-2,two@example.com\n"),
    ("data/payments.csv", PAYMENTS),
    ("sources/shop.yaml", SOURCE),
    ("integrations/pay.yaml", INTEGRATION),
    ("people.yaml", PEOPLE),
    ("policy/entitlements.cedar", ENTITLEMENTS),
    ("policy/guardrails.cedar", GUARDRAILS),
    ("policy/approvals.cedar", APPROVALS),
    ("missions/settle.yaml", MISSION),
    ("drill.yaml", DRILL),
];

const PAYMENTS: &str = "payment_id,customer_id,refundable,card\np-1,c-1,123.45,4242424242424242\n\
                        p-2,c-2,50.00,5555555555554444\n";

const SOURCE: &str = "
source: shop
from: { csv: data }
tables:
  cases:
    columns:
      note: { labels: [untrusted] }
  customers: {}
  payments:
    columns:
      refundable: { type: decimal }
";

const INTEGRATION: &str = "
integration: pay
from: { stdio: { command: pay } }
tools:
  get_payment: { class: read }
  refund: { class: effect, profile: keyed }
  close_account: { class: effect }
";

const PEOPLE: &str = "
groups: { support: [], leads: [] }
attributes:
  customers:
    type: string
    many: true
    sql: SELECT customer_id FROM shop.cases WHERE agent = $person
people:
  ana: { name: Ana, groups: [support] }
  zoe: { name: Zoe, groups: [support] }
  lea: { name: Lea, groups: [leads] }
workers:
  desk: {}
";

const ENTITLEMENTS: &str = r#"
permit (principal in Group::"support", action == Action::"start", resource)
when { resource == Mission::"settle" };

permit (principal in Group::"support", action == Action::"read", resource is shop::cases)
when { principal.customers.contains(resource.customer_id) };

permit (principal in Group::"support", action == Action::"read", resource is shop::payments)
when { principal.customers.contains(resource.customer_id) };

permit (principal in Group::"support", action == Action::"pay.refund", resource is Tool);

permit (principal in Group::"support", action == Action::"pay.close_account", resource is Tool);
"#;

const GUARDRAILS: &str = "permit (principal, action, resource);\n";

const APPROVALS: &str = r#"
permit (principal in Group::"leads", action, resource);
"#;

const MISSION: &str = r#"
mission: settle
purpose: Settle one case.
worker: desk
params: { case: string }
bind:
  customer: SELECT customer_id FROM shop.cases WHERE case_id = $case
read:
  - table: shop.payments
    columns: [payment_id, refundable, card]
    mask: { card: last4 }
    where: resource.customer_id == context.mission.customer
act:
  - tool: pay.refund
    facts:
      refundable: SELECT refundable FROM shop.payments WHERE payment_id = $input.payment_id
    when: context.input.amount.lessThanOrEqual(context.facts.refundable)
    need: { approvals: 1, within: 4h }
    effect_key: "refund:{input.payment_id}"
  - tool: pay.close_account
    when: context.input.customer_id == context.mission.customer
    need: { approvals: 1, within: 4h }
verdict: { type: object }
limits: { for: 30m, reads: 20, rows: 100, proposals: 6 }
"#;

const DRILL: &str = "
tools:
  pay.refund:
    type: object
    properties: { payment_id: { type: string }, amount: { type: number } }
    required: [payment_id, amount]
  pay.close_account:
    type: object
    properties: { customer_id: { type: string } }
    required: [customer_id]
examples:
  - mission: settle
    person: ana
    params: { case: k-1 }
    tool: pay.refund
    arguments: { payment_id: p-1, amount: 40.5 }
    approver: lea
";

/// A workspace folder that is gone with its test.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What a drill told.
pub(crate) struct Drilled {
    pub(crate) findings: Vec<Finding>,
    pub(crate) summary: Summary,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes a file.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{file}` does not say `{from}`");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    pub(crate) fn remove(&self, file: &str) {
        fs::remove_file(self.path().join(file)).unwrap();
    }

    /// Keeps a snapshot of what `pay` offers, as `writ integration pin` would.
    pub(crate) fn keep_snapshot(&self) {
        let text = || json!({ "type": "string" });
        let refund = json!({
            "type": "object",
            "properties": { "payment_id": text(), "amount": { "type": "number" } },
            "required": ["payment_id", "amount"],
        });
        let of = |name: &str| json!({ "type": "object", "properties": { name: text() }, "required": [name] });
        let tools = vec![
            tool("refund", &refund),
            tool("get_payment", &of("payment_id")),
            tool("close_account", &of("customer_id")),
        ];
        let server = ServerDescription { server: "pay 1.0".to_owned(), tools, ..ServerDescription::default() };
        Snapshot::of("pay", &server).unwrap().save(self.path()).unwrap();
    }

    /// Every file with its content, in order.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut open, mut files) = (vec![self.path().to_owned()], Vec::new());
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let content = fs::read(&path).unwrap();
                    files.push((path, content));
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) async fn try_drill(&self, sabotage: Sabotage) -> Result<Drilled, DrillError> {
        let workspace = Workspace::load(self.path()).unwrap();
        let mut findings = Vec::new();
        let summary = drill(&workspace, sabotage, |finding| findings.push(finding.clone())).await?;
        assert_eq!(findings.len(), summary.guarantees);
        Ok(Drilled { findings, summary })
    }

    pub(crate) async fn drill(&self) -> Drilled {
        self.try_drill(Sabotage::Nothing).await.unwrap()
    }
}

impl Drilled {
    /// What came of one guarantee.
    pub(crate) fn of(&self, guarantee: &str) -> &Finding {
        self.findings.iter().find(|finding| finding.guarantee == guarantee).unwrap()
    }

    /// The names of those that came out so.
    pub(crate) fn names(&self, outcome: Outcome) -> Vec<&'static str> {
        let so = self.findings.iter().filter(|finding| finding.outcome == outcome);
        so.map(|finding| finding.guarantee).collect()
    }

    /// Those that came out so, with the reasons.
    pub(crate) fn told(&self, outcome: Outcome) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.outcome == outcome).collect()
    }
}

fn tool(name: &str, input: &Json) -> UpstreamTool {
    UpstreamTool {
        name: name.to_owned(),
        description: format!("The tool {name}."),
        input_schema: input.as_object().cloned().unwrap(),
        output_schema: None,
        definition: json!({ "name": name, "description": format!("The tool {name}."), "inputSchema": input }),
    }
}
