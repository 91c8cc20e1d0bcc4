import type { HostRules } from "./host_rules.ts";
import type { Refusal } from "./reply.ts";

/**
 * Why a request must not be answered at all, wherever it leads; null where it may. Only a browser sends
 * what is looked at here of its own accord, and it is browsers that other people's pages misuse.
 */
export function foreignness(request: Request, url: URL, rules: HostRules): Refusal | null {
  const { headers } = request;
  const host = headers.get("host") ?? "";
  // The two differ where the request line has a whole URL in it.
  if (!rules.allow(host) || !rules.allow(url.host)) {
    return { status: 403, error: "The request's Host is none of this dashboard's names." };
  }
  const origin = headers.get("origin");
  if (origin !== null && origin !== `http://${host}` && origin !== `https://${host}`) {
    return { status: 403, error: "The request comes from a page of another origin." };
  }
  if (headers.get("sec-fetch-site") === "cross-site" && !opensPage(request, url)) {
    return { status: 403, error: "The request comes from another site." };
  }
  return null;
}

/** Whether somebody has followed a link to the page, as from a wiki: it tells nothing, and sees nothing. */
function opensPage({ method, headers }: Request, url: URL): boolean {
  return method === "GET" && url.pathname === "/" &&
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
}
