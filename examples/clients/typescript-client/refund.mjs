// Settles one case through Writ, with the MCP TypeScript client.
//
// No model is involved: the steps are those that an agent with a model would be led to. The run's token says which
// case it is; Writ shows that case's rows and no others. Takes WRIT_URL (Writ's MCP endpoint) and WRIT_TOKEN (the
// run's token), and prints one line of JSON.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

// A decision that is none of these can change no more.
const OPEN = new Set(["pending", "approved", "sending", "unknown"]);
const NEEDED = ["knowledge_query", "shop_refund_payment", "decision_wait", "conclude"];

const transport = new StreamableHTTPClientTransport(new URL(process.env.WRIT_URL), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.WRIT_TOKEN}` } },
});
const writ = new Client({ name: "refund-example", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
await writ.connect(transport);
console.log(JSON.stringify(await settle()));
await writ.close();

async function call(name, args) {
  const answer = await writ.callTool({ name, arguments: args });
  if (answer.isError) throw new Error(`${name}: ${answer.content[0]?.text}`);
  return answer.structuredContent;
}

// The one row that a query gives.
async function row(sql) {
  const { rows } = await call("knowledge_query", { sql });
  if (rows.length !== 1) throw new Error(`${rows.length} rows: ${sql}`);
  return rows[0];
}

async function settle() {
  const tools = (await writ.listTools()).tools.map((tool) => tool.name);
  const missing = NEEDED.filter((name) => !tools.includes(name));
  if (missing.length > 0) throw new Error(`this run has no ${missing.join(", ")}`);

  const [caseId, order] = await row("SELECT case_id, order_id FROM desk.cases");
  const [status] = await row(`SELECT status FROM shop.orders WHERE order_id = '${order}'`);
  const [payment, due] = await row(
    `SELECT payment_id, captured - refunded FROM shop.payments WHERE order_id = '${order}'`,
  );

  // Money comes as text, so that nothing is lost on the way.
  const amount = Number(due);
  const why = `Case ${caseId}: order ${order} is ${status}, and ${due} of its payment has not been given back.`;
  const proposed = await call("shop_refund_payment", { payment_id: payment, amount, writ_reason: why });
  // Nothing has happened yet: a person decides. No connection has to stay open meanwhile.
  let decision = proposed.pending;
  while (OPEN.has(decision.status)) {
    decision = (await call("decision_wait", { decision: decision.decision })).decision;
  }

  const done = decision.status === "succeeded";
  const result = done ? decision.result : decision.note;
  const verdict = done
    ? { outcome: "refunded", amount, reason: "Given back as approved." }
    : { outcome: "declined", amount: 0, reason: `The refund did not happen: ${result}` };
  await call("conclude", { verdict });
  return { status: decision.status, result };
}
