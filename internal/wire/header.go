package wire

// Internal headers. A node takes them only from a request that carries the cluster's secret
// (Auth); it removes them from what it gets from a viewer and from what it gives to one.
const (
	HeaderAuth        = "Tandem-Auth"        // Secret.Bearer()
	HeaderFrom        = "Tandem-From"        // name of the sending node
	HeaderPair        = "Tandem-Pair"        // pair id the request is about, decimal
	HeaderViewer      = "Tandem-Viewer"      // viewer's address, from the balancer
	HeaderScheme      = "Tandem-Scheme"      // "https": by which the viewer asked the balancer
	HeaderCached      = "Tandem-Only-Cached" // "1": answer from a complete copy or with 404, ask nobody
	HeaderStale       = "Tandem-Stale"       // "1": with Only-Cached, a copy that is no longer fresh will do
	HeaderLength      = "Tandem-Length"      // full length of a body whose transfer is chunked, when known
	HeaderDigest      = "Tandem-Digest"      // sha-256 of the whole body, hex, when known
	HeaderStored      = "Tandem-Stored"      // unix milliseconds at which the copy was made from the origin
	HeaderWaiting     = "Tandem-Waiting"     // the edge has the request and waits for the origin: in a 102; in a head, that its body may stand still, and by which name to ask about it (PathWaiting)
	HeaderSelection   = "Tandem-Selection"   // by what of a request a copy was selected, between neighbours
	HeaderCredentials = "Tandem-Credentials" // "1": the viewer whom a neighbour asks for has some
	HeaderSlice       = "Tandem-Slice"       // part of an object that a neighbour asks for: the slice of that number, or its bytes from-to; in an answer SliceWhole
	HeaderTransient   = "Tandem-Transient"   // "1": an object that nobody keeps, between neighbours
	HeaderLed         = "Tandem-Led"         // the target that was asked for first, where the origin has led viewers on to the object, between neighbours
	HeaderTags        = "Tandem-Tags"        // by what a copy can be purged, between neighbours
	HeaderPushed      = "Tandem-Pushed"      // the last push of the object that an edge has heard of (call.Pushed)
	HeaderPurged      = "Tandem-Purged"      // the last purge of the placement that an edge has carried out, decimal
	HeaderPass        = "Tandem-Pass"        // "1": an answer that is not for the store may be handed on to the asker's viewer
	HeaderPassed      = "Tandem-Passed"      // "1": this is such an answer; with 404, the status of one that is for nobody but who asks for itself
	HeaderReason      = "Tandem-Reason"      // machine-readable reason of a refusal, also shown to viewers
	HeaderFresh       = "Tandem-Fresh"       // unix milliseconds until which a copy is fresh, between neighbours
	HeaderVolatile    = "Tandem-Volatile"    // "1": a copy that is kept in memory only
	HeaderFields      = "Tandem-Fields"      // the kept fields of a copy as they are, in base64: both members answer alike
	HeaderOffset      = "Tandem-Offset"      // the byte at which a growing body's rest begins
	HeaderMulticast   = "Tandem-Multicast"   // in the origin's 202: the object, whose number this is (16 hex digits), follows in datagrams to the group that was asked for
	HeaderManifest    = "Tandem-Manifest"    // asked along by a balancer: ManifestAsk, ManifestOnly; answered: what kind of manifest the target is, in place of its body
	HeaderSealed      = "Tandem-Sealed"      // a head that is sealed, of a request or of an answer (internal/sealedhead)
	HeaderDest        = "Tandem-Destination" // claim 7: origin, send this to that edge as well
)

// How media goes from edges to balancers where nodes have names (--node-media).
const (
	MediaTLS   = "tls"
	MediaPlain = "plain" // heads sealed, bodies in clear
)

// IsNodeMedia tells whether a setting is one of them; none is the default.
func IsNodeMedia(s string) bool { return s == "" || s == MediaTLS || s == MediaPlain }

// MadeTag begins the validators that edges make where an origin gives no strong one: each
// names one fetch, and who has no copy of that has none by that name.
const MadeTag = `"tandem-`

// Paths of the internal endpoints. All need HeaderAuth; without it the answer
// is 403 and nothing else. Bodies are JSON unless said otherwise.
const (
	Internal = "/_tandem/"

	// On edges.
	PathPing      = "/_tandem/ping"      // GET -> Pong
	PathOpen      = "/_tandem/open"      // POST OpenRequest -> OpenAnswer; 409 + Refusal
	PathClose     = "/_tandem/close"     // POST SessionID
	PathForesee   = "/_tandem/foresee"   // POST []ring.Load -> 204 when what comes next in these sessions, which it is about to be given, is in memory, or can't be in time
	PathNotice    = "/_tandem/notice"    // POST binary Notice -> 204; 409 when the sender is not known as it says
	PathObject    = "/_tandem/object"    // GET /_tandem/object/<path>: relay; PUT: a playlist pushed to the partner
	PathCopy      = "/_tandem/copy"      // POST CopyHint: fetch these from me
	PathInventory = "/_tandem/inventory" // GET ?pair=ID -> NDJSON of Item
	PathReport    = "/_tandem/report"    // GET on an edge -> Report (state source query); POST to a balancer
	PathSessions  = "/_tandem/sessions"  // GET ?limit= -> []SessionInfo
	PathStreams   = "/_tandem/streams"   // GET -> []StreamLoad: the streams that its sessions watch
	PathPurge     = "/_tandem/purge"     // POST Purge -> {"removed": n}
	PathPushed    = "/_tandem/pushed"    // POST call.Pushed -> 204: heard, by a balancer by all edges
	PathWaiting   = "/_tandem/waiting"   // GET ?id=HeaderWaiting&got=BYTES -> 204: all that there is was sent, more is waited for; 409: not so; POST call.Deadly
	PathSealed    = "/_tandem/sealed"    // POST -> sealedhead.Grant; GET, not encrypted, with HeaderSealed: what balancers fetch for viewers, 421 where it has to be asked for by TLS

	// On origins.
	PathCatalog = "/_tandem/catalog" // GET -> its streams
	PathCounts  = "/_tandem/counts"  // GET -> how often each object was asked for; POST, at the admin listener alone: the same, and counting begins anew

	// On balancers.
	PathRegister  = "/_tandem/register"  // POST Register -> RegisterAnswer
	PathPlacement = "/_tandem/placement" // GET ?after=V: long poll, at most 25 s; 204 when nothing changed, 226 with a PlacementDelta from V on for A-IM (DeltaPlacement), else the whole
	PathKeys      = "/_tandem/keys"      // GET -> Keys
	PathTrust     = "/_tandem/trust"     // GET -> Standing: what an origin has to know
	PathSuspect   = "/_tandem/suspect"   // POST Suspicion
	PathStopping  = "/_tandem/stopping"  // POST Stopping: a planned takeover
	PathReady     = "/_tandem/ready"     // POST Ready: the copy is complete
	PathHealth    = "/_tandem/health"    // GET, open to all: 200 while this balancer should get viewers, else 503
	PathPropose   = "/_tandem/propose"   // POST raftfsm command, leader only; 421 + leader otherwise
	PathJoin      = "/_tandem/join"      // POST Balancer
	PathRenew     = "/_tandem/renew"     // POST Enrol without a ticket -> Certified
	PathEnroll    = "/_tandem/enroll"    // POST Enrol -> Certified
)

// Values of HeaderManifest.
const (
	ManifestAsk          = "ask"          // is it an entry? Else it is served
	ManifestOnly         = "only"         // is it an entry? Else it is refused
	ManifestMultivariant = "multivariant" // an HLS playlist of playlists
	ManifestMedia        = "media"        // an HLS playlist of segments
	ManifestMPD          = "mpd"
)

// SliceWhole is said in HeaderSlice of an answer: the object is to be had whole alone. Behind
// it stands how long it is where its origin gives parts, but none that can be put together.
const SliceWhole = "whole"

// SessionPrefix begins every tokenised path: /s/<token>/<path of the object>.
const SessionPrefix = "/s/"
