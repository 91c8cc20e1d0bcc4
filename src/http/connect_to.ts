/**
 * Rules that lead connections elsewhere than URLs say, as curl's `--connect-to` does. The Host header and the
 * name that TLS checks stay those of the URL.
 *
 * @module
 */

import { isIPv6 } from "node:net";

/** One rule. */
export interface ConnectTo {
  /** Applies to URLs with this host: a name or an address, IPv6 without brackets. `null`: to every host. */
  readonly host: string | null;
  /** Applies to URLs with this port; `null`: to every port. */
  readonly port: number | null;
  /** The name or address to connect to instead, IPv6 without brackets; `null`: that of the URL. */
  readonly toHost: string | null;
  /** The port to connect to instead; `null`: that of the URL. */
  readonly toPort: number | null;
}

/** How a rule is written. */
export const CONNECT_TO_FORM = "HOST:PORT:ADDRESS:PORT";

const FORM = /^(\[[^[\]]*\]|[^:[\]]*):(\d*):(\[[^[\]]*\]|[^:[\]]*):(\d*)$/;

/** The rule that a text describes, in the form {@link CONNECT_TO_FORM}; `null` if it describes none. */
export function parseConnectTo(text: string): ConnectTo | null {
  const parts = FORM.exec(text);
  if (parts === null) return null;
  const host = hostIn(parts[1]!);
  const port = portIn(parts[2]!);
  const toHost = hostIn(parts[3]!);
  const toPort = portIn(parts[4]!);
  if (host === undefined || port === undefined) return null;
  return toHost === undefined || toPort === undefined ? null : { host, port, toHost, toPort };
}

/** A host as URLs have it, IPv6 without brackets; `null` if it is empty, `undefined` if it is invalid. */
function hostIn(text: string): string | null | undefined {
  if (text === "") return null;
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  // URLs cannot have a zone, but an address to connect to can.
  if (inner?.includes("%")) return isIPv6(inner) ? inner : undefined;
  const url = NOT_IN_HOSTS.test(text) ? null : URL.parse(`http://${text}`);
  return url === null ? undefined : url.hostname.replaceAll(/[[\]]/g, "");
}

const NOT_IN_HOSTS = /[\s/\\?#@%]/;

function portIn(text: string): number | null | undefined {
  if (text === "") return null;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Where a connection leads. */
export interface Endpoint {
  /** A name or an address; IPv6 addresses without brackets. */
  readonly hostname: string;
  readonly port: number;
}

/** Where a connection leads according to the first rule that matches; without one, `to` itself. */
export function connectedEndpoint(rules: readonly ConnectTo[], to: Endpoint): Endpoint {
  const rule = rules.find(({ host, port }) =>
    (host === null || host === to.hostname) && (port === null || port === to.port)
  );
  if (rule === undefined) return to;
  return { hostname: rule.toHost ?? to.hostname, port: rule.toPort ?? to.port };
}
