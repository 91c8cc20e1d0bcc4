// @ts-check
/**
 * What the two fields of the control form mean: users and their pace, or arrivals and their bound.
 * Pure.
 *
 * @module
 */

/** @typedef {import("../live_view.ts").LiveState} LiveState */

/**
 * What `api/start` and `api/target` take.
 *
 * @typedef {{ users: number, rate: number } | { arrivalRate: number, maxUsers: number }} ControlTarget
 */

/**
 * How the fields are labelled, and what they say before anybody has written into them.
 *
 * @typedef {object} TargetFields
 * @property {string} amountLabel
 * @property {string} amount
 * @property {string} amountStep
 * @property {string} paceLabel
 * @property {string} pace
 * @property {string} paceStep
 */

/** Users that an open run may have where it has said nothing else yet. */
const DEFAULT_MAX_USERS = 1000;

/**
 * The fields for a run.
 *
 * @param {Pick<LiveState, "model" | "users" | "arrivals">} live
 * @returns {TargetFields}
 */
export function targetFields({ model, users, arrivals }) {
  if (model === "open") {
    return {
      amountLabel: "Passes a second",
      amount: arrivals === null ? "" : String(arrivals.rate),
      amountStep: "any",
      paceLabel: "Users, at most",
      pace: String(arrivals?.maxUsers ?? DEFAULT_MAX_USERS),
      paceStep: "1",
    };
  }
  return {
    amountLabel: "Users",
    amount: users.target === 0 ? "" : String(users.target),
    amountStep: "1",
    paceLabel: "Started a second",
    // How fast they were started is not known here: ten seconds are a pace that harms nothing.
    pace: users.target === 0 ? "" : String(Math.max(1, Math.ceil(users.target / 10))),
    paceStep: "any",
  };
}

/**
 * What was written into the fields, as a target; otherwise a sentence that says what is wrong.
 *
 * @param {"closed" | "open"} model
 * @param {string} amountText
 * @param {string} paceText
 * @returns {ControlTarget | string}
 */
export function readTarget(model, amountText, paceText) {
  const { amountLabel, paceLabel } = targetFields({
    model,
    users: { current: 0, target: 0 },
    arrivals: null,
  });
  const amount = numberOf(amountText);
  const pace = numberOf(paceText);
  if (amount === null || amount < 0) return `${amountLabel}: give a number, 0 or more.`;
  if (model === "open") {
    if (pace === null || pace < 1 || !Number.isInteger(pace)) {
      return `${paceLabel}: give a whole number, 1 or more.`;
    }
    return { arrivalRate: amount, maxUsers: pace };
  }
  if (!Number.isInteger(amount)) return `${amountLabel}: give a whole number.`;
  if (pace === null || pace <= 0) return `${paceLabel}: give a number above 0.`;
  return { users: amount, rate: pace };
}

/**
 * @param {string} text
 * @returns {number | null}
 */
function numberOf(text) {
  const number = Number(text.trim());
  return text.trim() === "" || !Number.isFinite(number) ? null : number;
}
