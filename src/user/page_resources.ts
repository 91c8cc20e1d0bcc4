/**
 * Which resources of a page a user fetches with it.
 *
 * @module
 */

import type { HttpResponse } from "../http/http_response.ts";
import type { ResourceOptions } from "../http/request_options.ts";

/** The resources of a page, by whether they are fetched. */
export interface PageResources {
  readonly fetched: readonly URL[];
  /** Host names whose resources are not fetched. */
  readonly otherHosts: readonly string[];
}

const NO_RESOURCES: PageResources = { fetched: [], otherHosts: [] };

/**
 * The resources of a page: none if the response is not HTML, or cannot be read.
 *
 * @param hostname of the request. A load test must not hit the servers of others only because a page names them.
 */
export async function pageResources(
  page: HttpResponse,
  hostname: string,
  { hosts = [] }: ResourceOptions,
): Promise<PageResources> {
  if (!/^\s*(text\/html|application\/xhtml\+xml)\b/i.test(page.headers.get("content-type") ?? "")) {
    return NO_RESOURCES;
  }
  const { resourcesOf } = await import("../http/html_resources.ts");
  let html: string;
  try {
    html = await page.text();
  } catch {
    // It is counted as a response, and browsers would not find resources in it either.
    return NO_RESOURCES;
  }
  const patterns = hosts.map((host) => host.toLowerCase().replace(/^\*?\.|\.$/g, ""));
  const isAllowed = (name: string): boolean =>
    name === hostname ||
    patterns.some((pattern) => pattern === "*" || name === pattern || name.endsWith(`.${pattern}`));
  const { fetched = [], others = [] } = Object.groupBy(
    resourcesOf(html, new URL(page.url)),
    (url) => isAllowed(url.hostname) ? "fetched" : "others",
  );
  return { fetched, otherHosts: [...new Set(others.map((url) => url.hostname))] };
}
