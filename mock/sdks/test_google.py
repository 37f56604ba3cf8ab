"""The REST client of operations in google-api-core, and its futures, against `--format google`."""

import subprocess
import sys
import time

import pytest
import requests
from google.api_core import exceptions, operation, retry
from google.api_core.operations_v1 import AbstractOperationsClient
from google.api_core.operations_v1.transports.rest import OperationsRestTransport
from google.auth import api_key
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.auth.transport.requests import AuthorizedSession
from google.longrunning import operations_pb2
from google.protobuf import json_format, struct_pb2
from google.rpc import error_details_pb2

from servers import running

# The transport requests /v1/{name=**/operations/*}.
MOCK = ("mock", "--format", "google", "--tasks", "/projects/p/operations")
SERVER = ("server", "--format", "google")
AT_ONCE = ("--advance", "immediate")
HEADERS = (("x-api-key", "key"), ("x-api-secret-key", "secret"))
# The server has its tasks at /v1/tasks.
SERVER_PATHS = {
    "google.longrunning.Operations.GetOperation": [{"method": "get", "uri": "/v1/{name=tasks/*}"}],
    "google.longrunning.Operations.ListOperations": [{"method": "get", "uri": "/v1/{name=tasks}"}],
}
PARENTS = pytest.mark.parametrize(
    ("program", "paths", "parent"), [(MOCK, None, "projects/p"), (SERVER, SERVER_PATHS, "tasks")]
)
# After a 401 a session renews its credentials, which anonymous credentials do not support.
RENEWABLE = api_key.Credentials("unused")
# Much shorter than the default, to keep the tests short.
OFTEN = retry.Retry(
    predicate=operation.polling.POLLING_PREDICATE, initial=0.1, maximum=0.3, timeout=60
)


def client_of(api, paths=None, credentials=None):
    # The transport ignores its `url_scheme` (2.44.0), so the host includes the scheme.
    transport = OperationsRestTransport(
        host=api.url, credentials=credentials or AnonymousCredentials(), http_options=paths
    )
    return AbstractOperationsClient(transport=transport)


def begin(api, body=None, path="/v1/subscriptions", headers=HEADERS):
    """Starts an operation, as the methods of a generated REST client do."""
    session = AuthorizedSession(AnonymousCredentials())
    body = {"name": "test"} if body is None else body
    answer = session.post(api.url + path, json=body, headers=dict(headers), timeout=10)
    if answer.status_code >= 400:
        raise exceptions.from_http_response(answer)
    return json_format.Parse(answer.content, operations_pb2.Operation())


def future_of(client, begun):
    return operation.from_gapic(
        begun,
        client,
        struct_pb2.Struct,
        grpc_metadata=HEADERS,
        metadata_type=struct_pb2.Struct,
        polling=OFTEN,
    )


def reason_of(error):
    """Returns the machine-readable reason of an operation's error."""
    [status] = error.errors
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


def retrying(predicate):
    return retry.Retry(predicate=predicate, initial=0.1, timeout=30)


def test_success():
    with running(*MOCK, *AT_ONCE) as api:
        begun = begin(api)
        assert begun.name.startswith("projects/p/operations/")
        assert not begun.done
        future = future_of(client_of(api), begun)
        assert future.result()["resourceId"] > 0
        assert future.metadata["verb"] == "subscriptionCreateRequest"
        assert future.metadata["state"] == "processing-completed"
        assert [r.path for r in api.polls("/operations/")] == [f"/v1/{begun.name}"]


def test_success_on_the_server():
    with running(*SERVER) as api:
        begun = begin(api)
        future = future_of(client_of(api, SERVER_PATHS), begun)
        name = begun.name.removeprefix("tasks/")
        assert future.result()["resourceId"] == f"subscription-{name}"
        assert future.metadata["progressPercent"] == 100


def test_success_without_a_future():
    with running(*MOCK, *AT_ONCE) as api:
        begun = begin(api)
        read = client_of(api).get_operation(begun.name, metadata=HEADERS)
        assert read.done and read.name == begun.name
        result = struct_pb2.Struct()
        assert read.response.Unpack(result)
        assert result["resourceId"] > 0


# Metadata and response have a type of protobuf itself, which Python only knows once it is imported.
@pytest.mark.parametrize("known", [True, False])
def test_a_program_reads_operations_once_it_has_imported_their_types(known):
    program = """
import sys
from google.api_core.operations_v1 import AbstractOperationsClient
from google.api_core.operations_v1.transports.rest import OperationsRestTransport
from google.auth.credentials import AnonymousCredentials
host, name = sys.argv[1:]
transport = OperationsRestTransport(host=host, credentials=AnonymousCredentials())
headers = [("x-api-key", "key"), ("x-api-secret-key", "secret")]
print(AbstractOperationsClient(transport=transport).get_operation(name, metadata=headers).done)
"""
    if known:
        program = "from google.protobuf import struct_pb2\n" + program
    with running(*MOCK, *AT_ONCE) as api:
        command = [sys.executable, "-c", program, api.url, begin(api).name]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if known:
        assert ran.stdout == "True\n", ran.stderr
    else:
        assert "Can not find message descriptor by type_url" in ran.stderr


def test_failure():
    with running(*MOCK, *AT_ONCE, "--fail", "subscriptionCreateRequest=OUT_OF_STOCK") as api:
        future = future_of(client_of(api), begin(api))
        with pytest.raises(exceptions.InvalidArgument) as raised:
            future.result()
        assert raised.value.message == "The operation was made to fail."
        assert reason_of(raised.value) == "OUT_OF_STOCK"


def test_failure_on_the_server():
    with running(*SERVER) as api:
        future = future_of(client_of(api, SERVER_PATHS), begin(api, {"fail": True}))
        with pytest.raises(exceptions.InvalidArgument) as raised:
            future.result()
        assert raised.value.message == "The request asked for a failure."
        assert reason_of(raised.value) == "SUBSCRIPTION_NOT_CREATED"


def test_slow():
    with running(*MOCK, "--advance", "reads:4") as api:
        future = future_of(client_of(api), begin(api))
        assert future.result()["resourceId"] > 0
        assert len(api.polls("/operations/")) == 4


def test_slow_with_the_default_polling():
    with running(*MOCK, "--advance", "reads:2") as api:
        future = operation.from_gapic(
            begin(api), client_of(api), struct_pb2.Struct, grpc_metadata=HEADERS
        )
        begun = time.monotonic()
        assert future.result(timeout=30)["resourceId"] > 0
        assert len(api.polls("/operations/")) == 2
        # It first waits for up to 1 second, whatever Retry-After says.
        assert time.monotonic() - begun < 5


def test_slow_on_the_server():
    with running(*SERVER) as api:
        future = future_of(client_of(api, SERVER_PATHS), begin(api))
        assert future.result()["resourceId"].startswith("subscription-")
        assert len(api.polls()) >= 2


def test_not_found_at_first_is_an_error_and_the_future_continues():
    with running(*MOCK, *AT_ONCE, "--not-found-for", "1") as api:
        future = future_of(client_of(api), begin(api))
        with pytest.raises(exceptions.NotFound) as raised:
            future.result()
        assert raised.value.message.endswith(": there is no such task")
        assert future.result()["resourceId"] > 0
        assert [r.status for r in api.polls("/operations/")] == [404, 200]


def test_not_found_at_first_is_survived_with_a_retry():
    with running(*MOCK, *AT_ONCE, "--not-found-for", "2") as api:
        future = future_of(client_of(api), begin(api))
        retrying_not_found = retrying(retry.if_exception_type(exceptions.NotFound))
        assert future.result(retry=retrying_not_found)["resourceId"] > 0
        assert [r.status for r in api.polls("/operations/")] == [404, 404, 200]


@pytest.mark.parametrize(
    ("cut", "error"),
    [
        ("body", requests.exceptions.ChunkedEncodingError),
        ("close", requests.exceptions.ConnectionError),
    ],
)
def test_a_cut_answer_is_an_error_and_the_future_continues(cut, error):
    with running(*MOCK, "--advance", "reads:3", cuts={2: cut}) as api:
        future = future_of(client_of(api), begin(api))
        # The client only retries a 503.
        with pytest.raises(error):
            future.result()
        assert future.result()["resourceId"] > 0
        assert len(api.polls("/operations/")) == 3


@pytest.mark.parametrize("cut", ["body", "close"])
def test_a_cut_answer_is_survived_with_the_retry_of_transient_errors(cut):
    with running(*MOCK, "--advance", "reads:3", cuts={2: cut}) as api:
        future = future_of(client_of(api), begin(api))
        assert future.result(retry=retrying(retry.if_transient_error))["resourceId"] > 0
        assert len(api.polls("/operations/")) == 3


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_an_unknown_path_is_refused(program):
    with running(*program) as api, pytest.raises(exceptions.NotFound) as raised:
        begin(api, path="/v1/nothing")
    assert ": expected a path of the API" in raised.value.message
    assert raised.value.response.json()["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("program", "paths", "name"),
    [(MOCK, None, "projects/p/operations/"), (SERVER, SERVER_PATHS, "tasks/")],
)
def test_an_unknown_operation_is_refused(program, paths, name):
    with running(*program) as api, pytest.raises(exceptions.NotFound) as raised:
        unknown = name + "00000000-0000-4000-8000-000000000000"
        client_of(api, paths).get_operation(unknown, metadata=HEADERS)
    assert raised.value.message.endswith(": there is no such task")


@PARENTS
def test_a_request_without_a_key_is_refused(program, paths, parent):
    with running(*program) as api, pytest.raises(exceptions.Unauthorized) as raised:
        client_of(api, paths, RENEWABLE).list_operations(parent, "")
    assert "x-api-key" in raised.value.message
    assert raised.value.response.json()["error"]["status"] == "UNAUTHENTICATED"
    # The client renews its credentials and retries, twice.
    assert [r.status for r in api.requests] == [401, 401, 401]


def test_a_wrong_secret_is_refused():
    with running(*MOCK, *AT_ONCE) as api:
        name = begin(api).name
        wrong = [("x-api-key", "key"), ("x-api-secret-key", "another")]
        with pytest.raises(exceptions.Unauthorized) as raised:
            client_of(api, credentials=RENEWABLE).get_operation(name, metadata=wrong)
        assert "x-api-secret-key" in raised.value.message


def test_anonymous_credentials_can_not_be_renewed_after_a_401():
    with running(*MOCK) as api, pytest.raises(InvalidOperation):
        client_of(api).list_operations("projects/p", "")
    assert [r.status for r in api.requests] == [401]


@PARENTS
def test_a_list_is_read_page_by_page(program, paths, parent):
    with running(*program) as api:
        made = [begin(api).name for _ in range(3)]
        pager = client_of(api, paths).list_operations(parent, "", page_size=2, metadata=HEADERS)
        assert sorted(begun.name for begun in pager) == sorted(made)
        lists = [r for r in api.requests if r.method == "GET"]
        assert [r.status for r in lists] == [200, 200]


@PARENTS
def test_a_filter_is_refused(program, paths, parent):
    with running(*program) as api, pytest.raises(exceptions.BadRequest) as raised:
        client_of(api, paths).list_operations(parent, "done=true", metadata=HEADERS)
    assert ": filter: expected no value" in raised.value.message
    assert raised.value.response.json()["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize("method", ["cancel_operation", "delete_operation"])
def test_unsupported_methods_are_not_implemented(method):
    with running(*MOCK, *AT_ONCE) as api:
        name = begin(api).name
        with pytest.raises(exceptions.MethodNotImplemented):
            getattr(client_of(api), method)(name, metadata=HEADERS)
