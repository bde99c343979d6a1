"""What programs see in a JSON-RPC message: one body in base64 on each line of the input, one JSON object with what each
reader sees on each line of the output, null where it cannot read the body.

python      json.loads of the bytes, as in most servers
fold_last   names in any case, the last one counts: encoding/json of Go
fold_first  the same, and the first one counts
by_name     taskId may also be called task_id: models of pydantic with populate_by_name, as in the Python SDK of MCP
c_strings   names and values end at the first NUL
"""

import base64
import json
import re
import sys

NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
    "tasks/get": "taskId",
    "tasks/result": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
LISTS = {"toolsListChanged": "tools/list", "promptsListChanged": "prompts/list", "resourcesListChanged": "resources/list"}


class Pairs(list):
    """The members of an object, in their order, doubles included."""


def exact_last(pairs, name):
    values = [value for key, value in pairs if key == name]
    return values[-1] if values else None


def fold_last(pairs, name):
    values = [value for key, value in pairs if key == name or key.casefold() == name.casefold()]
    return values[-1] if values else None


def fold_first(pairs, name):
    values = [value for key, value in pairs if key == name or key.casefold() == name.casefold()]
    return values[0] if values else None


def by_name(pairs, name):
    own_name = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name).lstrip("_")
    value = exact_last(pairs, name)
    return exact_last(pairs, own_name) if value is None else value


def c_strings(pairs, name):
    values = [value for key, value in pairs if key.split("\0")[0] == name]
    value = values[-1] if values else None
    return value.split("\0")[0] if isinstance(value, str) else value


READERS = {"fold_last": fold_last, "fold_first": fold_first, "by_name": by_name, "c_strings": c_strings}


def members_of_pairs(find):
    return lambda value, name: find(value, name) if isinstance(value, Pairs) else None


def member_of_dict(value, name):
    return value.get(name) if isinstance(value, dict) else None


def all_of(value):
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def named(method, params, member):
    if isinstance(method, str) and method in NAMED_BY:
        return [member(params, NAMED_BY[method])]
    if method == "completion/complete":
        reference = member(params, "ref")
        is_prompt = member(reference, "type") == "ref/prompt"
        return [member(reference, "name" if is_prompt else "uri")]
    if method == "subscriptions/listen":
        wanted = member(params, "notifications")
        flags = [name for flag, name in LISTS.items() if member(wanted, flag) not in (None, False)]
        return flags + all_of(member(wanted, "resourceSubscriptions")) + all_of(member(wanted, "taskIds"))
    return []


def seen(message, member):
    is_batch = isinstance(message, list) and not isinstance(message, Pairs)
    operations = []
    for operation in message if is_batch else [message]:
        method = member(operation, "method")
        method = "" if method is None else method
        operations.append([method, named(method, member(operation, "params"), member)])
    return operations


def parsed(text, **how):
    try:
        return [json.loads(text, **how)]
    except (ValueError, RecursionError):
        return []


for line in sys.stdin:
    body = base64.b64decode(line)
    views = {"python": None} | {name: None for name in READERS}
    for message in parsed(body):
        views["python"] = seen(message, member_of_dict)
    # Go replaces broken UTF-8 too.
    for message in parsed(body.decode("utf-8", "replace"), object_pairs_hook=Pairs):
        for name, find in READERS.items():
            views[name] = seen(message, members_of_pairs(find))
    print(json.dumps(views))
