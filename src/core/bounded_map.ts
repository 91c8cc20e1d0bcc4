/**
 * Maps that must not grow without end, because a test or a target chooses their keys.
 *
 * @module
 */

/** Sets an entry of a map. If the key is new and the map has `max` entries, the oldest one makes room. */
export function setBounded<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  value: Value,
  max: number,
): void {
  if (map.size >= max && !map.has(key)) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}
