"""The data-plane poller of azure-core, against `--format azure`."""

import json
import time

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceResponseError,
)
from azure.core.paging import ItemPaged
from azure.core.pipeline.policies import RetryPolicy
from azure.core.polling.base_polling import LROBasePolling

from azure_sdk import HEADERS, TIMEOUT, begin, policies, read, resume, send
from servers import running

FORMAT = ("--format", "azure")
MOCK = ("mock", *FORMAT)
SERVER = ("server", *FORMAT)
AT_ONCE = ("--advance", "immediate")


def client_of(api, **options):
    return PipelineClient(api.url, policies=policies(**options))


def polling(**options):
    # It waits as long as Retry-After asks, and does not wait without one.
    return LROBasePolling(timeout=0, **options)


def test_success_reads_the_resource():
    with running(*MOCK, *AT_ONCE) as api:
        poller = begin(client_of(api), polling())
        resource = poller.result(TIMEOUT)
        assert poller.status() == "Succeeded"
        assert resource["name"] == "test"
        assert api.requests[-1] == ("GET", f"/v1/subscriptions/{resource['id']}", 200)


def test_success_reads_the_result_of_the_status_monitor():
    with running(*MOCK, *AT_ONCE) as api:
        via = polling(lro_options={"final-state-via": "operation-location"})
        monitor = begin(client_of(api), via).result(TIMEOUT)
        assert monitor["status"] == "Succeeded"
        assert isinstance(monitor["result"]["resourceId"], int)
        assert [r.method for r in api.requests] == ["POST", "GET"]


def test_success_on_the_server():
    with running(*SERVER) as api:
        poller = begin(client_of(api), polling())
        resource = poller.result(TIMEOUT)
        assert poller.status() == "Succeeded"
        assert resource["name"] == "test"
        assert api.requests[-1] == ("GET", f"/v1/subscriptions/{resource['id']}", 200)


def test_success_of_a_change_reads_the_resource():
    with running(*MOCK, *AT_ONCE) as api:
        client = client_of(api)
        made = begin(client, polling()).result(TIMEOUT)
        path = f"/v1/subscriptions/{made['id']}"
        changed = begin(client, polling(), "PUT", path, {"name": "new"}).result(TIMEOUT)
        assert changed["name"] == "new"
        assert api.requests[-1] == ("GET", path, 200)


def test_success_of_a_deletion():
    with running(*MOCK, *AT_ONCE) as api:
        client = client_of(api)
        made = begin(client, polling()).result(TIMEOUT)
        poller = begin(client, polling(), "DELETE", f"/v1/subscriptions/{made['id']}")
        assert poller.result(TIMEOUT)["status"] == "Succeeded"


def test_failure():
    with running(*MOCK, *AT_ONCE, "--fail", "subscriptionCreateRequest=OUT_OF_STOCK") as api:
        poller = begin(client_of(api), polling())
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert poller.status() == "Failed"
        assert raised.value.error.code == "OUT_OF_STOCK"
        assert raised.value.error.message == "The operation was made to fail."


def test_failure_with_additional_information(tmp_path):
    config = tmp_path / "config.json"
    error = {"code": "OUT_OF_STOCK", "description": "No.", "additionalInfo": "Try another region."}
    script = {"command": "subscriptionCreateRequest", "pace": "immediate", "fail": error}
    config.write_text(json.dumps({"scripts": [script]}))
    with running(*MOCK, "--config", str(config)) as api:
        with pytest.raises(HttpResponseError) as raised:
            begin(client_of(api), polling()).result(TIMEOUT)
        assert raised.value.error.code == "OUT_OF_STOCK"
        assert raised.value.error.innererror["message"] == "Try another region."


def test_failure_on_the_server():
    with running(*SERVER) as api:
        poller = begin(client_of(api), polling(), body={"fail": True})
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert poller.status() == "Failed"
        assert raised.value.error.code == "SUBSCRIPTION_NOT_CREATED"
        assert raised.value.error.message == "The request asked for a failure."


def test_slow():
    with running(*MOCK, "--advance", "reads:4") as api:
        begun = time.monotonic()
        poller = begin(client_of(api), polling())
        assert poller.result(TIMEOUT)["name"] == "test"
        assert len(api.polls()) == 4
        # Retry-After asks for 1 second between polls.
        assert time.monotonic() - begun >= 3


def test_slow_on_the_server():
    with running(*SERVER) as api:
        assert begin(client_of(api), polling()).result(TIMEOUT)["name"] == "test"
        assert len(api.polls()) >= 2


def test_not_found_at_first_is_an_error_and_a_second_poller_continues():
    with running(*MOCK, *AT_ONCE, "--not-found-for", "1") as api:
        client = client_of(api)
        poller = begin(client, polling())
        token = poller.continuation_token()
        with pytest.raises(HttpResponseError) as raised:
            poller.result(TIMEOUT)
        assert raised.value.status_code == 404
        assert raised.value.error.code == "NotFound"
        assert raised.value.error.message == "there is no such task"
        assert resume(client, polling(), token).result(TIMEOUT)["name"] == "test"
        assert [r.status for r in api.polls()] == [404, 200]


def test_not_found_at_first_is_survived_with_the_retry_policy():
    retries = RetryPolicy(retry_on_status_codes=[404], retry_backoff_factor=0.1)
    with running(*MOCK, *AT_ONCE, "--not-found-for", "2") as api:
        poller = begin(client_of(api, retries=retries), polling())
        assert poller.result(TIMEOUT)["name"] == "test"
        assert [r.status for r in api.polls()] == [404, 404, 200]


@pytest.mark.parametrize("cut", ["body", "close"])
def test_a_cut_answer_is_survived_with_the_standard_retries(cut):
    with running(*MOCK, "--advance", "reads:3", cuts={2: cut}) as api:
        poller = begin(client_of(api), polling())
        assert poller.result(TIMEOUT)["name"] == "test"
        assert len(api.polls()) == 3


@pytest.mark.parametrize("cut", ["body", "close"])
def test_a_cut_read_of_the_resource_is_survived_with_the_standard_retries(cut):
    with running(*MOCK, *AT_ONCE, cuts={2: cut}) as api:
        poller = begin(client_of(api), polling())
        assert poller.result(TIMEOUT)["name"] == "test"
        assert len(api.polls("/subscriptions/")) == 2


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
        assert resume(client, polling(), token).result(TIMEOUT)["name"] == "test"


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_an_unknown_path_is_refused(program):
    with running(*program) as api, pytest.raises(ResourceNotFoundError) as raised:
        begin(client_of(api), polling(), path="/v1/nothing")
    assert raised.value.error.code == "NotFound"
    assert raised.value.error.message.startswith("expected a path of the API")


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_a_request_without_a_key_is_refused(program):
    with running(*program) as api, pytest.raises(ClientAuthenticationError) as raised:
        begin(client_of(api, headers={}), polling())
    assert raised.value.error.code == "Unauthorized"
    assert "x-api-key" in raised.value.error.message


def test_a_wrong_secret_is_refused():
    with running(*MOCK, *AT_ONCE) as api:
        assert begin(client_of(api), polling()).result(TIMEOUT)["name"] == "test"
        wrong = {**HEADERS, "x-api-secret-key": "another"}
        with pytest.raises(ClientAuthenticationError) as raised:
            begin(client_of(api, headers=wrong), polling())
        assert raised.value.error.code == "Unauthorized"
        assert "x-api-secret-key" in raised.value.error.message


@pytest.mark.parametrize("program", [MOCK, SERVER])
def test_a_list_is_read_page_by_page(program):
    with running(*program) as api:
        client = client_of(api)
        begun = [send(client, "POST", "/v1/subscriptions", {"name": "test"}) for _ in range(3)]
        made = [read(response)["id"] for response in begun]

        def get_next(link):
            return send(client, "GET", link or "/v1/tasks?maxpagesize=2")

        def extract(response):
            page = read(response)
            return page.get("nextLink"), page["value"]

        assert sorted(monitor["id"] for monitor in ItemPaged(get_next, extract)) == sorted(made)
        assert len(api.polls("/tasks?")) == 2
