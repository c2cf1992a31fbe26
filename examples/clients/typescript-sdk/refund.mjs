// Settles one case through Writ, with version 1 of the MCP TypeScript SDK.
//
// No model is involved: the steps are those that an agent with a model would be led to. The run's token says which
// case it is; Writ shows that case's rows and no others. Takes WRIT_URL (Writ's MCP endpoint) and WRIT_TOKEN (the
// run's token), and prints one line of JSON.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

// A decision that is none of these can change no more.
const OPEN = new Set(["pending", "approved", "sending", "unknown"]);
const NEEDED = ["knowledge_query", "shop_refund_payment", "decision_wait", "conclude"];

const transport = new StreamableHTTPClientTransport(new URL(process.env.WRIT_URL), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.WRIT_TOKEN}` } },
});
const writ = new Client({ name: "refund-example", version: "1.0.0" });
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
  const { status: ending, result } = await decided("shop_refund_payment", {
    payment_id: payment,
    amount,
    writ_reason: why,
  });

  const done = ending === "succeeded";
  const verdict = done
    ? { outcome: "refunded", amount, reason: "Given back as approved." }
    : { outcome: "declined", amount: 0, reason: `The refund did not happen: ${result}` };
  await call("conclude", { verdict });
  return { status: ending, result };
}

// What came of a proposal. Nothing happens before a person has decided, and no connection has to stay open meanwhile.
async function decided(name, args) {
  let answer;
  // Where Writ offers tasks, the call becomes one, and the SDK asks how it stands until it has ended.
  for await (const message of writ.experimental.tasks.callToolStream({ name, arguments: args })) {
    if (message.type === "error") throw message.error;
    if (message.type === "result") answer = message.result;
  }
  // A task ends with its decision. Otherwise the answer says which decision the call waits for.
  let decision = answer.structuredContent?.decision ?? answer.structuredContent?.pending;
  if (!decision) throw new Error(`${name}: ${answer.content[0]?.text}`);
  while (OPEN.has(decision.status)) {
    decision = (await call("decision_wait", { decision: decision.decision })).decision;
  }
  return { status: decision.status, result: decision.status === "succeeded" ? decision.result : decision.note };
}
