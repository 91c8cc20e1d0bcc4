/**
 * The options that say how to connect to the target, and the checks that need this machine.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { parseConnectTo } from "../http/connect_to.ts";
import { originOf, Proxies } from "../http/proxies.ts";
import { WireError } from "../http/request_error.ts";
import { areOneFamily } from "../http/local_addresses.ts";
import type { ConnectionOptions } from "../http/shared_http_state.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { FastHttpUser } from "../user/fast_http_user.ts";
import { HttpUser } from "../user/http_user.ts";
import type { FileReader } from "./option_files.ts";
import type { Options } from "./options.ts";
import { targetTls } from "./target_tls.ts";

/**
 * What the options say about connections to the target.
 *
 * @throws UsageError if a file of {@link targetTls} is invalid, or local addresses are both IPv4 and IPv6.
 */
export async function connectionOptions(
  host: FileReader,
  options: Options,
): Promise<ConnectionOptions> {
  const { localAddress: localAddresses, maxRedirects, dns, dnsTtl } = options;
  if (!areOneFamily(localAddresses)) {
    throw new UsageError(
      `--local-address ${localAddresses.join(",")}: expected either IPv4 or IPv6 addresses`,
      "A connection from an IPv4 address cannot lead to an IPv6 address.",
    );
  }
  const connectTo = options.connectTo.flatMap((text) => parseConnectTo(text) ?? []);
  const tls = await targetTls(host, options);
  return { tls, localAddresses, connectTo, maxRedirects, dns, dnsTtlMs: dnsTtl * 1000 };
}

/**
 * Checks the proxy variables of this machine that requests to the hosts of classes would use. Other requests fail
 * if theirs are invalid.
 *
 * @param given the value of `--host`.
 * @throws UsageError that names the variable and says what is accepted.
 */
export function checkProxies(
  host: Pick<Host, "env">,
  classes: readonly DiscoveredClass[],
  given: string | null,
): void {
  const proxies = new Proxies((name) => host.env(name));
  for (const { userClass } of classes) {
    if (!(userClass.prototype instanceof FastHttpUser || userClass.prototype instanceof HttpUser)) {
      continue;
    }
    const url = URL.parse(given ?? userClass.host);
    if (url === null) continue;
    try {
      proxies.proxyFor(originOf(url));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new UsageError(error.message, `Requests to ${url.origin} would use this proxy.`);
    }
  }
}

/**
 * Checks that the addresses which connections leave from are addresses of this machine. Only a process that
 * runs users needs them.
 *
 * @throws UsageError that names the option or the class, and the address.
 */
export function checkLocalAddresses(
  host: Pick<Host, "localAddressProblem">,
  classes: readonly DiscoveredClass[],
  { localAddresses }: Pick<ConnectionOptions, "localAddresses">,
): void {
  const check = (place: (address: string) => string, addresses: readonly string[]): void => {
    for (const address of addresses) {
      const problem = host.localAddressProblem(address);
      if (problem !== null) throw new UsageError(`${place(address)}: ${problem}`);
    }
  };
  if (localAddresses.length > 0) {
    return check((address) => `--local-address ${address}`, localAddresses);
  }
  for (const { name, userClass } of classes) {
    if (!(userClass.prototype instanceof FastHttpUser)) continue;
    const { localAddresses } = userClass as unknown as typeof FastHttpUser;
    check((address) => `${name}.localAddresses has "${address}"`, localAddresses);
  }
}
