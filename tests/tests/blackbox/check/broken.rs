//! Broken workspaces, one change each: where the problem is, what is said of it, and the way out that is shown.

use writ_tests::acme::Edit;

/// One broken workspace.
pub(super) struct Broken {
    /// What is changed.
    pub(super) edit: Edit<'static>,
    /// The text at which the problem stands, where the place is exact: the first such text of the changed file.
    pub(super) at: Option<&'static str>,
    /// A part of what is wrong.
    pub(super) message: &'static str,
    /// A part of the way out.
    pub(super) help: &'static str,
}

const fn broken(edit: Edit<'static>, at: Option<&'static str>, message: &'static str, help: &'static str) -> Broken {
    Broken { edit, at, message, help }
}

const MISSION: &str = "missions/refund.yaml";
const SHOP: &str = "integrations/shop.yaml";
const SOURCE: &str = "sources/shop.yaml";
const ENTITLEMENTS: &str = "policy/entitlements.cedar";
const GUARDRAILS: &str = "policy/guardrails.cedar";
const APPROVALS: &str = "policy/approvals.cedar";
const SCHEMA: &str = "`writ schema`";

/// What makes a workspace unusable.
pub(super) const BROKEN: &[Broken] = &[
    // Keys and values that a file does not have.
    broken(
        (MISSION, "worker: support-desk", "worker: support-desk\nowner: me"),
        Some("owner"),
        "unknown field `owner`",
        SCHEMA,
    ),
    broken(
        ("people.yaml", "name: Ben Okafor,", "name: Ben Okafor, nick: b,"),
        Some("nick"),
        "unknown field `nick`",
        SCHEMA,
    ),
    broken(("writ.yaml", "data: data", "datas: data"), Some("datas"), "unknown field `datas`", SCHEMA),
    broken(
        ("writ.yaml", "data: data", "data: data\nstore: postgres://writ:swordfish@localhost/acme"),
        None,
        "`store` holds a password",
        "in a secret",
    ),
    broken((MISSION, "last4", "last5"), Some("last5"), "unknown variant `last5`", SCHEMA),
    broken((MISSION, "limits: {", "limits: ["), None, "expected mapping", SCHEMA),
    broken(
        (SHOP, "  notify_customer:\n    class: effect\n", "  notify_customer:\n"),
        None,
        "missing field `class`",
        SCHEMA,
    ),
    // Names that are not there.
    broken(
        (MISSION, "status, total, placed_at, delivered_at]", "stat, total]"),
        Some("stat, total"),
        "`shop.orders` has no column `stat`",
        "it has order_id",
    ),
    broken(
        (MISSION, "table: shop.orders", "table: shop.order"),
        Some("shop.order\n"),
        "no table `shop.order`",
        "shop.orders",
    ),
    broken(
        (MISSION, "captured, refunded, card_number]", "captured, refunded]"),
        Some("card_number: last4"),
        "`card_number` is masked but not among the columns",
        "drop the mask",
    ),
    broken(
        (MISSION, "tool: shop.notify_customer", "tool: shop.notify"),
        Some("shop.notify\n"),
        "there is no tool `shop.notify`",
        "shop.notify_customer",
    ),
    broken(
        (SHOP, "cancel_pending_order:", "cancel_order:"),
        Some("cancel_order"),
        "has no tool `cancel_order`",
        "cancel_pending_order",
    ),
    broken(
        (MISSION, "worker: support-desk", "worker: desk"),
        Some("desk\nparams"),
        "there is no worker `desk`",
        "people.yaml",
    ),
    broken(
        ("people.yaml", "groups: [support-leads] }", "groups: [support-lead] }"),
        Some("support-lead]"),
        "there is no group `support-lead`",
        "under `groups`",
    ),
    broken(
        (SOURCE, "      total: {", "      sum_total: {"),
        None,
        "has no column `sum_total`",
        "correct the source's definition",
    ),
    broken(
        (SOURCE, "data/shop.db", "data/none.db"),
        None,
        "source `shop` cannot be read",
        "correct the source's definition",
    ),
    broken(
        (MISSION, "refund-verdict.schema.json", "none.json"),
        Some("none.json"),
        "`none.json` cannot be read",
        "write the schema out",
    ),
    broken(
        (SHOP, "command: shop", "command: no-such-shop"),
        Some("from:"),
        "integration `shop` is not available",
        "start it",
    ),
    // Cedar: syntax, types and names, in policies and in missions.
    broken(
        (GUARDRAILS, "resource is Tool)\nwhen {", "resource is Tool\nwhen {"),
        Some("when {"),
        "unexpected token `when`",
        "",
    ),
    broken(
        (GUARDRAILS, "permit (principal, action", "permitt (principal, action"),
        Some("permitt"),
        "permitt",
        "`permit` or `forbid`",
    ),
    broken(
        (ENTITLEMENTS, "resource.case_id", "resource.case_number"),
        Some("resource.case_number"),
        "attribute `case_number` on entity type `desk::cases` not found",
        "",
    ),
    broken(
        (APPROVALS, "decide:shop.notify_customer", "decide:shop.notify"),
        Some("Action::\"decide:shop.notify\""),
        "unrecognized action `Action::\"decide:shop.notify\"`",
        "",
    ),
    broken(
        (MISSION, "where: resource.case_id ==", "where: resource.case_idd =="),
        Some("resource.case_idd"),
        "attribute `case_idd`",
        "did you mean `case_id`?",
    ),
    broken(
        (MISSION, "context.input.to == context", "context.input.to = context"),
        Some("context.input.to = "),
        "'=' is not a valid operator",
        "==",
    ),
    // Facts and bindings.
    broken(
        (MISSION, "SELECT captured - refunded FROM", "SELECT captured - returned FROM"),
        Some("refundable: SELECT"),
        "there is no column `returned`",
        "one SELECT of one value",
    ),
    broken(
        (MISSION, "SELECT captured - refunded FROM", "SELEKT captured FROM"),
        Some("refundable: SELEKT"),
        "fact `refundable`: the SQL cannot be read",
        "one SELECT of one value",
    ),
    broken(
        (MISSION, "$mission.customer", "$mission.client"),
        Some("email: SELECT"),
        "no parameter `$mission.client`",
        "one SELECT",
    ),
    broken(
        (MISSION, "case_id = $case", "case_id = $kase"),
        Some("customer: SELECT"),
        "no parameter `$kase`",
        "`$` before parameters",
    ),
    broken(
        ("people.yaml", "SELECT case_id FROM desk.cases", "SELECT case_number FROM desk.cases"),
        None,
        "attribute `cases`",
        "one SELECT of one column",
    ),
    // What an effect needs, and when.
    broken((MISSION, "for: 30m", "for: 30"), Some("30,"), "`30` is no length of time", "`30m`"),
    broken((MISSION, "within: 4h", "within: soon"), Some("soon"), "`soon` is no length of time", "`4h`"),
    broken(
        (MISSION, "approvals: 1", "approvals: 0"),
        Some("approvals: 0"),
        "needs at least one approval",
        "approvals: 1",
    ),
    broken(
        (MISSION, "facts.email\n    need: { approvals: 1, within: 4h }", "facts.email"),
        Some("shop.notify_customer"),
        "is an effect and says no `need`",
        "need: {",
    ),
    broken(
        (MISSION, "\"refund:{input.payment_id}\"", "\"refund:{input.payment}\""),
        Some("refund:{input.payment}"),
        "`{input.payment}` has no value",
        "name an argument",
    ),
    broken(
        (SHOP, "{input.order_id}\"", "{input.order_id\""),
        Some("cancel_pending_order"),
        "do not match",
        "correct the entry",
    ),
    broken(
        (SHOP, "get_order_details:\n    class: read", "get_order_details:\n    class: read\n    pin: 00"),
        Some("get_order_details"),
        "is not what was pinned",
        "writ integration pin",
    ),
    broken(
        (
            MISSION,
            "  - docs: handbook.policies",
            "  - table: shop.orders\n    columns: [order_id]\n  - docs: handbook.policies",
        ),
        None,
        "`shop.orders` is read twice",
        "one entry",
    ),
];

/// What has no effect, or is doubtful.
pub(super) const DOUBTFUL: &[Broken] = &[
    broken(
        (MISSION, "== context.mission.case\n", "== context.mission.case && false\n"),
        Some("resource.case_id == context.mission.case && false"),
        "impossible",
        "",
    ),
    broken(
        (MISSION, "{ case: string }", "{ case: string, note: string }"),
        Some("note: string"),
        "the parameter `note` is not used",
        "drop it",
    ),
];
