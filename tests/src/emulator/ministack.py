"""Runs MiniStack on a free port of the loopback, says which, and ends with whoever started it.

Its own start takes a port number and binds it later, and somebody else may have it by then; here the socket is bound
first. The functions it runs are its children, so the whole process group ends when our standard input does: that holds
for a test that is killed, too.
"""

import asyncio
import os
import signal
import socket
import sys
import threading

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1024)
port = listener.getsockname()[1]
os.environ["GATEWAY_PORT"] = str(port)


def end_with_parent():
    sys.stdin.buffer.read()
    os.killpg(os.getpgrp(), signal.SIGKILL)


threading.Thread(target=end_with_parent, daemon=True).start()
print(port, flush=True)
# From here on the log, which nobody but a person reads.
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

from hypercorn.asyncio import serve  # noqa: E402
from hypercorn.config import Config  # noqa: E402
from ministack.app import app  # noqa: E402
from ministack.services import eventbridge, iam, lambda_svc, sns  # noqa: E402
from ministack.services.cloudformation import provisioners  # noqa: E402

# All functions of an account get the same access key. The session token, which nobody checks, says which one calls.
of_account = lambda_svc.execution_credentials
lambda_svc.execution_credentials = lambda function: {
    **of_account(function),
    "AWS_SESSION_TOKEN": function["FunctionName"],
    # Lambda itself sets it from the function's logging configuration.
    "AWS_LAMBDA_LOG_FORMAT": (function.get("LoggingConfig") or {}).get("LogFormat", "Text"),
}

# MiniStack does not know the policies of event buses, and so neither makes nor enforces them; a test reads what was made.
def bus_policy(logical_id, props, stack_name):
    statement = {"Sid": props["StatementId"], **props["Statement"]}
    eventbridge._event_bus_policies["default"] = {"Version": "2012-10-17", "Statement": [statement]}
    return props["StatementId"], {}


provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
    "create": bus_policy,
    "delete": lambda physical_id, props: None,
}

# Until a subscription is confirmed, SNS gives this word instead of its ARN (SNS API, ListSubscriptionsByTopic).
def subscriptions_of_topic(params):
    status, headers, body = listed(params)
    text = body.decode()
    for subscription in sns._topics.get(sns._p(params, "TopicArn"), {}).get("subscriptions", []):
        if subscription["attributes"].get("PendingConfirmation") == "true":
            text = text.replace(f">{subscription['arn']}<", ">PendingConfirmation<")
    return status, headers, text.encode()


listed = sns._list_subscriptions_by_topic
sns._list_subscriptions_by_topic = subscriptions_of_topic


# To IAM a role that is not there is an error, and not a role that may do nothing (IAM API, SimulatePrincipalPolicy).
def simulate(params):
    name = iam._p(params, "PolicySourceArn").rsplit("/", 1)[-1]
    if name not in iam._roles:
        return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.")
    return simulated(params)


simulated = iam._IAM_HANDLERS["SimulatePrincipalPolicy"]
iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = simulate

config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.keep_alive_timeout = 75
asyncio.run(serve(app, config))
