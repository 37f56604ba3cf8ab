"""Shows every kind of control over the mock from Python, over HTTP.

The fixtures `server` and `mock` are in the README. SECONDS sets how long the eight clients run (default 3).
"""

import json
import os
import subprocess
import threading
import time
from datetime import datetime, timedelta

import pytest
import requests

CREATE = "subscriptionCreateRequest"


class Client:
    """A typical client: it waits as asked, and retries with the same Idempotency-Key."""

    def __init__(self, base, account="acme", timeout=5.0, wait=lambda seconds: None):
        self.base, self.timeout, self.wait = base, timeout, wait
        self.session = requests.Session()
        self.session.headers.update({"x-api-key": account, "x-api-secret-key": "secret"})
        self.last = None

    def send(self, method, path, **options):
        for _ in range(50):
            try:
                answer = self.session.request(method, self.base + path, timeout=self.timeout, **options)
                self.last = answer
                if answer.status_code < 500 and answer.status_code != 429:
                    answer.json()
                    return answer
                self.wait(float(answer.headers.get("Retry-After", 0)))
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                pass
            except ValueError:
                pass
        raise AssertionError(f"gave up: {method} {path}")

    def create(self, name="test", key=None):
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.send("POST", "/v1/subscriptions", json={"name": name}, headers=headers)
        return answer.json()["taskId"]

    def follow(self, task, path="/v1/tasks/"):
        """Polls a task to its end, and returns every document that it got."""
        seen = []
        for _ in range(1000):
            answer = self.send("GET", path + task)
            if answer.status_code == 404:
                seen.append(None)
                continue
            seen.append(answer.json())
            if seen[-1]["status"] in ("processing-completed", "processing-error"):
                return seen
        raise AssertionError(f"expected the end of the task, got {seen[-1]}")


class Control:
    """Controls the mock."""

    def __init__(self, mock):
        self.mock = mock

    def __call__(self, method, path, expected=(200, 204), **options):
        answer = requests.request(method, f"{self.mock}/_mock{path}", timeout=10, **options)
        assert answer.status_code in expected, answer.text
        return answer.json() if answer.content else None

    def scripts(self, *scripts):
        return self("PUT", "/scripts", json=list(scripts))

    def now(self):
        return datetime.fromisoformat(self("GET", "/clock")["now"][:19])


@pytest.fixture
def control(mock):
    return Control(mock)


@pytest.fixture
def client(mock):
    return Client(mock)


def start(*options):
    """Starts a mock for one test, and returns its process and address."""
    command = ["tasklife-mock", "--listen", "127.0.0.1:0", *options]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return program, program.stdout.readline().split()[-1]


def test_the_program_is_installed():
    version = subprocess.run(["tasklife-mock", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("tasklife-mock ")
    described = subprocess.run(["tasklife-mock", "--describe"], capture_output=True, text=True, check=True)
    assert "/subscriptions" in json.loads(described.stdout)["paths"]


def test_a_task_reports_its_progress_and_ends(client, control):
    control.scripts({"command": CREATE, "received": "reads:1", "inProgress": "reads:3", "progress": [10, 50, 90]})
    seen = client.follow(client.create())
    assert [task.get("progress") for task in seen] == [10, 50, 90, 90]
    assert seen[-1]["response"]["resourceId"] == 77899


def test_a_task_fails_with_a_code(client, control):
    control.scripts({"command": CREATE, "fail": {"code": "NO_MONEY", "description": "There is none."}})
    control("POST", "/clock", json={"advance": "1m"})
    task = client.create()
    control("POST", "/clock", json={"advance": "1m"})
    assert client.follow(task)[-1]["response"]["error"]["type"] == "NO_MONEY"


def test_only_matching_requests_fail(client, control):
    control.scripts({"command": CREATE, "pace": "immediate"},
                    {"command": CREATE, "when": {"name": "broken"}, "pace": "immediate", "fail": "BROKEN"})
    ends = [client.follow(client.create(name))[-1]["status"] for name in ("good", "broken")]
    assert ends == ["processing-completed", "processing-error"]


@pytest.mark.parametrize("fault", [
    {"status": 429, "retryAfter": 3}, {"status": 500}, {"status": 503}, {"cutShort": True}, {"notJson": True},
])
def test_a_client_recovers_from_a_fault(client, control, fault):
    control.scripts({"pace": "reads:4", "faults": [{**fault, "reads": [1, 3]}]})
    task = client.create()
    assert client.follow(task)[-1]["status"] == "processing-completed"
    faulty = [it["faults"] for it in control("GET", f"/journal?task={task}") if "faults" in it]
    assert len(faulty) == 2


def test_a_share_of_reads_is_the_same_each_time(client, control):
    fault = {"status": 500, "reads": {"share": 0.3, "seed": 7}}
    runs = []
    for _ in range(2):
        control("POST", "/reset")
        control.scripts({"pace": "reads:20", "faults": [fault]})
        client.follow(client.create())
        runs.append([it["status"] for it in control("GET", "/journal?path=/v1/tasks")])
    assert runs[0] == runs[1] and 500 in runs[0] and runs[0].count(200) == 20


def test_a_delay_is_longer_than_the_timeout_of_a_client(mock, control):
    control.scripts({"pace": "immediate", "faults": [{"delay": 0.5, "reads": 1}]})
    client = Client(mock, timeout=0.2)
    assert client.follow(client.create())[-1]["status"] == "processing-completed"
    assert [it.get("faults") for it in control("GET", "/journal?method=GET")] == [["delay"], None]


def test_a_lost_answer_is_retried_with_the_same_key(client, control):
    control.scripts({"faults": [{"cutShort": True, "submissions": 1}, {"status": 503, "submissions": 2}]})
    client.create(key="order-1")
    assert len(client.send("GET", "/v1/tasks").json()["tasks"]) == 1
    (repeat,) = control("GET", "/conduct")["repeats"]
    assert repeat["idempotencyKeys"] == ["order-1"] * 3
    client.session.headers["User-Agent"] = "shop/1.0"
    client.send("GET", "/v1/tasks")
    assert control("GET", "/journal?limit=1")[0]["userAgent"] == "shop/1.0"
    assert "secret" not in json.dumps(control("GET", "/journal"))


def test_a_task_never_ends_until_a_test_ends_it(client, control):
    control.scripts({"pace": "never"})
    tasks = [client.create(), client.create()]
    control("POST", "/clock", json={"advance": "9d"})
    assert {it["status"] for it in control("GET", "/tasks")} == {"received"}
    assert control("POST", f"/tasks/{tasks[0]}", json={"event": "complete"})["resourceId"] == 77899
    control("POST", f"/tasks/{tasks[1]}", json={"event": "start"})
    control("POST", f"/tasks/{tasks[1]}", json={"event": "report", "progress": 40, "description": "Nearly."})
    assert client.send("GET", "/v1/tasks/" + tasks[1]).json()["description"] == "Nearly."
    control("POST", f"/tasks/{tasks[1]}", json={"event": "fail", "fail": "STUCK"})
    ends = [client.follow(task)[-1]["status"] for task in tasks]
    assert ends == ["processing-completed", "processing-error"]
    control("POST", f"/tasks/{tasks[0]}", json={"event": "fail"}, expected=[409])


def test_a_task_ends_and_disappears(client, control):
    control.scripts({"pace": "reads:1", "goneAfter": "reads:1"})
    task = client.create()
    assert client.follow(task)[-1]["status"] == "processing-completed"
    assert client.send("GET", "/v1/tasks/" + task).status_code == 404
    assert control("GET", "/conduct")["polls"][task] == {"total": 2, "afterEnd": 1}


def test_conduct_reports_a_client_that_does_not_wait(mock, control):
    control.scripts({"pace": "reads:3", "faults": [{"status": 429, "retryAfter": 30, "reads": 1}]})
    hasty = Client(mock)
    hasty.follow(hasty.create())
    assert {it["retryAfter"] for it in control("GET", "/conduct")["tooEarly"]} >= {30}
    control("POST", "/reset")
    control.scripts({"pace": "reads:3", "faults": [{"status": 429, "retryAfter": 30, "reads": 1}]})
    control("POST", "/clock", json={"speed": 0})
    wait = lambda seconds: control("POST", "/clock", json={"advance": seconds})
    patient = Client(mock, wait=wait)
    task = patient.create()
    for _ in range(4):
        wait(float(patient.last.headers.get("Retry-After", 0)))
        patient.send("GET", "/v1/tasks/" + task)
    assert control("GET", "/conduct")["tooEarly"] == []


def test_ten_days_pass(client, control):
    task = client.create()
    before = control.now()
    control("POST", "/clock", json={"advance": "9d 23h"})
    assert client.send("GET", "/v1/tasks/" + task).status_code == 200
    control("POST", "/clock", json={"advance": 3600})
    assert client.send("GET", "/v1/tasks/" + task).status_code == 404
    assert control.now() - before >= timedelta(days=10)


def test_the_clock_stops_and_runs(client, control):
    control.scripts({"pace": 60})
    control("POST", "/clock", json={"speed": 0})
    task = client.create()
    assert client.send("GET", "/v1/tasks/" + task).json()["status"] == "received"
    control("POST", "/clock", json={"speed": 6000})
    assert client.follow(task)[-1]["status"] == "processing-completed"


def test_accounts_do_not_disturb_each_other(mock, control):
    ours, theirs = Client(mock, "ours"), Client(mock, "theirs")
    control.scripts({"pace": "immediate"})
    control("PUT", "/scripts", params={"account": "ours"}, json=[{"pace": "immediate", "fail": "OURS"}])
    ends = [client.follow(client.create())[-1]["status"] for client in (ours, theirs)]
    assert ends == ["processing-error", "processing-completed"]
    control("POST", "/reset", params={"account": "ours"})
    assert [len(client.send("GET", "/v1/tasks").json().get("tasks", [])) for client in (ours, theirs)] == [0, 1]
    assert control("GET", "/scripts") == [{"pace": "immediate"}]
    assert control("GET", "/accounts") == ["ours", "theirs"]
    control("DELETE", "/journal", params={"account": "ours"})
    assert {it["account"] for it in control("GET", "/journal")} == {"theirs"}


def test_resources_are_added(client, control):
    control("PUT", "/resources", json=[{"account": "acme", "path": "/subscriptions/1", "fields": {"name": "old"}}])
    assert client.send("GET", "/v1/subscriptions/1").json()["name"] == "old"
    control("POST", "/reset")
    assert client.send("GET", "/v1/subscriptions/1").status_code == 404


def test_an_invalid_script_is_refused_and_changes_nothing(control):
    kept = control.scripts({"pace": "never"})
    fault = control("PUT", "/scripts", json=[{"command": "databaseCreatRequest"}], expected=[400])
    assert fault["error"].startswith("[0]: expected one of the") and "databaseCreateRequest" in fault["error"]
    assert control("GET", "/scripts") == kept
    control("DELETE", "/scripts")
    assert control("GET", "/scripts") == []


def test_the_mock_describes_itself(control):
    assert control("GET", "/health")["status"] == "ok"
    assert "/subscriptions" in control("GET", "/openapi.json")["paths"]
    assert "/_mock/scripts" in control("GET", "/control.json")["paths"]
    assert CREATE in control("GET", "/command-types")


def test_a_page_of_another_origin_has_no_control(control):
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        control("POST", "/reset", headers=headers, expected=[403])


def test_the_rate_limit_of_the_live_api_and_cors():
    program, mock = start("--rate-limit", "400", "--cors", "http://localhost:5173", "--log-format", "json")
    with program:
        client = Client(mock)
        origin = {"Origin": "http://localhost:5173"}
        answers = [client.session.get(mock + "/v1/tasks", headers=origin) for _ in range(401)]
        assert [it.headers["X-Rate-Limit-Remaining"] for it in answers] == [*map(str, range(399, -1, -1)), "0"]
        assert answers[400].status_code == 429 and int(answers[400].headers["Retry-After"]) <= 60
        assert answers[0].headers["Access-Control-Allow-Origin"] == origin["Origin"]
        Control(mock)("POST", "/clock", json={"advance": "1m"})
        assert client.session.get(mock + "/v1/tasks").status_code == 200
        program.terminate()
        lines = [json.loads(line) for line in program.stderr]
    assert len(lines) == 402 and lines[400]["isRateLimited"]


def test_eight_clients_in_parallel_with_faults(mock, control):
    share = lambda seed: {"share": 0.1, "seed": seed}
    control.scripts({"pace": "reads:5", "progress": [25, 50, 75], "faults": [
        {"status": 503, "reads": share(1)}, {"status": 429, "retryAfter": 1, "reads": share(2)},
        {"cutShort": True, "reads": share(3)}, {"notJson": True, "reads": share(4)},
        {"delay": 0.02, "reads": share(5)},
        {"cutShort": True, "submissions": share(6)}, {"status": 500, "submissions": share(7)},
    ]})
    end = time.monotonic() + float(os.environ.get("SECONDS", "3"))
    made, faults = {}, []

    def work(number):
        account = f"client{number}"
        client, count = Client(mock, account), 0
        try:
            while time.monotonic() < end:
                task = client.create(f"{number}-{count}", key=f"{number}-{count}")
                assert client.follow(task)[-1]["status"] == "processing-completed"
                count += 1
            made[account] = count
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        # The mock is watched while the clients run.
        control("GET", "/conduct", params={"limit": 100})
        assert requests.get(mock, timeout=10).status_code == 200
        time.sleep(0.1)
    assert faults == []
    assert len(made) == 8 and all(count > 0 for count in made.values())
    for account, count in made.items():
        listed = Client(mock, account).send("GET", "/v1/subscriptions").json()["subscriptions"]
        assert len(listed) == count, "each subscription was made once, however often it was requested"
    assert {kind for it in control("GET", "/journal") for kind in it.get("faults", [])} == {
        "status", "cutShort", "notJson", "delay"}
