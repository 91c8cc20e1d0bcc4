/** Bytes that a response's body may have where nobody says otherwise. */
export const MAX_BODY_SIZE = 64 * 1024 * 1024;
