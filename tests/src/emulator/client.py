"""Asks AWS, or what stands for it, by the names of botocore's models: a question per line in, its answer per line out.

In:  {"id": 1, "account": "123456789012", "service": "sqs", "operation": "ReceiveMessage", "input": {...}}
Out: {"id": 1, "output": {...}} or {"id": 1, "error": "AWS.SimpleQueueService.NonExistentQueue: ..."}
Questions are answered side by side, in any order. Arguments: the endpoint's URL and the region.
"""

import concurrent.futures
import datetime
import json
import sys
import threading

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.response import StreamingBody

endpoint, region = sys.argv[1:]
config = Config(retries={"total_max_attempts": 1}, max_pool_connections=32, proxies={}, read_timeout=120)
session = botocore.session.Session()
clients = {}
making = threading.Lock()
writing = threading.Lock()


def client(account, service):
    with making:
        if (account, service) not in clients:
            # A 12-digit access key id is the emulator's way of naming an account.
            clients[account, service] = session.create_client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=account,
                aws_secret_access_key="test",
                config=config,
            )
        return clients[account, service]


def plain(value):
    if isinstance(value, StreamingBody):
        return value.read().decode()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(type(value))


def answer(line):
    question = json.loads(line)
    told = {"id": question["id"]}
    try:
        call = getattr(client(question["account"], question["service"]), xform_name(question["operation"]))
        output = call(**question["input"])
        output.pop("ResponseMetadata", None)
        told["output"] = output
    except Exception as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__)
        told["error"] = f"{code}: {error}"
    text = json.dumps(told, default=plain)
    with writing:
        print(text, flush=True)


with concurrent.futures.ThreadPoolExecutor(32) as pool:
    for line in sys.stdin:
        pool.submit(answer, line)
