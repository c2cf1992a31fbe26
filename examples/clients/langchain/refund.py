"""Settles one case through Writ, with the tools that langchain-mcp-adapters makes of it.

No model is involved: the steps are those that an agent with a model would be led to. The run's token says which case
it is; Writ shows that case's rows and no others. Takes WRIT_URL (Writ's MCP endpoint) and WRIT_TOKEN (the run's
token), and prints one line of JSON.
"""

import asyncio
import json
import os
from decimal import Decimal

from langchain_core.tools import BaseTool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools

# A decision that is none of these can change no more.
OPEN = {"pending", "approved", "sending", "unknown"}
# Longer than Writ waits for a person within one call.
ANSWER_SECONDS_MAX = 60


class Refused(Exception):
    """Writ said no to a call: it did not happen."""


Tools = dict[str, BaseTool]


async def call(writ: Tools, tool: str, arguments: dict) -> dict:
    # An agent graph calls a tool in the same way, and gets the same message.
    message = await writ[tool].ainvoke({"type": "tool_call", "id": "1", "name": tool, "args": arguments})
    if message.status == "error":
        raise Refused(f"{tool}: {message.text}")
    return message.artifact["structured_content"]


async def row(writ: Tools, sql: str) -> list:
    """The one row that a query gives."""
    (found,) = (await call(writ, "knowledge_query", {"sql": sql}))["rows"]
    return found


async def settle(writ: Tools) -> dict:
    assert {"knowledge_query", "shop_refund_payment", "decision_wait", "conclude"} <= writ.keys(), writ.keys()

    case, order = await row(writ, "SELECT case_id, order_id FROM desk.cases")
    (status,) = await row(writ, f"SELECT status FROM shop.orders WHERE order_id = '{order}'")
    payment, due = await row(
        writ, f"SELECT payment_id, captured - refunded FROM shop.payments WHERE order_id = '{order}'"
    )

    # Money comes as text, so that nothing is lost on the way.
    amount = float(Decimal(due))
    why = f"Case {case}: order {order} is {status}, and {due} of its payment has not been given back."
    proposed = await call(
        writ, "shop_refund_payment", {"payment_id": payment, "amount": amount, "writ_reason": why}
    )
    # Nothing has happened yet: a person decides. No connection has to stay open meanwhile.
    decision = proposed["pending"]
    while decision["status"] in OPEN:
        decision = (await call(writ, "decision_wait", {"decision": decision["decision"]}))["decision"]

    if decision["status"] == "succeeded":
        verdict = {"outcome": "refunded", "amount": amount, "reason": "Given back as approved."}
        result = decision["result"]
    else:
        result = decision["note"]
        verdict = {"outcome": "declined", "amount": 0, "reason": f"The refund did not happen: {result}"}
    await call(writ, "conclude", {"verdict": verdict})
    return {"status": decision["status"], "result": result}


async def main() -> None:
    token = {"Authorization": f"Bearer {os.environ['WRIT_TOKEN']}"}
    client = MultiServerMCPClient(
        {
            "writ": {
                "transport": "streamable_http",
                "url": os.environ["WRIT_URL"],
                "headers": token,
                "timeout": ANSWER_SECONDS_MAX,
            }
        }
    )
    async with client.session("writ") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        print(json.dumps(await settle(tools)))


asyncio.run(main())
