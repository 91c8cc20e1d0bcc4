/**
 * What other load generators call metrics, and how k6 writes their tags.
 *
 * @module
 */

/** What other programs call metrics, and what they are called here. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ["http_req_duration", "p95"],
  ["http_req_waiting", "ttfb_p95"],
  ["http_req_receiving", "download_p95"],
  ["http_req_connecting", "connect_p95"],
  ["http_req_tls_handshaking", "tls_p95"],
  ["http_req_failed", "error_rate"],
  ["http_reqs", "count or rps"],
  ["iteration_duration", "service_p95"],
  ["dropped_iterations", "dropped"],
  ["group_duration", "p95[group NAME]"],
  ["http.response_time", "ttfb_p95"],
  ["http.requests", "count"],
  ["http.request_rate", "rps"],
  ["vusers.failed", "failures"],
  ["vusers.skipped", "dropped"],
  ["maxerrorrate", "error_rate"],
  ["responsetime", "p95"],
  ["failedrequests", "failures or error_rate"],
  ["fail_ratio", "error_rate"],
]);

/** What a metric of another program is called here; `null` if no other program has one of this name. */
export function nameHere(name: string): string | null {
  return OTHER_NAMES.get(name.toLowerCase()) ?? null;
}

/**
 * How a metric with k6's tags, such as `http_req_duration{scenario:browse}`, is written here; `null` if these are
 * none.
 *
 * @param name the metric, which may be one of aiotest.
 * @param rest the text after it.
 */
export function taggedNameHere(name: string, rest: string): string | null {
  const [, inBraces] = /^\{([^{}=]*:[^{}=]*)\}/.exec(rest) ?? [];
  if (inBraces === undefined) return null;
  if (name.toLowerCase() === "checks") return "checks[NAME]";
  let selector = "";
  const pairs: string[] = [];
  for (const pair of inBraces.split(",")) {
    const [key = "", ...parts] = pair.split(":").map((part) => part.trim());
    const value = parts.join(":");
    if (key === "group") selector = `[group ${value.split("::").filter(Boolean).join(" / ")}]`;
    else if (key === "name") selector = `[${value}]`;
    else if (key === "scenario") pairs.push("class=…");
    else if (key !== "expected_response") pairs.push(`${key}=${value}`);
  }
  const here = nameHere(name) ?? name;
  const braces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return here.split(" or ")
    .map((one) => (selector === "" ? one : one.replace("[group NAME]", "")) + selector + braces)
    .join(" or ");
}
