// Each edge has a colour of its own, the same everywhere on the page: class
// "c0" to "c7". Neighbours in the ring never share one.

const colours = 8;
let classes = new Map<string, string>();

export function assignColours(ring: readonly string[]): void {
  classes = new Map(ring.map((name, i) => {
    // The last one also stands beside the first.
    const closing = i > 0 && i === ring.length - 1 && i % colours === 0;
    return [name, `c${closing ? colours / 2 : i % colours}`];
  }));
}

export function colourOf(edge: string): string {
  return classes.get(edge) ?? "c-none";
}
