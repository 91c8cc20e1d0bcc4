/**
 * Durations as text: `20`, `20s`, `3m`, `1h20m`, `1.5s`.
 *
 * @module
 */

const UNIT_SECONDS = { h: 3600, m: 60, s: 1 } as const;

/** The forms that {@link parseDuration} accepts, for messages. */
export const DURATION_FORMS = "seconds (20), or hours, minutes and seconds (20s, 3m, 2h, 1h20m)";

/** The seconds of a duration; `null` if the text is not a duration. */
export function parseDuration(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text);
  if (match === null || text === "") return null;
  const [, hours = "0", minutes = "0", seconds = "0"] = match;
  return Number(hours) * UNIT_SECONDS.h + Number(minutes) * UNIT_SECONDS.m + Number(seconds);
}

/** Formats a duration, rounded down to whole seconds: `1h20m`. */
export function formatDuration(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [
    [Math.floor(whole / UNIT_SECONDS.h), "h"],
    [Math.floor(whole / UNIT_SECONDS.m) % 60, "m"],
    [whole % 60, "s"],
  ] as const;
  const text = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join(
    "",
  );
  return text === "" ? "0s" : text;
}
