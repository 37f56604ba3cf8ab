"""The poller of azure-mgmt-core, against `--format azure-resource-manager`."""

import time

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.core.pipeline.policies import RetryPolicy
from azure.core.polling.base_polling import LocationPolling
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.exceptions import ARMErrorFormat
from azure.mgmt.core.polling.arm_polling import ARMPolling

from azure_sdk import HEADERS, TIMEOUT, begin, policies, read, resume, send
from servers import running

FORMAT = ("--format", "azure-resource-manager")
MOCK = ("mock", *FORMAT)
SERVER = ("server", *FORMAT)
AT_ONCE = ("--advance", "immediate")
VIA_OPERATION = {"final-state-via": "azure-async-operation"}


def client_of(api, **options):
    return ARMPipelineClient(api.url, policies=policies(**options))


def polling(**options):
    # It waits as long as Retry-After asks, and does not wait without one.
    return ARMPolling(timeout=0, **options)


def by_location():
    """Returns a poller that only uses the address in Location."""
    return polling(lro_algorithms=[LocationPolling()])


def error_of(raised):
    """Returns the error as a generated client of a resource provider reads it."""
    return ARMErrorFormat(raised.value.response.json())


@pytest.mark.parametrize("way", [polling, by_location])
def test_success_reads_the_resource(way):
    with running(*MOCK, *AT_ONCE) as api:
        poller = begin(client_of(api), way())
        resource = poller.result(TIMEOUT)
        assert poller.status() == "Succeeded"
        assert resource["id"] == f"/v1/subscriptions/{resource['name']}"
        assert resource["properties"]["provisioningState"] == "Succeeded"
        assert api.requests[-1].path.endswith("/result")


def test_success_reads_the_operation():
    with running(*MOCK, *AT_ONCE) as api:
        poller = begin(client_of(api), polling(lro_options=VIA_OPERATION))
        operation = poller.result(TIMEOUT)
        assert operation["status"] == "Succeeded"
        assert operation["id"] == api.requests[-1].path == f"/v1/tasks/{operation['name']}"
        assert [r.method for r in api.requests] == ["POST", "GET"]


@pytest.mark.parametrize("way", [polling, by_location])
def test_success_on_the_server(way):
    with running(*SERVER) as api:
        poller = begin(client_of(api), way())
        resource = poller.result(TIMEOUT)
        assert poller.status() == "Succeeded"
        assert resource["id"] == f"/v1/subscriptions/{resource['name']}"
        assert resource["properties"]["provisioningState"] == "Succeeded"
        assert read(send(client_of(api), "GET", resource["id"]))["name"] == "test"


def test_success_of_a_change_reads_the_resource():
    with running(*MOCK, *AT_ONCE) as api:
        client = client_of(api)
        path = begin(client, polling()).result(TIMEOUT)["id"]
        changed = begin(client, polling(), "PUT", path, {"name": "new"}).result(TIMEOUT)
        assert changed["name"] == "new"
        assert api.requests[-1] == ("GET", path, 200)


def test_success_of_a_deletion():
    with running(*MOCK, *AT_ONCE) as api:
        client = client_of(api)
        path = begin(client, polling()).result(TIMEOUT)["id"]
        poller = begin(client, polling(), "DELETE", path)
        assert poller.result(TIMEOUT)["status"] == "Succeeded"
        with pytest.raises(ResourceNotFoundError):
            send(client, "GET", path)


@pytest.mark.parametrize("way", [polling, by_location])
def test_failure(way):
    with running(*MOCK, *AT_ONCE, "--fail", "subscriptionCreateRequest=OUT_OF_STOCK") as api:
        poller = begin(client_of(api), way())
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert poller.status() == "Failed"
        assert error_of(raised).code == "OUT_OF_STOCK"
        assert error_of(raised).message == "The operation was made to fail."


@pytest.mark.parametrize("way", [polling, by_location])
def test_failure_on_the_server(way):
    with running(*SERVER) as api:
        poller = begin(client_of(api), way(), body={"fail": True})
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert poller.status() == "Failed"
        assert error_of(raised).code == "SUBSCRIPTION_NOT_CREATED"
        assert error_of(raised).message == "The request asked for a failure."


@pytest.mark.parametrize("way", [polling, by_location])
def test_slow(way):
    with running(*MOCK, "--advance", "reads:4") as api:
        begun = time.monotonic()
        poller = begin(client_of(api), way())
        assert poller.result(TIMEOUT)["properties"]["provisioningState"] == "Succeeded"
        # With Location, the last poll returns the resource. Otherwise it is read afterwards.
        assert len(api.polls()) == (4 if way is by_location else 5)
        # Retry-After asks for 1 second between polls.
        assert time.monotonic() - begun >= 3


def test_slow_on_the_server():
    with running(*SERVER) as api:
        poller = begin(client_of(api), polling(lro_options=VIA_OPERATION))
        assert poller.result(TIMEOUT)["status"] == "Succeeded"
        assert len(api.polls()) >= 2


def test_not_found_at_first_is_an_error_and_a_second_poller_continues():
    with running(*MOCK, *AT_ONCE, "--not-found-for", "1") as api:
        client = client_of(api)
        poller = begin(client, polling())
        token = poller.continuation_token()
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert raised.value.status_code == 404
        assert error_of(raised).code == "NotFound"
        assert error_of(raised).message == "there is no such task"
        resource = resume(client, polling(), token).result(TIMEOUT)
        assert resource["properties"]["provisioningState"] == "Succeeded"
        assert [r.status for r in api.polls()] == [404, 200, 200]


def test_not_found_at_first_is_survived_with_the_retry_policy():
    retries = RetryPolicy(retry_on_status_codes=[404], retry_backoff_factor=0.1)
    with running(*MOCK, *AT_ONCE, "--not-found-for", "2") as api:
        poller = begin(client_of(api, retries=retries), polling())
        assert poller.result(TIMEOUT)["properties"]["provisioningState"] == "Succeeded"
        assert [r.status for r in api.polls()] == [404, 404, 200, 200]


@pytest.mark.parametrize("cut", ["body", "close"])
def test_a_cut_answer_is_survived_with_the_standard_retries(cut):
    with running(*MOCK, "--advance", "reads:3", cuts={2: cut}) as api:
        poller = begin(client_of(api), polling())
        assert poller.result(TIMEOUT)["properties"]["provisioningState"] == "Succeeded"
        assert len(api.polls()) == 4


@pytest.mark.parametrize("cut", ["body", "close"])
def test_a_cut_read_of_the_resource_is_survived_with_the_standard_retries(cut):
    with running(*MOCK, *AT_ONCE, cuts={2: cut}) as api:
        poller = begin(client_of(api), polling())
        assert poller.result(TIMEOUT)["properties"]["provisioningState"] == "Succeeded"
        assert len(api.polls("/result")) == 2


@pytest.mark.parametrize(
    ("cut", "error"), [("body", IncompleteReadError), ("close", ServiceResponseError)]
)
def test_a_cut_answer_without_retries_is_an_error_and_a_second_poller_continues(cut, error):
    with running(*MOCK, *AT_ONCE, cuts={1: cut}) as api:
        client = client_of(api, retries=RetryPolicy.no_retries())
        poller = begin(client, polling())
        token = poller.continuation_token()
        with pytest.raises(error):
            poller.result(TIMEOUT)
        resource = resume(client, polling(), token).result(TIMEOUT)
        assert resource["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_an_unknown_path_is_refused(program):
    with running(*program) as api, pytest.raises(ResourceNotFoundError) as raised:
        begin(client_of(api), polling(), path="/v1/nothing")
    assert error_of(raised).code == "NotFound"
    assert error_of(raised).message.startswith("expected a path of the API")


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_a_request_without_a_key_is_refused(program):
    with running(*program) as api, pytest.raises(ClientAuthenticationError) as raised:
        begin(client_of(api, headers={}), polling())
    assert error_of(raised).code == "Unauthorized"
    assert "x-api-key" in error_of(raised).message


def test_a_wrong_secret_is_refused():
    with running(*MOCK, *AT_ONCE) as api:
        begin(client_of(api), polling()).result(TIMEOUT)
        wrong = {**HEADERS, "x-api-secret-key": "another"}
        with pytest.raises(ClientAuthenticationError) as raised:
            begin(client_of(api, headers=wrong), polling())
        assert error_of(raised).code == "Unauthorized"
        assert "x-api-secret-key" in error_of(raised).message
