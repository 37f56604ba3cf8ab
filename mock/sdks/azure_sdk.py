"""Shared by the tests of the two Azure formats: sends requests as generated clients do."""

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    map_error,
)
from azure.core.pipeline.policies import (
    ContentDecodePolicy,
    HeadersPolicy,
    RedirectPolicy,
    RequestIdPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest

HEADERS = {"x-api-key": "key", "x-api-secret-key": "secret"}
ERRORS = {401: ClientAuthenticationError, 404: ResourceNotFoundError}
# Seconds: longer than any test takes.
TIMEOUT = 60


def policies(headers=HEADERS, retries=None):
    """Returns the policies of a generated client."""
    return [
        RequestIdPolicy(),
        HeadersPolicy(headers),
        UserAgentPolicy("sdks"),
        ContentDecodePolicy(),
        RedirectPolicy(),
        retries or RetryPolicy(),
    ]


def send(client, method, path, body=None):
    """Sends a request, and raises an error if it is refused, as a generated client does."""
    request = HttpRequest(method, client.format_url(path), json=body)
    response = client.send_request(request, _return_pipeline_response=True)
    answer = response.http_response
    if answer.status_code not in (200, 201, 202, 204):
        map_error(status_code=answer.status_code, response=answer, error_map=ERRORS)
        raise HttpResponseError(response=answer)
    return response


def read(response):
    """Returns the JSON of the last answer of an operation."""
    return response.http_response.json()


def begin(client, polling, method="POST", path="/v1/subscriptions", body=None):
    """Starts an operation."""
    body = {"name": "test"} if body is None else body
    return LROPoller(client, send(client, method, path, body), read, polling)


def resume(client, polling, token):
    """Continues an operation that another poller started."""
    return LROPoller.from_continuation_token(
        polling, token, client=client, deserialization_callback=read
    )
