// Where edges and pairs stand on the ring. Pure geometry, in units of the
// drawing's view box; angles in degrees, 0 to the right, clockwise.

export const size = 560;
export const centre = size / 2;

export interface Circle {
  count: number;
  radius: number; // of the ring
  node: number; // radius of an edge on it
  crowded: boolean; // too many edges for words inside them
  dense: boolean; // too many even for signs
}

export interface Point {
  x: number;
  y: number;
}

export function circle(count: number): Circle {
  const dense = count > 24;
  const radius = dense ? 212 : count > 8 ? 174 : 190;
  const room = count > 1 ? radius * Math.sin(Math.PI / count) : radius;
  const node = Math.max(3, Math.min(61, room * (dense ? 0.42 : 0.56)));
  return { count, radius, node, crowded: node < 40, dense };
}

export function angleOf(c: Circle, index: number): number {
  return -90 + (360 * index) / Math.max(1, c.count);
}

export function at(angle: number, radius: number): Point {
  const a = (angle * Math.PI) / 180;
  return { x: centre + radius * Math.cos(a), y: centre + radius * Math.sin(a) };
}

// The span of a pair on the ring, from its low to its high member. Undefined:
// the two are not neighbours, and the pair is drawn inside the ring.
export interface Span {
  from: number;
  to: number; // above from: clockwise
}

export function spanOf(c: Circle, low: number, high: number): Span | undefined {
  // Half the angle that an edge, its gauge and some air take.
  const gap = (2 * Math.asin(Math.min(1, (c.node + (c.dense ? 2 : c.crowded ? 4 : 9)) / (2 * c.radius))) * 180) / Math.PI;
  const step = 360 / c.count;
  if (c.count > 1 && high === (low + 1) % c.count) return { from: angleOf(c, low) + gap, to: angleOf(c, low) + step - gap };
  if (c.count > 2 && low === (high + 1) % c.count) return { from: angleOf(c, low) - gap, to: angleOf(c, low) - step + gap };
  return undefined;
}

function point(p: Point): string {
  return `${p.x.toFixed(2)} ${p.y.toFixed(2)}`;
}

export function arc(span: Span, radius: number): string {
  const sweep = span.to > span.from ? 1 : 0;
  const large = Math.abs(span.to - span.from) > 180 ? 1 : 0;
  return `M${point(at(span.from, radius))}A${radius} ${radius} 0 ${large} ${sweep} ${point(at(span.to, radius))}`;
}

// A curve inside the ring, for a pair whose members are no neighbours any more.
export function chord(c: Circle, low: number, high: number): string {
  const inner = c.radius - c.node - 6;
  const bend = at((angleOf(c, low) + angleOf(c, high)) / 2, inner * 0.45);
  return `M${point(at(angleOf(c, low), inner))}Q${point(bend)} ${point(at(angleOf(c, high), inner))}`;
}

// An arc around any point, for gauges.
export function gauge(middle: Point, radius: number, from: number, to: number): string {
  const on = (angle: number): string => {
    const a = (angle * Math.PI) / 180;
    return `${(middle.x + radius * Math.cos(a)).toFixed(2)} ${(middle.y + radius * Math.sin(a)).toFixed(2)}`;
  };
  return `M${on(from)}A${radius} ${radius} 0 ${to - from > 180 ? 1 : 0} 1 ${on(to)}`;
}
