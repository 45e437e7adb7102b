"""Evaluates what functions need against what their roles grant, with the emulator's own policy evaluator.

In:  {"roles": [{"function", "arn", "account"}],
      "policies": [{"functions": [name, ...], "document": {...}}],
      "needs": [{"function", "action", "resource", "region", "context": {...}}]}
Out: {"denied": [index of a need, ...], "unused": [[index of a policy, sid, action], ...]}
"""

import dataclasses
import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

asked = json.load(sys.stdin)
roles = {role["function"]: role for role in asked["roles"]}
policies = [(policy["functions"], parse_policy_document(policy["document"])) for policy in asked["policies"]]


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


def allowed(need):
    function = need["function"]
    documents = [document for functions, document in policies if function in functions]
    return function in roles and evaluate(context(need), documents).decision == "Allow"


denied = [index for index, need in enumerate(asked["needs"]) if not allowed(need)]
unused = []
for index, (functions, document) in enumerate(policies):
    contexts = [context(need) for need in asked["needs"] if need["function"] in functions]
    for statement in (statement for statement in document if statement.effect == "Allow"):
        for action in statement.actions:
            alone = [[dataclasses.replace(statement, actions=[action])]]
            if not any(evaluate(one, alone).decision == "Allow" for one in contexts):
                unused.append([index, statement.sid, action])
json.dump({"denied": denied, "unused": unused}, sys.stdout)
