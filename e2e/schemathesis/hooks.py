"""What the document cannot say of requests."""

import json
import uuid

import schemathesis

CSV, NDJSON = "text/csv", "application/x-ndjson"
RETRY = "POST /api/v1/operations/{id}/retry"


STATES = (
    "the user is not deleted",
    "the task is not deleted",
    "the filter finds nobody, so there is nothing to do",
    "the filter finds no task, so there is nothing to do",
)


@schemathesis.serializer(CSV, NDJSON)
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


def file_of(media_type, path):
    """Two new users or tasks. A text alone is not yet a file with any."""
    if path.endswith("/tasks/batch"):
        titles = (uuid.uuid4().hex, uuid.uuid4().hex)
        if media_type == NDJSON:
            return "".join(json.dumps({"title": title}) + "\n" for title in titles)
        return "title\n" + "".join(f"{title}\n" for title in titles)
    users = [{"email": f"{name}@example.com", "username": name} for name in (uuid.uuid4().hex, uuid.uuid4().hex)]
    if media_type == NDJSON:
        return "".join(json.dumps(user) + "\n" for user in users)
    return "email,username\n" + "".join(f"{user['email']},{user['username']}\n" for user in users)


OF_TASKS = ("status", "priority", "assignee_id", "tag", "due_after", "due_before", "text")


def task(body):
    """Whom a task names must be there, and rules have a grammar of their own."""
    for name in ("assignee_id", "creator_id"):
        if body.get(name) is not None:
            body[name] = None
    if body.get("recurrence") is not None:
        body["recurrence"], body["due_at"] = "FREQ=WEEKLY;BYDAY=MO", "2040-01-02T09:00:00Z"


def task_settings(body):
    """Zones are names of a database, and hours that are all day are none."""
    body.update({name: "Europe/Berlin" for name in ("time_zone",) if name in body})
    if isinstance(body.get("quiet_hours"), dict):
        body["quiet_hours"] = {"from": "22:00", "to": "07:00"}


def about(body):
    """Some conditions are about users and some about tasks."""
    is_of_tasks = str(body.get("kind")).startswith("tasks.")
    conditions = body.get("filter") or {}
    for name in [name for name in conditions if (name in OF_TASKS) != is_of_tasks]:
        del conditions[name]
    if is_of_tasks:
        body.pop("set", None)


def only_of_deleted(body):
    """When users were deleted is asked of kinds that have to do with the deleted."""
    if body.get("kind") not in ("users.erase", "users.restore", "users.export"):
        (body.get("filter") or {}).pop("deleted_before", None)


def schedule(body):
    """Expressions, zones and ages have grammars of their own; an export alone has a file, and may mean everybody."""
    body["cron"], body["time_zone"] = "0 3 1 1 *", "Europe/Berlin"
    only_of_deleted(body)
    conditions = body.get("filter") or {}
    conditions.update({name: "P90D" for name in conditions if name.endswith(("_after", "_before"))})
    if body.get("kind") != "users.export":
        body.pop("format", None)
        body["filter"] = conditions or {"is_active": False}


def corrected(case):
    """Each row is corrected once, by its number."""
    if case.media_type in (CSV, NDJSON):
        case.body = "row,username\n7,ada\n" if case.media_type == CSV else json.dumps({"row": 7, "username": "ada"}) + "\n"
    elif isinstance(case.body, dict) and isinstance(case.body.get("rows"), list):
        rows = case.body["rows"]
        # A whole number may be written as 7.0, too, which is nobody's number of a row.
        if all(isinstance(row, dict) and isinstance(row.get("row"), (int, float)) for row in rows):
            case.body["rows"] = list({int(row["row"]): {**row, "row": int(row["row"])} for row in rows}.values())


def change(case, query):
    """Whom a change is about is said in one of two ways, and what it sets only when it sets something."""
    if case.media_type in (CSV, NDJSON):
        query.setdefault("kind", "users.update")
        query["match"] = "id"
        case.body = f"id\n{uuid.uuid4()}\n" if case.media_type == CSV else json.dumps({"id": str(uuid.uuid4())}) + "\n"
        return
    body = case.body
    if not isinstance(body, dict):
        return
    about(body)
    only_of_deleted(body)
    if body.get("ids"):
        body.pop("filter", None)
    elif not body.get("filter"):
        body.pop("filter", None)
        body["ids"] = [str(uuid.uuid4())]
    else:
        body.pop("ids", None)
    if body.get("kind") != "users.update":
        body.pop("set", None)
    # What becomes of rows is not asked of what has none.
    if body.get("kind") == "users.export":
        for name in ("dry_run", "on_error", "max_errors", "match"):
            query.pop(name, None)
    elif not body.get("set"):
        body["set"] = {"is_active": True}
    for known, members in (("kind ids filter set", body), ("full_name is_active", body.get("set"))):
        for name in [name for name in members or {} if name not in known.split()]:
            del members[name]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Parameters that fit one state of the service, or not each other: with these no request would get any further."""
    headers, query = case.headers or {}, case.query or {}
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # A key stands for one request, and is asked for with many.
    if headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = headers["Idempotency-Key"][:200] + uuid.uuid4().hex
    # A version that has gone by, or never was.
    if "If-Match" in headers and not case.path.endswith("/apply"):
        headers["If-Match"] = "*"
    # What a cursor is, only the API knows: but for lists of users, whose first cursor is empty and excludes `skip`.
    if query.pop("cursor", None) is not None and "/operations" not in case.path and not case.path.endswith(
        ("/history", "/deliveries", "/schedules")
    ):
        query["cursor"] = ""
        query.pop("skip", None)
    # Many a URL leads to no public host, and nothing is to be sent to one that does.
    if "/webhooks" in case.path and isinstance(case.body, dict) and "url" in case.body:
        case.body["url"] = f"https://hooks.invalid/{uuid.uuid4().hex}"
    # A file of rows has no pages, and only a file has rows that are not done.
    if case.path.endswith("/rows"):
        if query.get("format") in ("csv", "ndjson"):
            query.pop("limit", None)
        elif query.get("status") == "pending":
            query["status"] = "all"
    # Nobody resumes what was paused.
    if "wait" in query:
        query["wait"] = min(int(query["wait"]), 2)
    # Asked for an answer without a body, and OpenAPI has no body that may be missing.
    if case.operation.label == "POST /api/v1/users" and "minimal" in str(headers.get("Prefer")):
        del headers["Prefer"]
    if "/tasks" in case.path and isinstance(case.body, dict):
        rows = case.body.get("tasks")
        for said in rows if isinstance(rows, list) else [case.body]:
            if isinstance(said, dict):
                task(said)
        if case.path.endswith("/tasks/settings"):
            task_settings(case.body)
    if case.operation.label == "POST /api/v1/schedules" and isinstance(case.body, dict):
        schedule(case.body)
    if case.operation.label == "POST /api/v1/operations":
        change(case, query)
    elif case.operation.label == RETRY:
        corrected(case)
    elif case.media_type in (CSV, NDJSON):
        case.body = file_of(case.media_type, case.path)
    # By what users are found matters only when something is done with them.
    if case.path.endswith("/batch") and query.get("on_conflict", "fail") == "fail":
        query.pop("match", None)


def is_data(failure, case, response):
    """A row that breaks a rule is an answer, not a refusal, where the client asked for that (`on_error=continue`) or does
    not wait for it; the rules of a row are tested elsewhere."""
    return (
        type(failure).__name__ == "AcceptedNegativeData"
        and case.operation.label in ("POST /api/v1/users/batch", "POST /api/v1/tasks/batch", "POST /api/v1/operations", RETRY)
        and (response.status_code in (200, 202) or response.json().get("failed", 0) > 0)
    )


def is_stripped(failure, response):
    """Control characters of a name are stripped before it is measured, which `maxLength` cannot say."""
    if type(failure).__name__ != "AcceptedNegativeData" or "`maxLength`" not in failure.message:
        return False
    answer = response.json()
    names = [user.get("full_name") or "" for user in answer.get("created", [answer])]
    return "/full_name" in failure.message and max(map(len, names), default=0) <= 255


def is_state(failure, case, response):
    """A valid request that does not fit the state of the service; the document has no word for these."""
    if type(failure).__name__ != "RejectedPositiveData":
        return False
    problem = response.json()
    # A link from a member that is null, as `operation_id` of an event may be.
    if (case.path_parameters or {}).get("id") in (None, "None"):
        return True
    return (
        problem["code"] in ("IDEMPOTENCY_KEY_REUSED", "PRECONDITION_FAILED", "OUTCOME_DIFFERS")
        or problem["detail"] in STATES
        # A task that comes again keeps a date.
        or [error["pointer"] for error in problem["errors"]] == ["/due_at"]
    )


@schemathesis.hook
def filter_failure(context, failure, case, response):
    accepted = is_data(failure, case, response) or is_stripped(failure, response) or is_state(failure, case, response)
    return not accepted
