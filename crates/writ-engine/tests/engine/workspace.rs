//! A support desk in a few files: cases and payments, one mission with a read tool and three effects, and the people
//! who start runs and decide.

/// The files of the workspace folder.
pub(crate) const FILES: [(&str, &str); 8] = [
    ("writ.yaml", "trail: { origin: test.example/desk }\n"),
    ("sources/shop.yaml", SOURCE),
    ("integrations/pay.yaml", INTEGRATION),
    ("people.yaml", PEOPLE),
    ("policy/entitlements.cedar", ENTITLEMENTS),
    ("policy/guardrails.cedar", GUARDRAILS),
    ("policy/approvals.cedar", APPROVALS),
    ("missions/settle.yaml", MISSION),
];

/// The people who may decide refunds.
pub(crate) const LEADS: [&str; 8] = ["lea", "lou", "mia", "noa", "oto", "pia", "rex", "sam"];

/// The source's tables. Money is kept in cents: `p-1` has 123.45 to refund, `p-2` has 50.00.
pub(crate) const TABLES: &str = "
CREATE TABLE cases (case_id TEXT PRIMARY KEY NOT NULL, customer_id TEXT NOT NULL, agent TEXT NOT NULL);
INSERT INTO cases VALUES ('k-1', 'c-1', 'ana'), ('k-2', 'c-2', 'ana'), ('k-9', 'c-9', 'zoe');
CREATE TABLE customers (customer_id TEXT PRIMARY KEY NOT NULL, email TEXT NOT NULL);
INSERT INTO customers VALUES ('c-1', 'one@example.com'), ('c-2', 'two@example.com'), ('c-9', 'nine@example.com');
CREATE TABLE payments (
  payment_id TEXT PRIMARY KEY NOT NULL, customer_id TEXT NOT NULL, captured INTEGER NOT NULL, refunded INTEGER NOT NULL);
INSERT INTO payments VALUES
  ('p-1', 'c-1', 12345, 0), ('p-2', 'c-1', 5000, 0), ('p-3', 'c-2', 9900, 0), ('p-9', 'c-9', 88800, 0);
CREATE TABLE approvers (person TEXT PRIMARY KEY NOT NULL, queue TEXT NOT NULL);
INSERT INTO approvers VALUES
  ('ana', 'refunds'), ('lea', 'refunds'), ('lou', 'refunds'), ('mia', 'refunds'), ('noa', 'refunds'),
  ('oto', 'refunds'), ('pia', 'refunds'), ('rex', 'refunds'), ('sam', 'refunds');
";

const SOURCE: &str = "
source: shop
from: { sqlite: shop.db }
tables:
  cases: {}
  customers: {}
  approvers: {}
  payments:
    columns:
      captured: { type: decimal, scale: 2 }
      refunded: { type: decimal, scale: 2 }
";

const INTEGRATION: &str = "
integration: pay
from:
  stdio:
    command: pay
tools:
  get_payment:
    class: read
  refund:
    class: effect
    profile: keyed
    headline: \"Refund {input.amount} of payment {input.payment_id}\"
  notify:
    class: effect
    profile: opaque
  close_account:
    class: effect
";

const PEOPLE: &str = "
groups:
  support: []
  leads: []
attributes:
  cases:
    type: string
    many: true
    sql: SELECT case_id FROM shop.cases WHERE agent = $person
  customers:
    type: string
    many: true
    sql: SELECT customer_id FROM shop.cases WHERE agent = $person
  queues:
    type: string
    many: true
    sql: SELECT queue FROM shop.approvers WHERE person = $person
people:
  ana: { name: Ana, groups: [support, leads] }
  ben: { name: Ben, groups: [support], disabled: true }
  eve: { name: Eve }
  zoe: { name: Zoe, groups: [support] }
  lea: { name: Lea, groups: [leads] }
  lou: { name: Lou, groups: [leads] }
  mia: { name: Mia, groups: [leads] }
  noa: { name: Noa, groups: [leads] }
  oto: { name: Oto, groups: [leads] }
  pia: { name: Pia, groups: [leads] }
  rex: { name: Rex, groups: [leads] }
  sam: { name: Sam, groups: [leads] }
workers:
  desk:
    purpose: Settles cases.
";

const ENTITLEMENTS: &str = r#"
@id("support-starts")
permit (principal in Group::"support", action == Action::"start", resource);

@id("support-reads-its-cases")
permit (principal in Group::"support", action == Action::"read", resource is shop::cases)
when { principal.cases.contains(resource.case_id) };

@id("support-reads-its-customers")
permit (principal in Group::"support", action == Action::"read", resource is shop::customers)
when { principal.customers.contains(resource.customer_id) };

@id("support-reads-its-payments")
permit (principal in Group::"support", action == Action::"read", resource is shop::payments)
when { principal.customers.contains(resource.customer_id) };

@id("support-looks-up")
permit (principal in Group::"support", action == Action::"pay.get_payment", resource is Tool);

@id("support-refunds")
permit (principal in Group::"support", action == Action::"pay.refund", resource is Tool);

@id("support-notifies")
permit (principal in Group::"support", action == Action::"pay.notify", resource is Tool);

@id("support-closes")
permit (principal in Group::"support", action == Action::"pay.close_account", resource is Tool);
"#;

const GUARDRAILS: &str = r#"
@id("otherwise-allowed")
permit (principal, action, resource);

@id("never-nothing-or-less")
forbid (principal, action == Action::"pay.refund", resource is Tool)
unless { context.input.amount.greaterThan(decimal("0.0")) };
"#;

const APPROVALS: &str = r#"
@id("leads-decide-refunds")
permit (principal in Group::"leads", action == Action::"decide:pay.refund", resource is Tool)
when { principal.queues.contains("refunds") };

@id("leads-decide-notes")
permit (principal in Group::"leads", action == Action::"decide:pay.notify", resource is Tool);

@id("leads-decide-closing")
permit (principal in Group::"leads", action == Action::"decide:pay.close_account", resource is Tool);

@id("leads-see-and-stop")
permit (principal in Group::"leads", action in [Action::"see", Action::"stop"], resource is Mission);
"#;

const MISSION: &str = r#"
mission: settle
purpose: Settle one case.
worker: desk
params: { case: string }
bind:
  customer: SELECT customer_id FROM shop.cases WHERE case_id = $case
read:
  - table: shop.customers
    columns: [customer_id]
    where: resource.customer_id == context.mission.customer
  - table: shop.payments
    columns: [payment_id, customer_id, captured, refunded]
    where: resource.customer_id == context.mission.customer
act:
  - tool: pay.get_payment
    facts:
      own: SELECT payment_id FROM shop.payments WHERE payment_id = $input.payment_id
    when: context.input.payment_id == context.facts.own
  - tool: pay.refund
    facts:
      refundable: SELECT captured - refunded FROM shop.payments WHERE payment_id = $input.payment_id
    when: context.input.amount.lessThanOrEqual(context.facts.refundable)
    need: { approvals: 1, within: 4h }
    effect_key: "refund:{input.payment_id}"
  - tool: pay.notify
    facts:
      email: SELECT email FROM shop.customers WHERE customer_id = $mission.customer
    when: context.input.to == context.facts.email
    need: { approvals: 1, within: 4h }
  - tool: pay.close_account
    when: context.input.customer_id == context.mission.customer
    need: { approvals: 2, within: 4h }
verdict: { type: object }
limits: { for: 30m, reads: 20, rows: 100, proposals: 6 }
"#;
