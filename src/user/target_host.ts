import { UsageError } from "../core/errors.ts";
import type { DiscoveredClass } from "./discovery.ts";
import type { UserClass } from "./user.ts";

const NEEDED = "a URL that starts with http:// or https:// is needed";

/**
 * Checks that classes which speak HTTP have a host that relative URLs can be joined to. A class may
 * also have none: then its tests name whole URLs.
 *
 * @param host `--host`, which replaces that of every class; null where it was not given.
 * @param speaksHttp tells the classes whose host must be a URL; to others it may mean anything.
 * @throws UsageError that names the class, the host and what is accepted.
 */
export function checkHosts(
  classes: readonly DiscoveredClass[],
  host: string | null,
  speaksHttp: (userClass: UserClass) => boolean,
): void {
  for (const { name, userClass } of classes) {
    const target = host ?? userClass.host;
    if (!speaksHttp(userClass) || target === "" || isHttpUrl(target)) continue;
    throw new UsageError(
      host === null
        ? `${name}.host is ${JSON.stringify(target)}: ${NEEDED}`
        : `--host ${target}: ${NEEDED}, because ${name} speaks HTTP`,
    );
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}
