/**
 * The options of the dashboard and of what else is served while a test runs.
 *
 * @module
 */

import type { SettingTable } from "./setting.ts";
import { millisecondList, textOf, toggle, wholeNumber } from "./value_kind.ts";

/** The values of all these options, defaults filled in. */
export interface WebSettings {
  readonly webHost: string;
  /** 0: any that is free. */
  readonly webPort: number;
  readonly noWeb: boolean;
  /** What the dashboard asks for; null: nothing. */
  readonly webToken: string | null;
  /** The test begins when somebody starts it in the dashboard. */
  readonly noAutostart: boolean;
  /** Upper bounds of the histogram's buckets in milliseconds, rising. */
  readonly buckets: readonly number[];
}

const WEB = "The dashboard:";

/** Every option, by the name of its value, in the order of `--help`. */
export const WEB_SETTINGS: SettingTable<WebSettings> = {
  webHost: {
    flags: "--web-host <H>",
    group: WEB,
    description: "where dashboard and /metrics are served",
    kind: textOf("a host name or an address"),
    default: "127.0.0.1",
  },
  webPort: {
    // The first spelling is that of the tool's earliest users, and stays out of `--help`.
    flags: "--prometheus-port, --web-port <P>",
    group: WEB,
    description: "the port there, 0: any that is free",
    kind: wholeNumber(0, 65_535),
    default: 8089,
  },
  noWeb: {
    flags: "--no-web",
    group: WEB,
    description: "serve neither",
    kind: toggle,
    default: false,
  },
  webToken: {
    flags: "--web-token <T>",
    group: WEB,
    description: "what it asks for; better as AIOTEST_WEB_TOKEN",
    kind: textOf("a secret"),
    default: null,
    ifNone: "none, and no control from other machines",
  },
  noAutostart: {
    flags: "--no-autostart",
    group: WEB,
    description: "wait for Start in the dashboard",
    kind: toggle,
    default: false,
  },
  buckets: {
    flags: "-b, --buckets <N...>",
    group: WEB,
    description: "upper bounds of the buckets of Prometheus' histogram, in ms",
    kind: millisecondList,
    default: [50, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 2000, 5000, 8000],
  },
};
