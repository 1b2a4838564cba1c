// Package scan goes through the texts of manifests: numbers and times, XML as it
// stands in the bytes, and what is remembered of it all without copying it.
//
// Always true:
//   - everything is proportional to the text that is gone through, in time and in
//     memory; nothing recurses, nothing is read twice;
//   - a place in a text is four bytes: texts are at most 1 GiB long;
//   - numbers are bounded so that sums of two can't overflow.
//
// Values are owned by who makes them. The package starts no goroutine.
package scan
