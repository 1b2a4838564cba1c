// Package web is the dashboard that balancers show on their admin listener.
//
// Its one job: hand out the files that build.mjs made of ui/ and put into dist/,
// which are embedded. All that the page shows it asks from /api/v1 (wire/api.go)
// of the balancer that served it.
//
// Always true:
//   - nothing is loaded from elsewhere, and the browser is told so (CSP);
//   - what may be cached for ever has a hash of its content in its name;
//   - a binary built without Node answers, and says how to get the page.
//
// May be lost: everything; the page keeps nothing.
// Never done here: the API (lb).
//
// The package starts no goroutine.
package web
