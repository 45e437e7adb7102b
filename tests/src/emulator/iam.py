"""Evaluates what functions need against what their roles grant, with the emulator's own policy evaluator.

In:  {"roles": [{"function", "arn", "account", "policies": [document, ...]}],
      "needs": [{"function", "action", "resource", "region", "context": {...}}]}
Out: {"denied": [index of a need, ...], "unused": [[function, sid, action], ...]}
"""

import dataclasses
import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

asked = json.load(sys.stdin)
roles = {role["function"]: role for role in asked["roles"]}
policies = {function: [parse_policy_document(text) for text in role["policies"]] for function, role in roles.items()}


def context(need):
    role = roles[need["function"]]
    return EvalContext(
        principal_arn=role["arn"],
        principal_type="AssumedRole",
        principal_account=role["account"],
        action=need["action"],
        resource_arn=need["resource"],
        region=need["region"],
        service_context={key.lower(): value for key, value in need["context"].items()},
    )


denied = [
    index
    for index, need in enumerate(asked["needs"])
    if need["function"] not in roles or evaluate(context(need), policies[need["function"]]).decision != "Allow"
]
unused = []
for function, documents in policies.items():
    contexts = [context(need) for need in asked["needs"] if need["function"] == function]
    for statement in (statement for document in documents for statement in document if statement.effect == "Allow"):
        for action in statement.actions:
            alone = [[dataclasses.replace(statement, actions=[action])]]
            if not any(evaluate(one, alone).decision == "Allow" for one in contexts):
                unused.append([function, statement.sid, action])
json.dump({"denied": denied, "unused": unused}, sys.stdout)
