/**
 * The options of `aiotest demo`: those of a local run that mean something there.
 *
 * @module
 */

import type { SettingTable } from "./setting.ts";
import { SETTINGS, type Settings } from "./settings.ts";
import { WEB_SETTINGS, type WebSettings } from "./web_settings.ts";

/** What the demo does where the command line does not say otherwise. */
export const DEMO = {
  users: 20,
  rate: 5,
  runTime: 10,
  json: "aiotest-demo.json",
  // The failing orders are part of the demo, and no fault of it.
  exitCodeOnError: 0,
} as const;

type Taken =
  | keyof typeof DEMO
  | keyof WebSettings
  | "stopTimeout"
  | "html"
  | "csv"
  | "junit"
  | "threshold"
  | "resetStats"
  | "loglevel"
  | "logfile";

/** What `demo --help` shows. */
export const DEMO_SETTINGS: SettingTable<Pick<Settings, Taken>> = {
  users: { ...SETTINGS.users, default: DEMO.users },
  rate: { ...SETTINGS.rate, default: DEMO.rate },
  runTime: { ...SETTINGS.runTime, default: DEMO.runTime },
  stopTimeout: SETTINGS.stopTimeout,
  ...WEB_SETTINGS,
  json: { ...SETTINGS.json, default: DEMO.json },
  html: SETTINGS.html,
  csv: SETTINGS.csv,
  junit: SETTINGS.junit,
  threshold: SETTINGS.threshold,
  resetStats: SETTINGS.resetStats,
  exitCodeOnError: { ...SETTINGS.exitCodeOnError, default: DEMO.exitCodeOnError },
  loglevel: SETTINGS.loglevel,
  logfile: SETTINGS.logfile,
};
