// What edges count, added up. Each counts since its start, and a balancer that was started
// anew has heard of none yet: what was counted before stays, for as long as the page is open.
import type { EdgeStatus } from "./wire";

export class Sum {
  private readonly edges = new Map<string, { before: number; now: number }>();

  constructor(private readonly of: (edge: EdgeStatus) => number) {}

  // Never less than what it was: an edge that has left the ring counts on with what it had.
  add(edges: readonly EdgeStatus[]): number {
    for (const edge of edges.filter((e) => e.report_age >= 0)) {
      const told = this.of(edge);
      const known = this.edges.get(edge.name) ?? { before: 0, now: 0 };
      if (told < known.now) known.before += known.now;
      known.now = told;
      this.edges.set(edge.name, known);
    }
    return [...this.edges.values()].reduce((total, e) => total + e.before + e.now, 0);
  }
}
