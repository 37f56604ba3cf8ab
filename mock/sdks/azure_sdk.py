"""What the tests of the two Azure formats have in common: requests as generated clients send them."""

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
# Longer than any test takes.
PATIENCE = 60


def policies(headers=HEADERS, retries=None):
    """The policies of a generated client."""
    return [
        RequestIdPolicy(),
        HeadersPolicy(headers),
        UserAgentPolicy("sdks"),
        ContentDecodePolicy(),
        RedirectPolicy(),
        retries or RetryPolicy(),
    ]


def send(client, method, path, body=None):
    """Sends a request; what is refused is an error, as in a generated client."""
    request = HttpRequest(method, client.format_url(path), json=body)
    response = client.send_request(request, _return_pipeline_response=True)
    answer = response.http_response
    if answer.status_code not in (200, 201, 202, 204):
        map_error(status_code=answer.status_code, response=answer, error_map=ERRORS)
        raise HttpResponseError(response=answer)
    return response


def read(response):
    """What the last answer of an operation says."""
    return response.http_response.json()


def begin(client, polling, method="POST", path="/v1/subscriptions", body=None):
    """Begins an operation."""
    body = {"name": "test"} if body is None else body
    return LROPoller(client, send(client, method, path, body), read, polling)


def resume(client, polling, token):
    """Goes on with an operation that another poller began."""
    return LROPoller.from_continuation_token(
        polling, token, client=client, deserialization_callback=read
    )
