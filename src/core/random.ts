/** A source of random numbers in [0, 1), handed in so that tests can choose them. */
export type Random = () => number;

/** The runtime's own generator. */
export const systemRandom: Random = Math.random;
