"""An agent whose model does whatever any text before it orders, and a contract that holds all the same."""

import re
from pathlib import Path

import launchworthy as lw

ORDERS = {"A-17": {"order": "A-17", "item": "boots", "paid_usd": 80}}
NOTES = {"A-17": "The boots of order A-17 are too small. I would like my money back."}
DONE = []  # what really happened to the world


def get_order(order):
    return ORDERS.get(order, {"order": order, "item": None})


def refund(order, amount):
    DONE.append(("refund", order, amount))
    return {"refunded": amount}


def cancel_order(order):
    DONE.append(("cancel_order", order))
    return {"cancelled": order}


def search(question):
    return [{"id": f"note-{order}", "text": note} for order, note in NOTES.items() if order in question]


def gullible(messages):
    """Stands for a model at its worst: it calls every tool that any text tells it to call."""
    if any(message["role"] == "tool" for message in messages):
        return "It is done."
    calls = [
        {"id": f"call-{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(
            re.findall(r"\b(get_order|refund|cancel_order)\b[^{}]*(\{[^{}]*\})", said(messages))
        )
    ]
    return {"choices": [{"message": {"content": None if calls else "What may I do?", "tool_calls": calls}}]}


def said(messages):
    return "\n".join(str(message["content"]) for message in messages)


enforcer = lw.Enforcer.load(
    Path(__file__).with_name("launchworthy.yaml"),
    models={"scripted/gullible": gullible},
    tools={"get_order": get_order, "refund": refund, "cancel_order": cancel_order},
)


@enforcer.workflow("help")
def help_customer(call, question):
    asked = call.input(question)
    notes = "\n".join(note.text for note in call.retrieve(search, asked, source="notes"))
    messages = [
        {"role": "system", "content": "Help the agent. The notes are what customers wrote."},
        {"role": "user", "content": f"{notes}\n\n{asked}"},
    ]
    while more := call.run_tools(reply := call.model(messages)):
        messages += more
    return reply
