/** How often users have met at one rendezvous. */
export interface RendezvousRounds {
  readonly name: string;
  /** Rounds to which all came who were waited for. */
  readonly complete: number;
  /** Rounds that ended by their time, with fewer. */
  readonly incomplete: number;
}
