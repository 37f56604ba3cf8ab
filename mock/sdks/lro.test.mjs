// @azure/core-lro, against `--format azure` and `--format azure-resource-manager`: over plain `fetch`,
// and over @azure-rest/core-client, as generated clients use it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createRestError, getClient } from "@azure-rest/core-client";
import { createHttpPoller } from "@azure/core-lro";

const SERVERS = fileURLToPath(new URL("servers.py", import.meta.url));
const HEADERS = { "x-api-key": "key", "x-api-secret-key": "secret" };
const AT_ONCE = ["--advance", "immediate"];
const FAIL = ["--fail", "subscriptionCreateRequest=OUT_OF_STOCK"];

// Checks a resource with the name "test", in each format.
const FORMATS = {
  azure: (resource) => assert.equal(resource.name, "test"),
  "azure-resource-manager": (resource) => {
    assert.equal(resource.id, `/v1/subscriptions/${resource.name}`);
    assert.equal(resource.properties.provisioningState, "Succeeded");
  },
};

// Starts a program with its proxy, passes the address to `use`, and then stops the program. Returns the
// requests that the proxy received.
async function running(name, options, use) {
  const python = process.env.PYTHON ?? "python3";
  const stdio = ["pipe", "pipe", "inherit"];
  const child = spawn(python, [SERVERS, name, ...options], { stdio });
  const closed = new Promise((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const requests = [];
  try {
    const { value: first = "" } = await lines.next();
    assert.match(first, /^listening on http:/);
    await use(first.replace("listening on ", ""));
  } finally {
    child.stdin.end();
    for await (const line of { [Symbol.asyncIterator]: () => lines }) {
      const [method, path, status] = line.split(" ");
      requests.push({ method, path, status: Number(status) });
    }
    await closed;
  }
  return requests;
}

// The reads of a task.
function polls(requests) {
  return requests.filter(({ method, path }) => method === "GET" && /\/tasks\/[^/]+$/.test(path));
}

// An operation over plain `fetch`. The poller handles every status.
function fetched(url, { method = "POST", path = "/v1/subscriptions", body } = {}) {
  const ask = async (url, method, body) => {
    const response = await fetch(url, { method, body, headers: HEADERS });
    const text = await response.text();
    const parsed = text === "" ? undefined : JSON.parse(text);
    const rawResponse = {
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      body: parsed,
      request: { url, method },
    };
    return { flatResponse: parsed, rawResponse };
  };
  return {
    sendInitialRequest: () => ask(url + path, method, JSON.stringify(body ?? { name: "test" })),
    sendPollRequest: (url) => ask(url, "GET"),
  };
}

// An operation over the pipeline of a generated client, with its standard retries. A refused initial
// request is an error. The poller handles the status of polls.
function piped(url, { path = "/v1/subscriptions", body, headers = HEADERS } = {}) {
  const client = getClient(url, { allowInsecureConnection: true });
  const toLro = ({ request, status, headers, body }) => ({
    flatResponse: body,
    rawResponse: {
      statusCode: Number(status),
      headers,
      body,
      request: { url: request.url, method: request.method },
    },
  });
  return {
    sendInitialRequest: async () => {
      const response = await client
        .pathUnchecked(path)
        .post({ headers, body: body ?? { name: "test" } });
      if (Number(response.status) >= 400) throw createRestError(response);
      return toLro(response);
    },
    sendPollRequest: async (url) => toLro(await client.pathUnchecked(url).get({ headers })),
  };
}

const WAYS = { fetched, piped };

// A poller that waits as long as Retry-After asks, and 10 milliseconds without one.
function pollerOf(operation, options = {}) {
  return createHttpPoller(operation, { intervalInMs: 10, ...options });
}

for (const [format, check] of Object.entries(FORMATS)) {
  const chosen = ["--format", format];

  for (const [way, over] of Object.entries(WAYS)) {
    test(`${format}, ${way}: success reads the resource`, async () => {
      const requests = await running("mock", [...chosen, ...AT_ONCE], async (url) => {
        const poller = pollerOf(over(url));
        check(await poller.pollUntilDone());
        assert.equal(poller.operationState.status, "succeeded");
      });
      assert.equal(requests.length, 3);
      const last = format === "azure" ? /^\/v1\/subscriptions\/\d+$/ : /^\/v1\/tasks\/[^/]+\/result$/;
      assert.match(requests[2].path, last);
    });

    test(`${format}, ${way}: success on the server, after several polls`, async () => {
      const requests = await running("server", chosen, async (url) => {
        const poller = pollerOf(over(url));
        check(await poller.pollUntilDone());
        assert.equal(poller.operationState.status, "succeeded");
      });
      assert.ok(polls(requests).length >= 2);
    });

    test(`${format}, ${way}: failure`, async () => {
      await running("mock", [...chosen, ...AT_ONCE, ...FAIL], async (url) => {
        const poller = pollerOf(over(url));
        await assert.rejects(poller.pollUntilDone(), {
          message:
            "The long-running operation has failed. OUT_OF_STOCK. The operation was made to fail.",
        });
        assert.equal(poller.operationState.status, "failed");
      });
    });

    test(`${format}, ${way}: failure on the server`, async () => {
      await running("server", chosen, async (url) => {
        const poller = pollerOf(over(url, { body: { fail: true } }));
        await assert.rejects(poller.pollUntilDone(), {
          message:
            "The long-running operation has failed. SUBSCRIPTION_NOT_CREATED. " +
            "The request asked for a failure.",
        });
        assert.equal(poller.operationState.status, "failed");
      });
    });

    test(`${format}, ${way}: slow`, async () => {
      const requests = await running("mock", [...chosen, "--advance", "reads:4"], async (url) => {
        const begun = Date.now();
        const seen = [];
        const poller = pollerOf(over(url));
        poller.onProgress(({ status }) => seen.push(status));
        check(await poller.pollUntilDone());
        assert.deepEqual(seen, ["running", "running", "running", "succeeded"]);
        // Retry-After asks for 1 second between polls.
        assert.ok(Date.now() - begun >= 2900);
      });
      assert.equal(polls(requests).length, 4);
    });

    test(`${format}, ${way}: not found at first is a failure, and a second poller continues`, async () => {
      const options = [...chosen, ...AT_ONCE, "--not-found-for", "1"];
      const requests = await running("mock", options, async (url) => {
        const operation = over(url);
        const poller = pollerOf(operation);
        const token = await poller.serialize();
        await assert.rejects(poller.pollUntilDone(), {
          message: "The long-running operation has failed. NotFound. there is no such task",
        });
        assert.equal(poller.operationState.status, "failed");
        check(await pollerOf(operation, { restoreFrom: token }).pollUntilDone());
      });
      assert.deepEqual(polls(requests).map(({ status }) => status), [404, 200]);
    });
  }

  for (const [cut, message] of [
    ["body", "terminated"],
    ["close", "fetch failed"],
  ]) {
    test(`${format}, fetched: a cut answer (${cut}) is an error, and the poller continues`, async () => {
      const options = [...chosen, "--advance", "reads:2", "--cut", `1=${cut}`];
      const requests = await running("mock", options, async (url) => {
        const poller = pollerOf(fetched(url));
        await assert.rejects(poller.pollUntilDone(), { name: "TypeError", message });
        assert.equal(poller.operationState.status, "running");
        check(await poller.pollUntilDone());
      });
      assert.equal(polls(requests).length, 2);
    });
  }

  test(`${format}, piped: a closed connection is survived with the standard retries`, async () => {
    const options = [...chosen, "--advance", "reads:2", "--cut", "1=close"];
    const requests = await running("mock", options, async (url) => {
      check(await pollerOf(piped(url)).pollUntilDone());
    });
    assert.equal(polls(requests).length, 2);
  });

  test(`${format}, piped: a cut body is not retried, and a second poller continues`, async () => {
    const options = [...chosen, "--advance", "reads:2", "--cut", "1=body"];
    await running("mock", options, async (url) => {
      const operation = piped(url);
      const poller = pollerOf(operation);
      const token = await poller.serialize();
      await assert.rejects(poller.pollUntilDone(), { name: "RestError", code: "PARSE_ERROR" });
      assert.equal(poller.operationState.status, "failed");
      check(await pollerOf(operation, { restoreFrom: token }).pollUntilDone());
    });
  });

  for (const program of ["mock", "server"]) {
    test(`${format}, piped: ${program} refuses an unknown path`, async () => {
      await running(program, chosen, async (url) => {
        const poller = pollerOf(piped(url, { path: "/v1/nothing" }));
        await assert.rejects(poller.pollUntilDone(), {
          name: "RestError",
          statusCode: 404,
          code: "NotFound",
          message: /^expected a path of the API/,
        });
      });
    });

    test(`${format}, piped: ${program} refuses a request without a key`, async () => {
      await running(program, chosen, async (url) => {
        const poller = pollerOf(piped(url, { headers: {} }));
        await assert.rejects(poller.pollUntilDone(), {
          name: "RestError",
          statusCode: 401,
          code: "Unauthorized",
          message: /x-api-key/,
        });
      });
    });
  }

  test(`${format}, fetched: success of a change reads the resource`, async () => {
    const requests = await running("mock", [...chosen, ...AT_ONCE], async (url) => {
      const made = await pollerOf(fetched(url)).pollUntilDone();
      const path = format === "azure" ? `/v1/subscriptions/${made.id}` : made.id;
      const change = { method: "PUT", path, body: { name: "new" } };
      const changed = await pollerOf(fetched(url, change)).pollUntilDone();
      assert.equal(changed.name, "new");
    });
    assert.match(requests.at(-1).path, /^\/v1\/subscriptions\/\d+$/);
  });

  test(`${format}, fetched: success of a deletion`, async () => {
    await running("mock", [...chosen, ...AT_ONCE], async (url) => {
      const made = await pollerOf(fetched(url)).pollUntilDone();
      const path = format === "azure" ? `/v1/subscriptions/${made.id}` : made.id;
      const deleted = await pollerOf(fetched(url, { method: "DELETE", path })).pollUntilDone();
      assert.equal(deleted.status, "Succeeded");
    });
  });

  test(`${format}, fetched: failure with additional information`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "sdks-"));
    const config = join(folder, "config.json");
    const fail = {
      code: "OUT_OF_STOCK",
      description: "There is no place.",
      additionalInfo: "Try another region.",
    };
    const scripts = [{ command: "subscriptionCreateRequest", pace: "immediate", fail }];
    await writeFile(config, JSON.stringify({ scripts }));
    try {
      await running("mock", [...chosen, "--config", config], async (url) => {
        const failed = await pollerOf(fetched(url)).pollUntilDone().catch((error) => error.message);
        assert.match(failed, /OUT_OF_STOCK/);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test("azure-resource-manager, fetched: success only reads the operation", async () => {
  const options = ["--format", "azure-resource-manager", ...AT_ONCE];
  const requests = await running("mock", options, async (url) => {
    const poller = pollerOf(fetched(url), { resourceLocationConfig: "azure-async-operation" });
    assert.equal((await poller.pollUntilDone()).status, "Succeeded");
  });
  assert.equal(requests.length, 2);
});

test("azure, fetched: a refused initial request is a failure without a reason", async () => {
  await running("mock", ["--format", "azure"], async (url) => {
    const poller = pollerOf(fetched(url, { path: "/v1/nothing" }));
    await assert.rejects(poller.pollUntilDone(), {
      message: "The long-running operation has failed",
    });
  });
});
