/**
 * What a user's code throws to end its own user, quietly: `onStop` runs, and nothing is counted as an
 * error. Whoever catches it has a user that goes on.
 */
export class UserEnd extends Error {
  /** What it is. */
  override readonly name = "UserEnd";
}
