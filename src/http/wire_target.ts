import { type Origin, originOf } from "./origin.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Proxies } from "./proxies.ts";

/** Where a URL's requests go, and all of their heads that the URL decides. */
export interface WireTarget {
  readonly origin: Origin;
  /** The same for all URLs whose requests may share a connection. */
  readonly key: string;
  /** What stands behind the method in the request line. */
  readonly requestTarget: string;
  /** What the proxy wants to be told with every request; null where there is none to tell. */
  readonly proxyAuthorization: string | null;
  /** What a plain GET is, once one has been encoded. */
  plainGet: Outgoing | null;
}

/** Finds out where a URL's requests go. */
export function wireTarget(url: URL, proxies: Proxies): WireTarget {
  const origin = originOf(url);
  // A proxy only passes on what it cannot read; what is not secret it is asked for itself.
  const proxy = origin.secure ? null : proxies.proxyFor(origin);
  const path = `${url.pathname}${url.search}`;
  return {
    origin,
    key: url.origin,
    requestTarget: proxy === null ? path : `${url.origin}${path}`,
    proxyAuthorization: proxy === null ? null : proxy.authorization,
    plainGet: null,
  };
}
