"""Settles one case through Writ, with fastmcp's client.

No model is involved: the steps are those that an agent with a model would be led to. The run's token says which case
it is; Writ shows that case's rows and no others. Takes WRIT_URL (Writ's MCP endpoint) and WRIT_TOKEN (the run's
token), and prints one line of JSON.
"""

import asyncio
import json
import os
from decimal import Decimal

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

# A decision that is none of these can change no more.
OPEN = {"pending", "approved", "sending", "unknown"}
# Longer than Writ waits for a person within one call.
ANSWER_SECONDS_MAX = 60


class Refused(Exception):
    """Writ said no to a call: it did not happen."""


async def call(writ: Client, tool: str, arguments: dict) -> dict:
    answer = await writ.call_tool(tool, arguments, raise_on_error=False)
    if answer.is_error:
        raise Refused(f"{tool}: {answer.content[0].text}")
    return answer.structured_content


async def row(writ: Client, sql: str) -> list:
    """The one row that a query gives."""
    (found,) = (await call(writ, "knowledge_query", {"sql": sql}))["rows"]
    return found


async def settle(writ: Client) -> dict:
    tools = {tool.name for tool in await writ.list_tools()}
    assert {"knowledge_query", "shop_refund_payment", "decision_wait", "conclude"} <= tools, tools

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
    transport = StreamableHttpTransport(os.environ["WRIT_URL"], auth=os.environ["WRIT_TOKEN"])
    async with Client(transport, timeout=ANSWER_SECONDS_MAX) as writ:
        print(json.dumps(await settle(writ)))


asyncio.run(main())
