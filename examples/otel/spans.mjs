// OpenTelemetry spans from the event `wire`, by the semantic conventions for MCP (gen-ai/mcp.md, status: development).
//
//   const session = await connect(url, { on: { wire: spans(trace.getTracer("my-host"), url, () => session?.status) } });
//
// One span for each send of a message: a call that was refused and sent once more has two, as HTTP's own conventions have it
// for requests that are sent again. The event tells neither ids nor bodies: there is no `mcp.session.id`, no
// `jsonrpc.request.id` and no `gen_ai.tool.name`. A host that wants the tool's name opens a span of its own around `callTool`
// (`execute_tool {gen_ai.tool.name}`) and gives its context as the option `trace`.

import { SpanKind, SpanStatusCode } from "@opentelemetry/api";

/**
 * @param {import("@opentelemetry/api").Tracer} tracer
 * @param {string | URL} url of the endpoint
 * @param {() => import("mcp-evergreen").Status | undefined} status of the session; it may throw while there is none
 * @returns {(event: import("mcp-evergreen").WireEvent) => void}
 */
export function spans(tracer, url, status = () => undefined) {
  const { hostname, port, protocol } = new URL(url);
  const server = { "server.address": hostname, "server.port": Number(port || (protocol === "https:" ? 443 : 80)) };
  const open = new Map();
  return (event) => {
    // A stream that listens and a DELETE carry no message.
    if (!event.rpcMethod) return;
    if (event.phase === "sent") {
      open.set(event.exchange, tracer.startSpan(event.rpcMethod, { kind: SpanKind.CLIENT, startTime: event.at, attributes: { ...server, ...asked(event) } }));
      return;
    }
    const span = open.get(event.exchange);
    open.delete(event.exchange);
    if (!span) return;
    const protocolVersion = known(status);
    if (protocolVersion) span.setAttribute("mcp.protocol.version", protocolVersion);
    if (event.status !== undefined) span.setAttribute("http.response.status_code", event.status);
    const failed = event.phase === "answered" ? (event.verdict === "ok" ? undefined : event.verdict) : FAILED[event.phase];
    if (failed) {
      span.setAttribute("error.type", failed);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(event.at);
  };
}

/** The session's version. The handshake's own requests are answered before whoever awaits the session has it. */
function known(status) {
  try {
    return status()?.protocolVersion;
  } catch {
    return undefined;
  }
}

/** What ended without an answer; other values of `error.type` are the verdicts. */
const FAILED = { failed: "network", aborted: "cancelled" };

function asked({ rpcMethod, method, attempt }) {
  return {
    "mcp.method.name": rpcMethod,
    "network.protocol.name": "http",
    "http.request.method": method,
    ...(rpcMethod === "tools/call" && { "gen_ai.operation.name": "execute_tool" }),
    ...(attempt > 1 && { "http.request.resend_count": attempt - 1 }),
  };
}
