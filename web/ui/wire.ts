// The shapes of /api/v1, as internal/wire/api.go defines them. Times are unix
// milliseconds, sizes bytes. Slots and boundaries are in the low member's view.

export type EdgeState = "pending" | "joining" | "recovering" | "up" | "draining" | "leaving" | "down" | "silent"; // silent: nobody can commit its death

export interface Run {
  from: number;
  to: number; // exclusive
}

export interface Adoption extends Run {
  edge: string;
}

export interface Recovery {
  bytes: number;
  bytes_total: number;
  objects: number;
  total: number;
  from?: string;
  error?: string;
}

export interface EdgeStatus {
  name: string;
  state: EdgeState;
  http: string;
  admin: string;
  incarnation: number;
  capacity: number;
  assumed?: boolean; // nobody has stated the capacity
  asks?: number; // a higher capacity that waits to be accepted
  zone?: string;
  limit: number;
  delivering: number;
  margin: number;
  fail_safe: boolean;
  report_age: number; // -1: none
  recovery?: Recovery;
  store_bytes: number;
  sent_bytes: number;
  hits: number;
  misses: number;
  origin_asked: number;
  origins_out?: string[]; // upstreams of which no server answers it
  unwritable?: string; // why its store's disk takes nothing
  streams: number;
  stand_ins?: string[]; // of a silent edge
  note?: string; // what is special about it
}

export interface PairStatus {
  id: number;
  low: string;
  high: string;
  slots: number;
  boundary: number;
  home: number;
  low_delivering: number;
  high_delivering: number;
  taken: Run[];
  retiring?: boolean;
  adopted?: Adoption[];
  streams: number;
  note?: string; // what is special about it
}

export interface BalancerInfo {
  name: string;
  http: string;
  admin: string;
  leader: boolean;
  voter: boolean;
  alive: boolean;
  note?: string; // what is special about it
}

// What the loss of all edges of a zone at once would cost.
export interface ZoneLoss {
  zone: string;
  edges: string[];
  lost: number;
  given: number;
  margin: number;
}

export interface Status {
  time: number;
  version: number;
  node: string;
  leader: string;
  majority: boolean;
  admission: string;
  policy: string;
  edges: EdgeStatus[];
  pairs: PairStatus[];
  balancers: BalancerInfo[];
  zones: ZoneLoss[];
  sessions: number;
  streams: number;
  refused: number;
  takeovers: number;
  verdict: Verdict; // what an operator has to know first
  demo?: boolean; // its nodes can be killed and brought back by orders
}

export interface StreamStatus {
  stream: string;
  pairs: number[];
  edges: string[];
  stored: string[];
  sessions: number;
}

export interface Track {
  kind: "other" | "video" | "audio" | "subtitles";
  target: string;
  sequence: number;
  time: number;
  at: number;
}

export interface SessionInfo {
  pair: number;
  slot: number;
  generation: number;
  stream: string;
  viewer: string;
  edge: string;
  position: number;
  path: string;
  tracks?: Track[] | null;
  opened: number;
  seen: number;
  standin: boolean;
}

export interface SessionList {
  total: number;
  sessions: SessionInfo[];
}

export interface Happening {
  time: number;
  version?: number;
  kind: string;
  edge?: string;
  pair?: number;
  stream?: string;
  text: string;
}

export interface BoundaryMove {
  pair: number;
  before: number;
  after: number;
}

export interface Receipt {
  edge: string;
  incarnation: number;
  noticed: number;
  by: string;
  cause: string;
  committed: number;
  version: number;
  boundaries: BoundaryMove[];
  moved: number;
  lost: number;
  finished: number;
  longest_gap: number;
  broken: number;
  returned: number; // 0: not yet
  copied_bytes: number;
}

export interface Preview {
  edge: string;
  order: string;
  moves: number;
  boundaries: BoundaryMove[];
  excess: number;
  peak: string;
  peak_load: number;
  peak_capacity: number;
  margin_now: number; // the least capacity left after any one death; below 0: somebody loses it
  margin: number; // the same afterwards
  limit_now: number; // sessions that the cluster admits
  limit: number;
  lowers?: boolean; // the limits of the others fall
}

export interface PurgeAnswer {
  seq: number;
  removed: Record<string, number>;
  failed: string[];
}

// The cluster in a sentence, as the balancer judges it.
export interface Verdict {
  level: "good" | "warn" | "bad";
  text: string;
  more: string;
  next?: string; // what to do
  survives_next: "yes" | "no" | "unknown";
}

// A demo's own: what it offers, and what can be done to its nodes.
export interface DemoStream {
  stream: string;
  hls?: string;
  dash?: string;
  live: boolean;
}

export interface DemoNode {
  name: string;
  role: string;
  state: string; // up, halted, cut, dead
  acts: string[]; // what can be done to it now
}

export interface Demo {
  nodes: DemoNode[];
  viewers: string[];
  streams: DemoStream[];
}
