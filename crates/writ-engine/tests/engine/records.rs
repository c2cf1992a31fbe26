//! A second integration, `records`, at the same desk: reads whose results are looked at, prompts, resources, one
//! effect, and the mission `consult` that may use some of it.

use std::fs;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use writ_engine::upstream::{ServerDescription, UpstreamItem};

use crate::desk::Site;
use crate::fake_upstream::tool;

/// A workspace in which `records` is an integration as well.
pub(crate) fn site() -> Arc<Site> {
    let site = Site::new();
    for (file, text) in [("integrations/records.yaml", INTEGRATION), ("missions/consult.yaml", MISSION)] {
        fs::write(site.path().join(file), text).unwrap();
    }
    for (file, more) in [
        ("policy/entitlements.cedar", ENTITLEMENTS),
        ("policy/guardrails.cedar", GUARDRAILS),
        ("policy/approvals.cedar", APPROVALS),
    ] {
        let path = site.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + more).unwrap();
    }
    site.upstream.offer("records", server());
    site
}

fn server() -> ServerDescription {
    let text = json!({ "type": "string" });
    let takes = |properties: Json| {
        let required: Vec<&String> = properties.as_object().unwrap().keys().collect();
        json!({ "type": "object", "properties": properties, "required": required })
    };
    let order = json!({
        "type": "object",
        "properties": { "customer_id": text, "total": { "type": "number" }, "parcels": { "type": "integer" } },
        "required": ["customer_id", "total", "parcels"],
    });
    let line = json!({ "type": "object", "properties": { "id": text } });
    let orders = json!({
        "type": "object", "properties": { "orders": { "type": "array", "items": line } }, "required": ["orders"],
    });
    let numbers = json!({
        "customer_id": text, "state": text, "total_max": { "type": "number" }, "page": { "type": "integer" },
    });
    let tools = vec![
        tool("get_order", "Shows an order.", &takes(json!({ "customer_id": text })), Some(&order)),
        tool("list_orders", "Lists orders.", &takes(numbers), Some(&orders)),
        tool("get_note", "Shows a note.", &takes(json!({ "note_id": text })), None),
        tool("find", "Finds something.", &takes(json!({ "text": text })), None),
        tool("write_note", "Writes a note.", &takes(json!({ "text": text })), None),
    ];
    let item = |name: &str, definition: Json| UpstreamItem { name: name.to_owned(), definition };
    let greet = json!({
        "name": "greet", "description": "Greets\u{200b} a customer.",
        "arguments": [{ "name": "customer", "required": true }, { "name": "tone" }],
    });
    let resource = |uri: &str| item(uri, json!({ "uri": uri, "name": uri }));
    let template = |uri: &str| item(uri, json!({ "uriTemplate": uri, "name": uri }));
    let resources = ["policy://refunds/late", "policy://staff/pay", "letter://7", "letter://8", "secret://1"];
    ServerDescription {
        server: "records 1.0".to_owned(),
        tools,
        prompts: vec![item("greet", greet), item("farewell", json!({ "name": "farewell" }))],
        resources: resources.map(resource).to_vec(),
        templates: ["policy://refunds/{name}", "secret://{id}"].map(template).to_vec(),
        completes: true,
        edition: None,
    }
}

const INTEGRATION: &str = "
integration: records
from:
  stdio:
    command: records
labels: [outside]
asks: [elicitation]
tools:
  get_order:
    class: read
  list_orders:
    class: read
  get_note:
    class: read
    labels: [untrusted]
    result:
      type: object
      properties: { text: { type: string } }
      required: [text]
  find:
    class: read
  write_note:
    class: effect
prompts:
  greet: {}
resources:
  policies:
    uri: \"policy://*\"
  letters:
    uri: \"letter://*\"
";

const MISSION: &str = r#"
mission: consult
purpose: Look one case up.
worker: desk
params: { case: string }
bind:
  customer: SELECT customer_id FROM shop.cases WHERE case_id = $case
read:
  - table: shop.customers
    columns: [customer_id]
    where: resource.customer_id == context.mission.customer
act:
  - tool: records.get_order
    as: order
    when: context.input.customer_id == context.mission.customer
    ensure: context.result.customer_id == context.mission.customer && context.result.parcels * 10 <= 1000
  - tool: records.list_orders
    when: |
      context.input.customer_id == context.mission.customer
      && ["open", "shut"].contains(context.input.state)
      && context.input.total_max.lessThanOrEqual(decimal("250.5"))
      && context.input.page >= 1
    project: [orders.id, orders.lines.name]
  - tool: records.get_note
    when: context.input.note_id like "n-*"
  - tool: records.find
    when: context.input.text != ""
  - tool: records.write_note
    when: context.input.text != ""
    need: { approvals: 1, within: 4h }
  - tool: pay.notify
    facts:
      email: SELECT email FROM shop.customers WHERE customer_id = $mission.customer
    when: context.input.to == context.facts.email
    need: { approvals: 1, within: 4h }
  - prompt: records.greet
    as: hello
    when: context.input.customer == context.mission.customer
  - resource: records.policies
    when: context.input.uri like "policy://refunds/*"
  - resource: records.letters
    when: context.input.uri == "letter://7"
verdict: { type: object }
limits: { for: 30m, reads: 60, rows: 100, proposals: 20 }
"#;

const ENTITLEMENTS: &str = r#"
@id("support-consults")
permit (principal in Group::"support", action in Action::"fetch", resource is Tool);

@id("support-writes-notes")
permit (principal in Group::"support", action == Action::"records.write_note", resource is Tool);
"#;

const GUARDRAILS: &str = r#"
@id("no-notes-after-untrusted-words")
forbid (principal, action == Action::"records.write_note", resource is Tool)
when { context.run.labels.contains("untrusted") };

@id("no-mail-after-the-outside")
forbid (principal, action == Action::"pay.notify", resource is Tool)
when { context.run.labels.contains("outside") };
"#;

const APPROVALS: &str = r#"
@id("leads-decide-written-notes")
permit (principal in Group::"leads", action == Action::"decide:records.write_note", resource is Tool);
"#;
